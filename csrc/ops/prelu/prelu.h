/* x where it is positive and slope * x elsewhere, with a learned slope, and its adjoint,
   over a block of m rows by n columns.

   The slope's element for row i and column j is slope[i * slope_row + j * slope_column];
   slope_column is 0 or 1. */
#ifndef FASTNN_PRELU_H
#define FASTNN_PRELU_H

#include "base/compiler.h"

#define DECLARE(REAL, NAMED)                                                             \
    /* y may be x. */                                                                    \
    extern void CHOSEN(NAMED(prelu_loop))(ptrdiff_t m, ptrdiff_t n, const REAL *x,       \
                                          const REAL *slope, ptrdiff_t slope_row,        \
                                          ptrdiff_t slope_column, REAL *y);              \
    /* dx = dy * (x > 0 ? 1 : slope); dx may be dy. */                                   \
    extern void CHOSEN(NAMED(prelu_input_gradient))(                                     \
        ptrdiff_t m, ptrdiff_t n, const REAL *dy, const REAL *x, const REAL *slope,      \
        ptrdiff_t slope_row, ptrdiff_t slope_column, REAL *dx);                          \
    /* Adds dy * min(x, 0) to the places of dslope whose slope was broadcast to them. */ \
    extern void CHOSEN(NAMED(prelu_slope_gradient))(                                     \
        ptrdiff_t m, ptrdiff_t n, const REAL *dy, const REAL *x, ptrdiff_t slope_row,    \
        ptrdiff_t slope_column, REAL *dslope);

#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
