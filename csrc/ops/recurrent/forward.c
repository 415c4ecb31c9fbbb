#ifndef REAL
#include "ops/broadcast/broadcast.h"
#include "ops/recurrent/recurrent.h"

#define BODY "ops/recurrent/forward.c"
#include "base/each_level.h"
#else

#include "ops/recurrent/step.h"
#include "ops/recurrent/sums.h"

/* What a group has at hand: rows of the state and of the cell, of what products read, of
   the next state, and of two numbers that a GRU keeps from its gates; lead numbers each,
   which are a multiple of a vector. */
typedef struct {
    const OF_REAL(recurrent) * by;
    const REAL *x;
    REAL *gates, *y, *kept;
    ptrdiff_t lead;
    REAL *packed_input, *packed, *state, *cell, *read, *next, *update, *reset;
    REAL *buffer, *values;
} NAMED(forward);

/* A part of a panel: units first to first + width, vector by vector. */
#define EACH_VECTOR(v, first, width, blocks, begin)                                 \
    for (ptrdiff_t v = 0, first = (begin), width = by->units - first; v < (blocks); \
         v++, first += LANES, width -= LANES)

/* Which gate's columns come first, second and so on in a panel: those with the recurrent
   activation side by side. In front of a GRU's is what it multiplies before it is added to
   what the input says of the same gate, which is behind them. */
static inline ptrdiff_t NAMED(gate_of)(int cell, int of_state, ptrdiff_t i) {
    if (cell == LSTM) return i < 2 ? i : 5 - i;
    if (cell == GRU && of_state) return (i + 2) % 3;
    return i;
}

/* So many vectors of gates side by side in panels, each of some blocks of units. */
static void NAMED(pack_gates)(const OF_REAL(recurrent) * by, int of_state, int gates,
                              int blocks, REAL *to) {
    ptrdiff_t u = by->units, all = NAMED(vectors_of)(u), row = gates_of(by->cell) * u;
    ptrdiff_t k = of_state ? u : by->features;
    const REAL *from = of_state ? by->kernel : by->input_kernel;
    for (ptrdiff_t first = 0; first < all; first += blocks) {
        ptrdiff_t count = all - first < blocks ? all - first : blocks;
        for (ptrdiff_t g = 0; g < gates; g++)
            for (ptrdiff_t v = 0; v < count; v++) {
                ptrdiff_t unit = (first + v) * LANES, left = u - unit;
                NAMED(pack_vector)(
                    k, left < LANES ? left : LANES,
                    from + NAMED(gate_of)(by->cell, of_state, g) * u + unit, row, 1,
                    to + (first * k * gates + g * count + v) * LANES, gates * count);
            }
    }
}

static inline void NAMED(activate)(const OF_REAL(recurrent) * by, ptrdiff_t n,
                                   REAL *x) {
    OF_REAL(add_loops)[by->activation](1, n, x, n, NULL, 0, 0, by->option, x, n);
}

static inline void NAMED(activate_gates)(const OF_REAL(recurrent) * by, ptrdiff_t n,
                                         REAL *x) {
    OF_REAL(add_loops)
    [by->recurrent_activation](1, n, x, n, NULL, 0, 0, by->recurrent_option, x, n);
}

/* Adds a bias, or two, to a block of a gate. */
static inline void NAMED(add_bias)(const NAMED(forward) * f, const group_t *group,
                                   ptrdiff_t gate, ptrdiff_t first, ptrdiff_t width,
                                   int with_second, REAL *to) {
    const OF_REAL(recurrent) *by = f->by;
    ptrdiff_t u = by->units, row = gates_of(by->cell) * u, column = gate * u + first;
    REAL bias[LANES], second[LANES];
    if (!by->bias) return;
    NAMED(load)(width, by->bias + column, bias);
    if (with_second) {
        NAMED(load)(width, by->bias + row + column, second);
        for (ptrdiff_t j = 0; j < LANES; j++) bias[j] += second[j];
    }
    for (ptrdiff_t i = 0; i < group->active; i++, to += LANES)
        for (ptrdiff_t j = 0; j < LANES; j++) to[j] += bias[j];
}

