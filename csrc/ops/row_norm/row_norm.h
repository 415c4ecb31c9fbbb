/* Normalisation of m rows of n numbers, each by its own statistics, and its adjoint.

   y = scale * h + offset with h = (x - mean) / sqrt(variance + epsilon), or without the
   mean, h = x / sqrt(mean(x^2) + epsilon). scale and offset are rows that all share, and
   may be NULL. saved holds what the adjoint needs to know: three numbers of each row, or
   one where no mean is removed. */
#ifndef FASTNN_ROW_NORM_H
#define FASTNN_ROW_NORM_H

#include "base/compiler.h"

/* Places in the tables of loops. */
enum { RMS_NORM, LAYER_NORM };

#define DECLARE(REAL, NAMED)                                                            \
    /* y may be x. */                                                                   \
    typedef void (*NAMED(row_norm_loop))(ptrdiff_t m, ptrdiff_t n, const REAL *x,       \
                                         const REAL *scale, const REAL *offset,         \
                                         double epsilon, REAL *y, REAL *saved);         \
    /* dx may be dy. dscale and doffset are added to. Each of the three may be NULL. */ \
    typedef void (*NAMED(row_norm_gradient_loop))(                                      \
        ptrdiff_t m, ptrdiff_t n, const REAL *dy, const REAL *x, const REAL *scale,     \
        const REAL *saved, REAL *dx, REAL *dscale, REAL *doffset);                      \
    extern const NAMED(row_norm_loop) CHOSEN_TABLE(NAMED(row_norm_loops));              \
    extern const NAMED(row_norm_gradient_loop)                                          \
        CHOSEN_TABLE(NAMED(row_norm_gradient_loops));

#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
