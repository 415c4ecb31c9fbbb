/* Batch normalisation of m rows of n columns, each column by itself.

   Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing
   internal covariate shift", ICML 2015. With the mean and the variance of a column over
   all rows of a mini-batch, y = scale (x - mean) / sqrt(variance + epsilon) + offset. What
   belongs to a column stands in tables of a few rows of n numbers. */
#ifndef FASTNN_BATCH_NORM_H
#define FASTNN_BATCH_NORM_H

#include "base/compiler.h"

/* Moments: the mean, and the sum of the squared deviations from it. */
enum { MOMENT_MEAN, MOMENT_SQUARE, N_MOMENTS };
/* The table: mean, 1 / sqrt(variance + epsilon), that times scale, and offset. */
enum { TABLE_MEAN, TABLE_INVERSE, TABLE_FACTOR, TABLE_OFFSET, N_TABLE };
/* What the adjoint takes off: the mean of the gradient, and the mean of its products with
   the normalised x, which belongs to a deviation of x by one. */
enum { CORRECTION_SHIFT, CORRECTION_SLOPE, N_CORRECTION };

#define DECLARE(REAL, NAMED)                                                                 \
    extern void CHOSEN(NAMED(batch_moments_loop))(ptrdiff_t m, ptrdiff_t n,                  \
                                                  const REAL *x, REAL *moments);             \
    /* moments, of so many rows, become those of these and of the others' rows. */           \
    extern void CHOSEN(NAMED(join_moments_loop))(ptrdiff_t n, ptrdiff_t rows,                \
                                                 REAL *moments, ptrdiff_t other_rows,        \
                                                 const REAL *others);                        \
    /* The variance is square / rows; mean, scale and offset are 0, 1 and 0 where they are \
       NULL. */ \
    extern void CHOSEN(NAMED(table_loop))(                                                   \
        ptrdiff_t n, const REAL *mean, const REAL *square, REAL rows, REAL epsilon,          \
        const REAL *scale, const REAL *offset, REAL *table);                                 \
    /* y may be x. */                                                                        \
    extern void CHOSEN(NAMED(batch_norm_loop))(                                              \
        ptrdiff_t m, ptrdiff_t n, const REAL *x, const REAL *table, REAL *y);                \
    /* The sums of dy, and of its products with the normalised x. */                         \
    extern void CHOSEN(NAMED(batch_norm_sums_loop))(                                         \
        ptrdiff_t m, ptrdiff_t n, const REAL *dy, const REAL *x, const REAL *table,          \
        REAL *sum, REAL *product);                                                           \
    /* gradient = [keep gradient +] part x; keep is 0 where nothing is kept. */              \
    extern void CHOSEN(NAMED(running_loop))(ptrdiff_t n, REAL keep, REAL part,               \
                                            const REAL *x, REAL *gradient);                  \
    /* The correction from these two sums over all rows of the batch, in place. */           \
    extern void CHOSEN(NAMED(correction_loop))(ptrdiff_t n, REAL rows,                       \
                                               const REAL *table, REAL *correction);         \
    /* The adjoint. dx may be dy. */                                                         \
    extern void CHOSEN(NAMED(batch_norm_gradient_loop))(                                     \
        ptrdiff_t m, ptrdiff_t n, const REAL *dy, const REAL *x, const REAL *table,          \
        const REAL *correction, REAL *dx);

#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
