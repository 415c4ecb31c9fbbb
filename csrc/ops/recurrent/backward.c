#ifndef REAL
#include "ops/broadcast/broadcast.h"
#include "ops/recurrent/recurrent.h"

#define BODY "ops/recurrent/backward.c"
#include "base/each_level.h"
#else

#include "ops/recurrent/step.h"
#include "ops/recurrent/sums.h"

/* What a group has at hand: rows of the gradients of state and cell, and blocks of a
   vector for each sample, one for what it reads and one for the gradient of each gate. */
typedef struct {
    const OF_REAL(recurrent) * by;
    const REAL *gates, *dy, *kept;
    REAL *dgates, *inner;
    ptrdiff_t lead;
    REAL *packed, *dstate, *dcell;
    REAL *blocks;
} NAMED(backward);

/* The n-th block of as many samples as take a step. */
static inline REAL *NAMED(block)(const NAMED(backward) * b, const group_t *group,
                                 ptrdiff_t n) {
    return b->blocks + n * group->active * LANES;
}

/* A block of what is known of a step, from the column first on, and before long of the
   step that comes next. Steps lie far apart, where nothing but this asks for them. */
static inline void NAMED(load_steps)(const group_t *group, ptrdiff_t row,
                                     ptrdiff_t first, ptrdiff_t width, const REAL *from,
                                     REAL *to) {
    for (ptrdiff_t i = 0; i < group->active; i++) {
        const REAL *step = from + group->at[i] * row + first;
        NAMED(load)(width, step, to + i * LANES);
        PREFETCH(step + group->ahead * row);
    }
}

/* A block of some rows. */
static inline void NAMED(load_block)(ptrdiff_t m, const ptrdiff_t *at, ptrdiff_t row,
                                     ptrdiff_t first, ptrdiff_t width, const REAL *from,
                                     REAL *to) {
    for (ptrdiff_t i = 0; i < m; i++)
        NAMED(load)(width, from + at[i] * row + first, to + i * LANES);
}

static inline void NAMED(store_block)(ptrdiff_t m, const ptrdiff_t *at, ptrdiff_t row,
                                      ptrdiff_t first, ptrdiff_t width,
                                      const REAL *from, REAL *to) {
    for (ptrdiff_t i = 0; i < m; i++)
        NAMED(store)(width, from + i * LANES, to + at[i] * row + first);
}

/* d times the slope of the activation, from what this has given. */
static inline void NAMED(slope)(const OF_REAL(recurrent) * by, ptrdiff_t n,
                                const REAL *y, REAL *d) {
    OF_REAL(slope_loops)[by->activation](1, n, d, n, y, n, by->option, d, n);
}

static inline void NAMED(slope_of_gates)(const OF_REAL(recurrent) * by, ptrdiff_t n,
                                         const REAL *y, REAL *d) {
    OF_REAL(slope_loops)
    [by->recurrent_activation](1, n, d, n, y, n, by->recurrent_option, d, n);
}

/* The gradient of the gates of some units, from that of the state, of which no more is
   left than goes to the state before without a product. */
static void NAMED(simple_rnn_gradient)(NAMED(backward) * b, const group_t *group,
                                       ptrdiff_t first, ptrdiff_t width) {
    ptrdiff_t m = group->active, size = m * LANES, u = b->by->units;
    REAL *h = NAMED(block)(b, group, 0), *d = NAMED(block)(b, group, 1);
    NAMED(load_steps)(group, u, first, width, b->gates, h);
    NAMED(load_block)(m, group->slot, b->lead, first, LANES, b->dstate, d);
    NAMED(slope)(b->by, size, h, d);
    NAMED(store_block)(m, group->at, u, first, width, d, b->dgates);
    for (ptrdiff_t i = 0; i < m; i++)
        memset(b->dstate + group->slot[i] * b->lead + first, 0, LANES * sizeof(REAL));
}