/* Keeps a block of a gate for the backward pass. */
static inline void NAMED(keep_gate)(const NAMED(forward) * f, const group_t *group,
                                    ptrdiff_t gate, ptrdiff_t first, ptrdiff_t width,
                                    const REAL *from) {
    ptrdiff_t u = f->by->units, row = gates_of(f->by->cell) * u;
    if (!f->gates) return;
    for (ptrdiff_t i = 0; i < group->active; i++) {
        REAL *to = f->gates + group->at[i] * row + gate * u + first;
        NAMED(store)(width, from + i * LANES, to);
        PREFETCH(to + group->ahead * row);
    }
}

/* The same of the second number that is kept of a step. */
static inline void NAMED(keep_inner)(const NAMED(forward) * f, const group_t *group,
                                     ptrdiff_t first, ptrdiff_t width,
                                     const REAL *from) {
    ptrdiff_t u = f->by->units;
    if (!f->kept) return;
    for (ptrdiff_t i = 0; i < group->active; i++)
        NAMED(store)(width, from + i * LANES,
                     f->kept + (2 * group->at[i] + 1) * u + first);
}

static void NAMED(simple_rnn_block)(NAMED(forward) * f, const group_t *group,
                                    ptrdiff_t begin, ptrdiff_t blocks) {
    const OF_REAL(recurrent) *by = f->by;
    ptrdiff_t m = group->active, size = m * LANES;
    EACH_VECTOR(v, first, width, blocks, begin)
    NAMED(add_bias)(f, group, 0, first, width, 0, f->buffer + v * size);
    NAMED(activate)(by, blocks * size, f->buffer);
    EACH_VECTOR(v, first, width, blocks, begin) {
        const REAL *h = f->buffer + v * size;
        NAMED(keep_gate)(f, group, 0, first, width, h);
        for (ptrdiff_t i = 0; i < m; i++)
            NAMED(store)(LANES, h + i * LANES, f->next + i * f->lead + first);
    }
}

static void NAMED(lstm_block)(NAMED(forward) * f, const group_t *group,
                              ptrdiff_t first) {
    const OF_REAL(recurrent) *by = f->by;
    ptrdiff_t m = group->active, size = m * LANES, width = by->units - first;
    REAL *input = f->buffer, *forget = input + size, *output = forget + size;
    REAL *candidate = output + size, *value = f->values;
    for (ptrdiff_t g = 0; g < 4; g++)
        NAMED(add_bias)(f, group, NAMED(gate_of)(LSTM, 0, g), first, width, 0,
                        f->buffer + g * size);
    NAMED(activate_gates)(by, 3 * size, input);
    NAMED(activate)(by, size, candidate);
    for (ptrdiff_t g = 0; g < 4; g++)
        NAMED(keep_gate)(f, group, NAMED(gate_of)(LSTM, 0, g), first, width,
                         f->buffer + g * size);
    for (ptrdiff_t i = 0; i < m; i++) {
        REAL *cell = f->cell + group->slot[i] * f->lead + first;
        SIMD
        for (ptrdiff_t j = 0; j < LANES; j++) {
            ptrdiff_t k = i * LANES + j;
            REAL c = forget[k] * cell[j] + input[k] * candidate[k];
            cell[j] = c;
            value[k] = c;
        }
    }
    NAMED(activate)(by, size, value);
    for (ptrdiff_t i = 0; i < m; i++) {
        REAL *next = f->next + i * f->lead + first;
        SIMD
        for (ptrdiff_t j = 0; j < LANES; j++)
            next[j] = output[i * LANES + j] * value[i * LANES + j];
    }
}

