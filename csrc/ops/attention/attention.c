#ifndef REAL
#include "ops/attention/attention.h"

/* Keys that row i sees. */
HOST_DEVICE ptrdiff_t seen_by(const weights_t *of, ptrdiff_t i) {
    ptrdiff_t seen = of->seen + i;
    return seen < of->keys ? seen > 0 ? seen : 0 : of->keys;
}

#define BODY "ops/attention/attention.c"
#include "base/each_level.h"
#else

#include "base/scalar.h"

/* What scores are measured from: the highest; anything where no key is seen. */
HOST_DEVICE REAL NAMED(origin)(REAL highest) {
    return highest == -(REAL)INFINITY ? 0 : highest;
}

/* A row's softmax over blocks: Milakov and Gimelshein, "Online normalizer calculation for
   softmax", 2018. */
LOOP void NAMED(attention_weights)(const weights_t *of, int is_first, const REAL *mask,
                                   REAL *scores, REAL *stats, REAL *y) {
    REAL scale = (REAL)of->scale;
    for (ptrdiff_t i = 0; i < of->queries; i++) {
        ptrdiff_t n = seen_by(of, i);
        REAL *row = scores + i * of->keys, *stat = stats + i * of->y_lead;
        REAL before = is_first ? -(REAL)INFINITY : stat[0], highest = before;
        if (mask) {
            SIMD
            for (ptrdiff_t j = 0; j < n; j++)
                row[j] = mask[j] != 0 ? row[j] : -(REAL)INFINITY;
        }
        SIMD_MAX(highest)
        for (ptrdiff_t j = 0; j < n; j++) highest = row[j] > highest ? row[j] : highest;
        REAL origin = NAMED(origin)(highest), sum = 0;
        SIMD_SUM(sum)
        for (ptrdiff_t j = 0; j < n; j++) {
            REAL e = NAMED(exp)(scale * (row[j] - origin));
            row[j] = e;
            sum += e;
        }
        for (ptrdiff_t j = n; j < of->keys; j++) row[j] = 0;
        stat[0] = highest;
        if (is_first) {
            stat[1] = sum;
            continue;
        }
        REAL shrunk = NAMED(exp)(scale * (before - origin)),
             *values = y + i * of->y_lead;
        stat[1] = shrunk * stat[1] + sum;
        SIMD
        for (ptrdiff_t c = 0; c < of->value_dim; c++) values[c] *= shrunk;
    }
}
CHOOSE(attention_weights)

LOOP void NAMED(attention_finish)(const weights_t *of, REAL *stats, REAL *y) {
    for (ptrdiff_t i = 0; i < of->queries; i++) {
        REAL *stat = stats + i * of->y_lead, *values = y + i * of->y_lead;
        stat[1] = stat[1] == 0 ? 0 : 1 / stat[1];
        REAL inverse = stat[1];
        SIMD
        for (ptrdiff_t c = 0; c < of->value_dim; c++) values[c] *= inverse;
    }
}
CHOOSE(attention_finish)

LOOP void NAMED(attention_again)(const weights_t *of, const REAL *mask, REAL *scores,
                                 const REAL *stats) {
    REAL scale = (REAL)of->scale;
    for (ptrdiff_t i = 0; i < of->queries; i++) {
        ptrdiff_t n = seen_by(of, i);
        REAL *row = scores + i * of->keys;
        const REAL *stat = stats + i * of->y_lead;
        REAL origin = NAMED(origin)(stat[0]), inverse = stat[1];
        SIMD
        for (ptrdiff_t j = 0; j < n; j++)
            row[j] = NAMED(exp)(scale * (row[j] - origin)) * inverse;
        if (mask) {
            SIMD
            for (ptrdiff_t j = 0; j < n; j++) row[j] = mask[j] != 0 ? row[j] : 0;
        }
        for (ptrdiff_t j = n; j < of->keys; j++) row[j] = 0;
    }
}
CHOOSE(attention_again)

/* The sum over a row of weights times their gradients is that over y dy: Dao et al.,
   "FlashAttention", NeurIPS 2022, appendix B.2. */
LOOP void NAMED(attention_slopes)(const weights_t *of, const REAL *weights,
                                  const REAL *y, const REAL *dy, ptrdiff_t dy_lead,
                                  REAL *slopes) {
    REAL scale = (REAL)of->scale;
    for (ptrdiff_t i = 0; i < of->queries; i++) {
        const REAL *row = weights + i * of->keys, *values = y + i * of->y_lead;
        const REAL *gradients = dy + i * dy_lead;
        REAL *slope = slopes + i * of->keys, sum = 0;
        SIMD_SUM(sum)
        for (ptrdiff_t c = 0; c < of->value_dim; c++) sum += values[c] * gradients[c];
        SIMD
        for (ptrdiff_t j = 0; j < of->keys; j++)
            slope[j] = scale * row[j] * (slope[j] - sum);
    }
}
CHOOSE(attention_slopes)

#endif