static void NAMED(lstm_gradient)(NAMED(backward) * b, const group_t *group,
                                 ptrdiff_t first, ptrdiff_t width) {
    ptrdiff_t m = group->active, size = m * LANES, u = b->by->units;
    REAL *input = NAMED(block)(b, group, 0), *forget = NAMED(block)(b, group, 1),
         *output = NAMED(block)(b, group, 2);
    REAL *candidate = NAMED(block)(b, group, 3), *value = NAMED(block)(b, group, 4),
         *before = NAMED(block)(b, group, 5);
    REAL *dinput = NAMED(block)(b, group, 6), *dforget = NAMED(block)(b, group, 7),
         *doutput = NAMED(block)(b, group, 8);
    REAL *dcandidate = NAMED(block)(b, group, 9), *dh = NAMED(block)(b, group, 10),
         *dvalue = NAMED(block)(b, group, 11);
    NAMED(load_steps)(group, 4 * u, first, width, b->gates, input);
    NAMED(load_steps)(group, 4 * u, u + first, width, b->gates, forget);
    NAMED(load_steps)(group, 4 * u, 2 * u + first, width, b->gates, candidate);
    NAMED(load_steps)(group, 4 * u, 3 * u + first, width, b->gates, output);
    NAMED(load_steps)(group, 2 * u, u + first, width, b->kept, before);
    NAMED(load_block)(m, group->slot, b->lead, first, LANES, b->dstate, dh);
    SIMD
    for (ptrdiff_t k = 0; k < size; k++)
        value[k] = forget[k] * before[k] + input[k] * candidate[k];
    OF_REAL(add_loops)
    [b->by->activation](1, size, value, size, NULL, 0, 0, b->by->option, value, size);
    SIMD
    for (ptrdiff_t k = 0; k < size; k++) {
        doutput[k] = dh[k] * value[k];
        dvalue[k] = dh[k] * output[k];
    }
    NAMED(slope)(b->by, size, value, dvalue);
    for (ptrdiff_t i = 0; i < m; i++) {
        REAL *dcell = b->dcell + group->slot[i] * b->lead + first;
        SIMD
        for (ptrdiff_t j = 0; j < LANES; j++) {
            ptrdiff_t k = i * LANES + j;
            REAL dc = dcell[j] + dvalue[k];
            dinput[k] = dc * candidate[k];
            dforget[k] = dc * before[k];
            dcandidate[k] = dc * input[k];
            dcell[j] = dc * forget[k];
        }
        memset(b->dstate + group->slot[i] * b->lead + first, 0, LANES * sizeof(REAL));
    }
    NAMED(slope_of_gates)(b->by, 3 * size, input, dinput); /* and the next two */
    NAMED(slope)(b->by, size, candidate, dcandidate);
    NAMED(store_block)(m, group->at, 4 * u, first, width, dinput, b->dgates);
    NAMED(store_block)(m, group->at, 4 * u, u + first, width, dforget, b->dgates);
    NAMED(store_block)(m, group->at, 4 * u, 2 * u + first, width, dcandidate,
                       b->dgates);
    NAMED(store_block)(m, group->at, 4 * u, 3 * u + first, width, doutput, b->dgates);
}

/* Both forms of it; what the reset gate gets is known later in one of them. */
static void NAMED(gru_gradient)(NAMED(backward) * b, const group_t *group,
                                ptrdiff_t first, ptrdiff_t width) {
    ptrdiff_t m = group->active, size = m * LANES, u = b->by->units;
    REAL *update = NAMED(block)(b, group, 0), *reset = NAMED(block)(b, group, 1),
         *value = NAMED(block)(b, group, 2);
    REAL *before = NAMED(block)(b, group, 3), *inner = NAMED(block)(b, group, 4);
    REAL *dupdate = NAMED(block)(b, group, 6), *dreset = NAMED(block)(b, group, 7),
         *dvalue = NAMED(block)(b, group, 8);
    REAL *dinner = NAMED(block)(b, group, 9);
    NAMED(load_steps)(group, 3 * u, first, width, b->gates, update);
    NAMED(load_steps)(group, 3 * u, 2 * u + first, width, b->gates, value);
    NAMED(load_steps)(group, 2 * u, first, width, b->kept, before);
    for (ptrdiff_t i = 0; i < m; i++) {
        REAL *dstate = b->dstate + group->slot[i] * b->lead + first;
        SIMD
        for (ptrdiff_t j = 0; j < LANES; j++) {
            ptrdiff_t k = i * LANES + j;
            REAL dh = dstate[j];
            dupdate[k] = dh * (before[k] - value[k]);
            dvalue[k] = dh * (1 - update[k]);
            dstate[j] = dh * update[k];
        }
    }
    NAMED(slope_of_gates)(b->by, size, update, dupdate);
    NAMED(slope)(b->by, size, value, dvalue);
    NAMED(store_block)(m, group->at, 3 * u, first, width, dupdate, b->dgates);
    NAMED(store_block)(m, group->at, 3 * u, 2 * u + first, width, dvalue, b->dgates);
    if (b->by->cell == GRU_RESET_BEFORE) return;
    NAMED(load_steps)(group, 3 * u, u + first, width, b->gates, reset);
    NAMED(load_steps)(group, 2 * u, u + first, width, b->kept, inner);
    SIMD
    for (ptrdiff_t k = 0; k < size; k++) {
        dreset[k] = dvalue[k] * inner[k];
        dinner[k] = dvalue[k] * reset[k];
    }
    NAMED(slope_of_gates)(b->by, size, reset, dreset);
    NAMED(store_block)(m, group->at, 3 * u, u + first, width, dreset, b->dgates);
    NAMED(store_block)(m, group->at, u, first, width, dinner, b->inner);
}