static void NAMED(gru_block)(NAMED(forward) * f, const group_t *group,
                             ptrdiff_t first) {
    const OF_REAL(recurrent) *by = f->by;
    ptrdiff_t m = group->active, size = m * LANES, u = by->units, width = u - first;
    REAL *inner = f->buffer, *update = inner + size, *reset = update + size;
    REAL *value = reset + size, bias[LANES];
    NAMED(add_bias)(f, group, 0, first, width, 1, update);
    NAMED(add_bias)(f, group, 1, first, width, 1, reset);
    NAMED(add_bias)(f, group, 2, first, width, 0, value);
    if (by->bias) {
        NAMED(load)(width, by->bias + 5 * u + first, bias);
        for (ptrdiff_t i = 0; i < m; i++)
            for (ptrdiff_t j = 0; j < LANES; j++) inner[i * LANES + j] += bias[j];
    }
    NAMED(activate_gates)(by, 2 * size, update);
    SIMD
    for (ptrdiff_t k = 0; k < size; k++) value[k] += reset[k] * inner[k];
    NAMED(activate)(by, size, value);
    NAMED(keep_gate)(f, group, 0, first, width, update);
    NAMED(keep_gate)(f, group, 1, first, width, reset);
    NAMED(keep_gate)(f, group, 2, first, width, value);
    NAMED(keep_inner)(f, group, first, width, inner);
    for (ptrdiff_t i = 0; i < m; i++) {
        const REAL *h = f->state + group->slot[i] * f->lead + first;
        REAL *next = f->next + i * f->lead + first;
        SIMD
        for (ptrdiff_t j = 0; j < LANES; j++) {
            ptrdiff_t k = i * LANES + j;
            next[j] = value[k] + update[k] * (h[j] - value[k]);
        }
    }
}

/* The gates, and what the products with the rest of the kernel read. */
static void NAMED(gru_gates_block)(NAMED(forward) * f, const group_t *group,
                                   ptrdiff_t begin, ptrdiff_t blocks) {
    const OF_REAL(recurrent) *by = f->by;
    ptrdiff_t m = group->active, size = m * LANES;
    for (ptrdiff_t g = 0; g < 2; g++) EACH_VECTOR(v, first, width, blocks, begin)
    NAMED(add_bias)(f, group, g, first, width, 0, f->buffer + (g * blocks + v) * size);
    NAMED(activate_gates)(by, 2 * blocks * size, f->buffer);
    EACH_VECTOR(v, first, width, blocks, begin) {
        const REAL *update = f->buffer + v * size, *reset = update + blocks * size;
        NAMED(keep_gate)(f, group, 0, first, width, update);
        NAMED(keep_gate)(f, group, 1, first, width, reset);
        for (ptrdiff_t i = 0; i < m; i++) {
            const REAL *h = f->read + group->slot[i] * f->lead + first;
            REAL *to = f->reset + i * f->lead + first;
            NAMED(store)(LANES, update + i * LANES, f->update + i * f->lead + first);
            SIMD
            for (ptrdiff_t j = 0; j < LANES; j++) to[j] = reset[i * LANES + j] * h[j];
        }
    }
}

static void NAMED(gru_values_block)(NAMED(forward) * f, const group_t *group,
                                    ptrdiff_t begin, ptrdiff_t blocks) {
    const OF_REAL(recurrent) *by = f->by;
    ptrdiff_t m = group->active, size = m * LANES;
    EACH_VECTOR(v, first, width, blocks, begin)
    NAMED(add_bias)(f, group, 2, first, width, 0, f->buffer + v * size);
    NAMED(activate)(by, blocks * size, f->buffer);
    EACH_VECTOR(v, first, width, blocks, begin) {
        const REAL *value = f->buffer + v * size;
        NAMED(keep_gate)(f, group, 2, first, width, value);
        for (ptrdiff_t i = 0; i < m; i++) {
            const REAL *h = f->state + group->slot[i] * f->lead + first;
            const REAL *update = f->update + i * f->lead + first;
            REAL *next = f->next + i * f->lead + first;
            SIMD
            for (ptrdiff_t j = 0; j < LANES; j++) {
                REAL t = value[i * LANES + j];
                next[j] = t + update[j] * (h[j] - t);
            }
        }
    }
}

/* Panels of some blocks of each gate go by, and what has been summed becomes the next
   state. */
