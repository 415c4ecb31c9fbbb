/* Rows of a table that tokens are the numbers of, and the sums of their gradients. */
#ifndef FASTNN_EMBEDDING_H
#define FASTNN_EMBEDDING_H

#include "base/compiler.h"

#define DECLARE(REAL, NAMED)                                                          \
    /* y[i] = table[tokens[i]], m rows of n numbers. */                               \
    extern void CHOSEN(NAMED(embedding_loop))(                                        \
        ptrdiff_t m, ptrdiff_t n, const int32_t *tokens, const REAL *table, REAL *y); \
    /* dtable[tokens[i]] += dy[i], one after another. */                              \
    extern void CHOSEN(NAMED(embedding_gradient_loop))(ptrdiff_t m, ptrdiff_t n,      \
                                                       const int32_t *tokens,         \
                                                       const REAL *dy, REAL *dtable);

#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
