/* Rows of a table of float or double, in any layout, copied side by side as REAL. */
#ifndef FASTNN_GATHER_H
#define FASTNN_GATHER_H

#include "base/compiler.h"

#define DECLARE(SOURCE, REAL, NAME)                                                        \
    /* to[i, j] = (REAL)from[rows[i] * row_stride + j * column_stride] for i < m, j < n; \
       rows NULL: rows 0 to m - 1. Strides count elements. */ \
    extern void CHOSEN(NAME)(ptrdiff_t m, ptrdiff_t n, const SOURCE *from,                 \
                             ptrdiff_t row_stride, ptrdiff_t column_stride,                \
                             const ptrdiff_t *rows, REAL *to);

DECLARE(float, float, gather_f32_f32)
DECLARE(double, float, gather_f64_f32)
DECLARE(float, double, gather_f32_f64)
DECLARE(double, double, gather_f64_f64)
#undef DECLARE

#endif