static void NAMED(take_step)(NAMED(forward) * f, const group_t *group) {
    const OF_REAL(recurrent) *by = f->by;
    ptrdiff_t u = by->units, n = by->features, all = NAMED(vectors_of)(u);
    ptrdiff_t m = group->active, at[GROUP], x_at[GROUP];
    int cell = by->cell, gates = cell == GRU_RESET_BEFORE ? 2 : (int)gates_of(cell);
    ptrdiff_t most = gates >= 3 ? 1 : MOST_VECTORS / gates;
    REAL *of_input = cell == GRU ? f->buffer + m * LANES : f->buffer;
    for (ptrdiff_t i = 0; i < m; i++) {
        at[i] = group->slot[i] * f->lead;
        x_at[i] = group->at[i] * n;
    }
    for (ptrdiff_t v = 0; v < all; v += most) {
        ptrdiff_t blocks = all - v < most ? all - v : most;
        if (cell == GRU) memset(f->buffer, 0, (size_t)(m * LANES) * sizeof(REAL));
        NAMED(sums)(m, gates * blocks, n, f->x, x_at,
                    NAMED(panel_at)(f->packed_input, n, v * gates), 0, of_input);
        NAMED(sums)(m, gates * blocks, u, f->read, at,
                    NAMED(panel_at)(f->packed, u, v * gates), 1, f->buffer);
        switch (cell) {
        case SIMPLE_RNN:
            NAMED(simple_rnn_block)(f, group, v * LANES, blocks);
            break;
        case LSTM:
            NAMED(lstm_block)(f, group, v * LANES);
            break;
        case GRU:
            NAMED(gru_block)(f, group, v * LANES);
            break;
        default:
            NAMED(gru_gates_block)(f, group, v * LANES, blocks);
        }
    }
    if (cell != GRU_RESET_BEFORE) return;
    const REAL *rest = NAMED(panel_at)(f->packed, u, 2 * all);
    const REAL *rest_of_input = NAMED(panel_at)(f->packed_input, n, 2 * all);
    for (ptrdiff_t i = 0; i < m; i++) {
        at[i] = i * f->lead;
        if (f->kept)
            NAMED(copy_row)(u, f->reset + at[i], f->kept + (2 * group->at[i] + 1) * u);
    }
    for (ptrdiff_t v = 0; v < all; v += MOST_VECTORS) {
        ptrdiff_t blocks = all - v < MOST_VECTORS ? all - v : MOST_VECTORS;
        NAMED(sums)(m, blocks, n, f->x, x_at, NAMED(panel_at)(rest_of_input, n, v), 0,
                    f->buffer);
        NAMED(sums)(m, blocks, u, f->reset, at, NAMED(panel_at)(rest, u, v), 1,
                    f->buffer);
        NAMED(gru_values_block)(f, group, v * LANES, blocks);
    }
}

/* Notes what is before a step; those that wait keep it. */
static void NAMED(keep_states)(NAMED(forward) * f, const group_t *group) {
    const OF_REAL(recurrent) *by = f->by;
    ptrdiff_t u = by->units, row = kept_of(by->cell) * u;
    ptrdiff_t n = by->features;
    for (ptrdiff_t i = 0; i < group->active; i++)
        for (ptrdiff_t j = 0; j < n; j += LINE / (ptrdiff_t)sizeof(REAL))
            PREFETCH(f->x + (group->at[i] + group->ahead) * n + j);
    for (ptrdiff_t i = 0; i < group->active && f->kept; i++) {
        ptrdiff_t from = group->slot[i] * f->lead;
        REAL *to = f->kept + group->at[i] * row;
        for (ptrdiff_t j = 0; j < row; j += LINE / (ptrdiff_t)sizeof(REAL))
            PREFETCH(to + group->ahead * row + j);
        NAMED(copy_row)(u, f->state + from, to);
        if (by->cell == LSTM) NAMED(copy_row)(u, f->cell + from, to + u);
    }
    for (ptrdiff_t i = 0; i < group->waiting; i++) {
        ptrdiff_t at = group->waiting_at[i];
        const REAL *h = f->state + group->waiting_slot[i] * f->lead;
        if (f->kept) memset(f->kept + at * row, 0, (size_t)row * sizeof(REAL));
        if (by->returns == STATES_AS_TAKEN) at = group->waiting_taken[i];
        if (by->returns != LAST_STATE) NAMED(copy_row)(u, h, f->y + at * u);
    }
}

