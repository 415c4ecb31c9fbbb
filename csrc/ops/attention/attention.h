/* What the ops of attention know of their samples, and the loops over rows of weights. */
#ifndef FASTNN_ATTENTION_H
#define FASTNN_ATTENTION_H

#include "base/compiler.h"

/* Heads lie side by side in the rows of queries, keys and values. */
typedef struct {
    ptrdiff_t queries, keys; /* steps of a sample, where all have as many */
    ptrdiff_t heads, key_dim, value_dim;
    ptrdiff_t causal;
    /* Weights that there are at a time: of so many queries, for so many keys. */
    ptrdiff_t block_queries, block_keys;
} attention_t;

HOST_DEVICE attention_t attention_of(const int64_t *params) {
    attention_t attention = {params[0], params[1], params[2], params[3],
                             params[4], params[5], params[6], params[7]};
    return attention;
}

/* Numbers in a row of what is computed: of each head its values, and behind all these two
   of each that the adjoint needs, its highest score and one over the sum of what its
   weights were before they were divided by that. */
HOST_DEVICE ptrdiff_t attended_size(const attention_t *attention) {
    return attention->heads * (attention->value_dim + 2);
}

/* Weights of one head for some of a sample's keys, a row for each of some queries. Row i
   sees the first seen + i of these keys, at most all. */
typedef struct {
    ptrdiff_t queries, keys, seen;
    ptrdiff_t value_dim,
        y_lead;   /* of the values, and from one row of them to the next */
    double scale; /* of the scores */
} weights_t;

#define DECLARE(REAL, NAMED)                                                                \
    /* Makes weights of scores in place, each row yet to be divided by the sum of all its \
       blocks. What a row's highest score has been so far, and the sum, are at stats; a   \
       higher one shrinks the sum and what y adds up. mask has a number for each key, and \
       may be NULL. */ \
    extern void CHOSEN(NAMED(attention_weights))(const weights_t *of, int is_first,         \
                                                 const REAL *mask, REAL *scores,            \
                                                 REAL *stats, REAL *y);                     \
    /* Divides y by the sums, of which one over each is left; rows that have seen no key  \
       stay 0. */ \
    extern void CHOSEN(NAMED(attention_finish))(const weights_t *of, REAL *stats,           \
                                                REAL *y);                                   \
    /* Makes weights of scores in place, divided, by what was left. */                      \
    extern void CHOSEN(NAMED(attention_again))(const weights_t *of, const REAL *mask,       \
                                               REAL *scores, const REAL *stats);            \
    /* Makes gradients of scores of those of weights, slopes, in place. dy has the same   \
       lead as its rows say. */ \
    extern void CHOSEN(NAMED(attention_slopes))(                                            \
        const weights_t *of, const REAL *weights, const REAL *y, const REAL *dy,            \
        ptrdiff_t dy_lead, REAL *slopes);

#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