/* From the gradient of r h in some units: those of r and of h. */
static void NAMED(reset_gradient)(NAMED(backward) * b, const group_t *group,
                                  ptrdiff_t first, ptrdiff_t width, const REAL *d) {
    ptrdiff_t m = group->active, size = m * LANES, u = b->by->units;
    REAL *reset = NAMED(block)(b, group, 4), *before = NAMED(block)(b, group, 5),
         *dreset = NAMED(block)(b, group, 6);
    NAMED(load_steps)(group, 3 * u, u + first, width, b->gates, reset);
    NAMED(load_steps)(group, 2 * u, first, width, b->kept, before);
    for (ptrdiff_t i = 0; i < m; i++) {
        REAL *dstate = b->dstate + group->slot[i] * b->lead + first, factor[LANES];
        for (ptrdiff_t j = 0; j < LANES; j++) factor[j] = 1;
        if (b->by->dropped)
            NAMED(load)(width,
                        b->by->dropped + group->sample[group->slot[i]] * u + first,
                        factor);
        for (ptrdiff_t j = 0; j < LANES; j++) {
            ptrdiff_t k = i * LANES + j;
            REAL dread = d[k] * factor[j];
            dreset[k] = dread * before[k];
            dstate[j] += dread * reset[k];
        }
    }
    NAMED(slope_of_gates)(b->by, size, reset, dreset);
    NAMED(store_block)(m, group->at, 3 * u, u + first, width, dreset, b->dgates);
}

/* Adds the gradient of what products have read to that of the states. */
static void NAMED(add_products)(NAMED(backward) * b, const group_t *group,
                                ptrdiff_t first, ptrdiff_t width, const REAL *d) {
    const REAL *dropped = b->by->dropped;
    ptrdiff_t u = b->by->units;
    for (ptrdiff_t i = 0; i < group->active; i++, d += LANES) {
        REAL *dstate = b->dstate + group->slot[i] * b->lead + first;
        if (!dropped) {
            for (ptrdiff_t j = 0; j < LANES; j++) dstate[j] += d[j];
            continue;
        }
        const REAL *factor = dropped + group->sample[group->slot[i]] * u + first;
        for (ptrdiff_t j = 0; j < width && j < LANES; j++)
            dstate[j] += d[j] * factor[j];
    }
}

/* The gradient of the states before a step. The kernel is packed as one panel after
   another of what its first columns, or its last, are multiplied by. */
static void NAMED(take_back)(NAMED(backward) * b, const group_t *group, int is_first) {
    const OF_REAL(recurrent) *by = b->by;
    ptrdiff_t u = by->units, all = NAMED(vectors_of)(u), m = group->active, v;
    ptrdiff_t row = gates_of(by->cell) * u, at[GROUP], inner_at[GROUP];
    int is_gru = by->cell == GRU || by->cell == GRU_RESET_BEFORE;
    ptrdiff_t k = is_gru ? 2 * u : row;
    const REAL *last = b->packed + k * all * LANES;
    REAL *out = NAMED(block)(b, group, 0);
    for (v = 0; v < all; v++) {
        ptrdiff_t first = v * LANES, width = u - first;
        if (by->cell == LSTM)
            NAMED(lstm_gradient)(b, group, first, width);
        else if (by->cell == SIMPLE_RNN)
            NAMED(simple_rnn_gradient)(b, group, first, width);
        else
            NAMED(gru_gradient)(b, group, first, width);
    }
    for (ptrdiff_t i = 0; i < m; i++) {
        at[i] = group->at[i] * row;
        inner_at[i] = by->cell == GRU ? group->at[i] * u : at[i] + 2 * u;
    }
    for (v = 0; v < all && by->cell == GRU_RESET_BEFORE; v += MOST_VECTORS) {
        ptrdiff_t blocks = all - v < MOST_VECTORS ? all - v : MOST_VECTORS;
        NAMED(sums)(m, blocks, u, b->dgates, inner_at, NAMED(panel_at)(last, u, v), 0,
                    out);
        for (ptrdiff_t i = 0; i < blocks; i++)
            NAMED(reset_gradient)(b, group, (v + i) * LANES, u - (v + i) * LANES,
                                  out + i * m * LANES);
    }
    if (is_first) return;
    for (v = 0; v < all; v += MOST_VECTORS) {
        ptrdiff_t blocks = all - v < MOST_VECTORS ? all - v : MOST_VECTORS;
        NAMED(sums)(m, blocks, k, b->dgates, at, NAMED(panel_at)(b->packed, k, v), 0,
                    out);
        if (by->cell == GRU)
            NAMED(sums)(m, blocks, u, b->inner, inner_at, NAMED(panel_at)(last, u, v),
                        1, out);
        for (ptrdiff_t i = 0; i < blocks; i++)
            NAMED(add_products)(b, group, (v + i) * LANES, u - (v + i) * LANES,
                                out + i * m * LANES);
    }
}