static void NAMED(pass_group)(NAMED(forward) * f, group_t *group) {
    const OF_REAL(recurrent) *by = f->by;
    ptrdiff_t u = by->units, lead = f->lead;
    size_t rows = (size_t)(group->count * lead) * sizeof(REAL);
    memset(f->state, 0, rows);
    memset(f->cell, 0, rows);
    memset(f->read, 0, rows);
    for (ptrdiff_t t = 0; t < group->longest; t++) {
        NAMED(begin_step)(group, t, by->mask);
        NAMED(keep_states)(f, group);
        if (!group->active) continue;
        NAMED(take_step)(f, group);
        for (ptrdiff_t i = 0; i < group->active; i++) {
            const REAL *h = f->next + i * lead;
            ptrdiff_t at =
                by->returns == STATES_AS_TAKEN ? group->taken[i] : group->at[i];
            REAL *state = f->state + group->slot[i] * lead;
            NAMED(copy_row)(lead, h, state);
            if (by->returns != LAST_STATE) NAMED(copy_row)(u, h, f->y + at * u);
            if (!by->dropped) continue;
            const REAL *factor = by->dropped + group->sample[group->slot[i]] * u;
            REAL *read = f->read + group->slot[i] * lead;
            SIMD
            for (ptrdiff_t j = 0; j < u; j++) read[j] = h[j] * factor[j];
        }
    }
    for (ptrdiff_t i = 0; i < group->count && by->returns == LAST_STATE; i++)
        NAMED(copy_row)(u, f->state + i * lead, f->y + group->sample[i] * u);
}

LOOP void NAMED(recurrent_forward)(const OF_REAL(recurrent) * by, const REAL *x,
                                   REAL *gates, REAL *y, REAL *kept) {
    ptrdiff_t u = by->units, lead = row_lead(u), rows = GROUP * lead;
    int cell = by->cell;
    NAMED(forward)
    f = {.by = by, .x = x, .gates = gates, .y = y, .kept = kept, .lead = lead};
    f.packed_input = by->scratch;
    f.packed = f.packed_input + gates_of(cell) * by->features * lead;
    f.state = f.packed + gates_of(cell) * u * lead;
    f.cell = f.state + rows;
    f.read = by->dropped ? f.cell + rows : f.state;
    f.next = f.cell + 2 * rows;
    f.update = f.next + rows;
    f.reset = f.update + rows;
    f.buffer = f.reset + rows;
    f.values = f.buffer + MOST_VECTORS * GROUP * MOST_LANES;
    int gates_first = cell == GRU_RESET_BEFORE ? 2 : (int)gates_of(cell);
    int blocks = gates_first >= 3 ? 1 : MOST_VECTORS / gates_first;
    NAMED(pack_gates)(by, 0, gates_first, blocks, f.packed_input);
    NAMED(pack_gates)(by, 1, gates_first, blocks, f.packed);
    if (cell == GRU_RESET_BEFORE) { /* the rest of it reads something else */
        ptrdiff_t n = by->features, used = 2 * NAMED(vectors_of)(u) * LANES;
        NAMED(pack)(n, u, by->input_kernel + 2 * u, 3 * u, 1,
                    f.packed_input + n * used);
        NAMED(pack)(u, u, by->kernel + 2 * u, 3 * u, 1, f.packed + u * used);
    }
    ptrdiff_t order[SORTED];
    group_t group;
    for (ptrdiff_t first = 0; first < by->samples.count; first += SORTED) {
        ptrdiff_t left = by->samples.count - first,
                  count = left < SORTED ? left : SORTED;
        sort_by_length(&by->samples, first, count, order);
        for (ptrdiff_t i = 0, size; i < count; i += size) {
            size = group_size(count - i);
            begin_group(&by->samples, size, order + i, 0, &group);
            NAMED(pass_group)(&f, &group);
        }
    }
}
CHOOSE(recurrent_forward)

#undef EACH_VECTOR
#include "ops/recurrent/end.h"

#endif
