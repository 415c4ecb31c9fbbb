/* Attention without blocks: a warp has one head of a query, or of a key, and goes over all
   that it meets. Right, and not tuned. */
#ifndef REAL
#include "base/cuda/block.h"
#include "base/cuda/philox.h"

#include "base/lanes.h"
#include "ops/attention/attention.h"
#include "ops/random/dropout.h"

/* One head of a step of a sample. */
typedef struct {
    ptrdiff_t sample, step, head;
} place_t;

HOST_DEVICE place_t place_of(ptrdiff_t row, ptrdiff_t steps, ptrdiff_t heads) {
    ptrdiff_t all = quotient(row, heads), sample = quotient(all, steps);
    place_t place = {sample, all - sample * steps, row - all * heads};
    return place;
}

/* Random bits that a weight of a query for key j begins with; the lane of its own. */
HOST_DEVICE uint64_t drawn_from(const attention_t *attention, place_t query,
                                ptrdiff_t j, ptrdiff_t first_sample, int *lane) {
    ptrdiff_t most = attention->block_keys, keys = attention->keys;
    ptrdiff_t part = quotient(j, most), parts = quotient(keys + most - 1, most);
    ptrdiff_t column = j - part * most;
    ptrdiff_t width = columns_within(keys, part * most, most);
    ptrdiff_t blocks = dropout_blocks(width);
    *lane = (int)quotient(column, blocks);
    ptrdiff_t before = (query.head * parts + part) * attention->queries;
    return ((uint64_t)(first_sample + query.sample) << 32) +
           (uint64_t)before * (uint64_t)dropout_blocks(most) +
           (uint64_t)query.step * (uint64_t)blocks +
           (uint64_t)(column - *lane * blocks);
}

#define BODY "ops/attention/attention.cu"
#include "base/each_real.h"
#else

#include "base/scalar.h"
#include "ops/random/dropout_formulas.h"

/* What the kernels read, with the distance from one row to the next; and what they draw:
   dropped in units of 1 / CHANCES, 0 for nothing. */
#define READ                                                                           \
    const int64_t *params, const REAL *q, ptrdiff_t q_lead, const REAL *k,             \
        ptrdiff_t k_lead, const REAL *v, ptrdiff_t v_lead, const REAL *mask,           \
        double scale, const double *scalars, ptrdiff_t number, ptrdiff_t first_sample, \
        ptrdiff_t dropped, REAL kept

HOST_DEVICE REAL NAMED(dot)(ptrdiff_t n, const REAL *a, const REAL *b) {
    REAL sum = 0;
    for (ptrdiff_t c = 0; c < n; c++) sum += a[c] * b[c];
    return sum;
}

/* What a weight is multiplied by. */
HOST_DEVICE REAL NAMED(weight_factor)(const attention_t *attention, place_t query,
                                      ptrdiff_t j, const double *scalars,
                                      ptrdiff_t number, ptrdiff_t first_sample,
                                      ptrdiff_t dropped, REAL kept) {
    if (!dropped) return 1;
    int lane;
    uint64_t position = drawn_from(attention, query, j, first_sample, &lane);
    uint64_t stream = (uint64_t)scalars[MASK_STEP] << 16 | (uint64_t)number;
    philox_t bits = philox((uint64_t)scalars[MASK_SEED], stream, position);
    /* Chosen one by one: an array with an index of its own would be in memory. */
    uint32_t word = bits.word[0];
    if (lane / 2 == 1) word = bits.word[1];
    if (lane / 2 == 2) word = bits.word[2];
    if (lane / 2 == 3) word = bits.word[3];
    word <<= lane % 2 ? 0 : 16;
    return NAMED(dropout)(1, word, (uint32_t)dropped, kept, 0, 0);
}

/* A query's row, and the keys that it may see. */
#define QUERY(row)                                                          \
    attention_t attention = attention_of(params);                           \
    place_t at = place_of(row, attention.queries, attention.heads);         \
    ptrdiff_t query = at.sample * attention.queries + at.step;              \
    ptrdiff_t first_key = at.sample * attention.keys;                       \
    ptrdiff_t seen = attention.causal ? at.step + 1 : attention.keys;       \
    ptrdiff_t key_dim = attention.key_dim, value_dim = attention.value_dim; \
    const REAL *q_row = q + query * q_lead + at.head * key_dim;             \
    const REAL *k_rows = k + first_key * k_lead + at.head * key_dim;        \
    const REAL *v_rows = v + first_key * v_lead + at.head * value_dim;      \
    const REAL *passes = mask ? mask + first_key : NULL;