/* The gradient of the output of a step; those that wait pass it on. */
static void NAMED(add_output)(NAMED(backward) * b, const group_t *group) {
    const OF_REAL(recurrent) *by = b->by;
    ptrdiff_t u = by->units, row = gates_of(by->cell) * u;
    const ptrdiff_t *at = group->at, *waiting = group->waiting_at;
    for (ptrdiff_t i = 0; i < group->waiting; i++) {
        memset(b->dgates + waiting[i] * row, 0, (size_t)row * sizeof(REAL));
        if (b->inner) memset(b->inner + waiting[i] * u, 0, (size_t)u * sizeof(REAL));
    }
    if (by->returns == LAST_STATE) return;
    if (by->returns == STATES_AS_TAKEN)
        at = group->taken, waiting = group->waiting_taken;
    for (ptrdiff_t i = 0; i < group->active + group->waiting; i++) {
        ptrdiff_t n = i - group->active;
        const REAL *from = b->dy + (n < 0 ? at[i] : waiting[n]) * u;
        REAL *to =
            b->dstate + (n < 0 ? group->slot[i] : group->waiting_slot[n]) * b->lead;
        SIMD
        for (ptrdiff_t j = 0; j < u; j++) to[j] += from[j];
    }
}

static void NAMED(pass_group_back)(NAMED(backward) * b, group_t *group) {
    const OF_REAL(recurrent) *by = b->by;
    size_t rows = (size_t)(group->count * b->lead) * sizeof(REAL);
    memset(b->dstate, 0, rows);
    memset(b->dcell, 0, rows);
    for (ptrdiff_t i = 0; i < group->count && by->returns == LAST_STATE; i++)
        NAMED(copy_row)(by->units, b->dy + group->sample[i] * by->units,
                        b->dstate + i * b->lead);
    for (ptrdiff_t t = group->longest; t-- > 0;) {
        NAMED(begin_step)(group, t, by->mask);
        NAMED(add_output)(b, group);
        if (group->active) NAMED(take_back)(b, group, t == 0);
    }
}

LOOP void NAMED(recurrent_backward)(const OF_REAL(recurrent) * by, const REAL *gates,
                                    const REAL *dy, const REAL *kept, REAL *dgates,
                                    REAL *inner) {
    ptrdiff_t u = by->units, lead = row_lead(u), all = NAMED(vectors_of)(u);
    ptrdiff_t row = gates_of(by->cell) * u;
    NAMED(backward)
    b = {.by = by,
         .gates = gates,
         .dy = dy,
         .kept = kept,
         .dgates = dgates,
         .inner = inner,
         .lead = lead};
    b.packed = by->scratch;
    b.dstate = b.packed + row * lead;
    b.dcell = b.dstate + GROUP * lead;
    b.blocks = b.dstate + SCRATCH_ROWS * GROUP * lead;
    ptrdiff_t k = by->cell == GRU || by->cell == GRU_RESET_BEFORE ? 2 * u : row;
    NAMED(pack)(k, u, by->kernel, 1, row, b.packed);
    if (k < row) NAMED(pack)(u, u, by->kernel + k, 1, row, b.packed + k * all * LANES);
    ptrdiff_t order[SORTED];
    group_t group;
    for (ptrdiff_t first = 0; first < by->samples.count; first += SORTED) {
        ptrdiff_t left = by->samples.count - first,
                  count = left < SORTED ? left : SORTED;
        sort_by_length(&by->samples, first, count, order);
        for (ptrdiff_t i = 0, size; i < count; i += size) {
            size = group_size(count - i);
            begin_group(&by->samples, size, order + i, 1, &group);
            NAMED(pass_group_back)(&b, &group);
        }
    }
}
CHOOSE(recurrent_backward)

#include "ops/recurrent/end.h"

#endif
