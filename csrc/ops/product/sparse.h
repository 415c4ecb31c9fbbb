/* Products of some rows of a CSR matrix with a dense one. The rows are read where they
   lie: nothing is gathered. */
#ifndef FASTNN_SPARSE_H
#define FASTNN_SPARSE_H

#include "base/compiler.h"

typedef struct {
    const ptrdiff_t *rows; /* their numbers */
    const void *starts; /* int32 or, if long_starts, int64: of each row of the matrix */
    const void *columns; /* int32 or, if long_columns, int64 */
    const void *values;  /* float or, if wide, double */
    int long_starts, long_columns, wide;
} sparse_rows_t;

#define DECLARE(REAL, SUFFIX)                                                          \
    /* c = a b, or c += a b: m sparse rows, b and c of n columns. */                   \
    extern void CHOSEN(sparse_product_##SUFFIX)(ptrdiff_t m, ptrdiff_t n,              \
                                                const sparse_rows_t *a, const REAL *b, \
                                                int accumulate, REAL *c);              \
    /* c += a^T b: k sparse rows, b and c of n columns. */                             \
    extern void CHOSEN(sparse_transposed_product_##SUFFIX)(                            \
        ptrdiff_t k, ptrdiff_t n, const sparse_rows_t *a, const REAL *b, REAL *c);
DECLARE(float, f32)
DECLARE(double, f64)
#undef DECLARE

#endif