KERNEL(NAMED(attention), ptrdiff_t m, READ, REAL *y, ptrdiff_t y_lead) {
    EACH_ROW(row, m) {
        QUERY(row)
        REAL *values = y + query * y_lead + at.head * value_dim;
        REAL *stat = y + query * y_lead + attention.heads * value_dim + 2 * at.head;
        REAL highest = -(REAL)INFINITY, sum = 0;
        EACH_COLUMN(j, 0, seen) {
            REAL score = NAMED(dot)(key_dim, q_row, k_rows + j * k_lead);
            if ((!passes || passes[j] != 0) && score > highest) highest = score;
        }
        highest = MAX_OF_LANES(highest);
        REAL origin = highest == -(REAL)INFINITY ? 0 : highest;
        EACH_COLUMN(j, 0, seen) {
            REAL score = NAMED(dot)(key_dim, q_row, k_rows + j * k_lead);
            if (!passes || passes[j] != 0)
                sum += NAMED(exp)((REAL)scale * (score - origin));
        }
        sum = SUM_OF_LANES(sum);
        REAL inverse = sum == 0 ? 0 : 1 / sum;
        if (threadIdx.x == 0) {
            stat[0] = highest;
            stat[1] = inverse;
        }
        EACH_COLUMN(c, 0, value_dim) values[c] = 0;
        for (ptrdiff_t j = 0; j < seen; j++) {
            if (passes && passes[j] == 0) continue;
            REAL score = NAMED(dot)(key_dim, q_row, k_rows + j * k_lead);
            REAL weight = NAMED(exp)((REAL)scale * (score - origin)) *
                          NAMED(weight_factor)(&attention, at, j, scalars, number,
                                               first_sample, dropped, kept);
            EACH_COLUMN(c, 0, value_dim) values[c] += weight * v_rows[j * v_lead + c];
        }
        EACH_COLUMN(c, 0, value_dim) values[c] *= inverse;
    }
}

/* The weight of a query for a key, times what it is multiplied by, and the gradient of its
   score: from what is kept of the query and the gradient dy of its values. */
HOST_DEVICE REAL NAMED(slope_of)(const attention_t *attention, REAL scale, REAL score,
                                 REAL factor, const REAL *stat, const REAL *values,
                                 const REAL *dy, const REAL *v_row, REAL *weight) {
    REAL origin = stat[0] == -(REAL)INFINITY ? 0 : stat[0];
    REAL w = NAMED(exp)(scale * (score - origin)) * stat[1];
    REAL mean = NAMED(dot)(attention->value_dim, values, dy);
    *weight = factor * w;
    return scale * w * (factor * NAMED(dot)(attention->value_dim, dy, v_row) - mean);
}

KERNEL(NAMED(attention_queries), ptrdiff_t m, READ, const REAL *y, ptrdiff_t y_lead,
       const REAL *dy, ptrdiff_t dy_lead, REAL *dq, ptrdiff_t dq_lead) {
    EACH_ROW(row, m) {
        QUERY(row)
        const REAL *values = y + query * y_lead + at.head * value_dim;
        const REAL *stat =
            y + query * y_lead + attention.heads * value_dim + 2 * at.head;
        const REAL *gradient = dy + query * dy_lead + at.head * value_dim;
        REAL *to = dq + query * dq_lead + at.head * key_dim;
        EACH_COLUMN(c, 0, key_dim) to[c] = 0;
        for (ptrdiff_t j = 0; j < seen; j++) {
            if (passes && passes[j] == 0) continue;
            REAL weight;
            REAL slope =
                NAMED(slope_of)(&attention, (REAL)scale,
                                NAMED(dot)(key_dim, q_row, k_rows + j * k_lead),
                                NAMED(weight_factor)(&attention, at, j, scalars, number,
                                                     first_sample, dropped, kept),
                                stat, values, gradient, v_rows + j * v_lead, &weight);
            EACH_COLUMN(c, 0, key_dim) to[c] += slope * k_rows[j * k_lead + c];
        }
    }
}

/* The gradients of keys and values, either of which may be absent. */
KERNEL(NAMED(attention_keys), ptrdiff_t m, READ, const REAL *y, ptrdiff_t y_lead,
       const REAL *dy, ptrdiff_t dy_lead, REAL *dk, ptrdiff_t dk_lead, REAL *dv,
       ptrdiff_t dv_lead) {
    EACH_ROW(row, m) {
        attention_t attention = attention_of(params);
        place_t at = place_of(row, attention.keys, attention.heads);
        ptrdiff_t key_dim = attention.key_dim, value_dim = attention.value_dim;
        ptrdiff_t key = at.sample * attention.keys + at.step;
        const REAL *k_row = k + key * k_lead + at.head * key_dim;
        const REAL *v_row = v + key * v_lead + at.head * value_dim;
        REAL *to_key = dk ? dk + key * dk_lead + at.head * key_dim : NULL;
        REAL *to_value = dv ? dv + key * dv_lead + at.head * value_dim : NULL;
        if (dk) EACH_COLUMN(c, 0, key_dim) to_key[c] = 0;
        if (dv) EACH_COLUMN(c, 0, value_dim) to_value[c] = 0;
        if (mask && mask[key] == 0) continue;
        for (ptrdiff_t i = attention.causal ? at.step : 0; i < attention.queries; i++) {
            place_t place = {at.sample, i, at.head};
            ptrdiff_t query = at.sample * attention.queries + i;
            const REAL *q_row = q + query * q_lead + at.head * key_dim;
            const REAL *gradient = dy + query * dy_lead + at.head * value_dim;
            REAL weight;
            REAL slope = NAMED(slope_of)(
                &attention, (REAL)scale, NAMED(dot)(key_dim, q_row, k_row),
                NAMED(weight_factor)(&attention, place, at.step, scalars, number,
                                     first_sample, dropped, kept),
                y + query * y_lead + attention.heads * value_dim + 2 * at.head,
                y + query * y_lead + at.head * value_dim, gradient, v_row, &weight);
            if (dk) EACH_COLUMN(c, 0, key_dim) to_key[c] += slope * q_row[c];
            if (dv) EACH_COLUMN(c, 0, value_dim) to_value[c] += weight * gradient[c];
        }
    }
}

#undef READ
#undef QUERY

#endif
