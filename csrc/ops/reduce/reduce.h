/* Mean, sum or maximum over any axes of a sample, of all its numbers or of those that a
   mask lets pass, and the adjoints. */
#ifndef FASTNN_REDUCE_H
#define FASTNN_REDUCE_H

#include "base/compiler.h"

/* Codes of what is made of the numbers that are reduced to one. */
enum { REDUCE_MEAN, REDUCE_SUM, REDUCE_MAX };

/* Axes of a sample at most, with like neighbours joined; NumPy's arrays have no more. */
enum { MOST_AXES = 64 };

/* The axes of a sample x, whose numbers lie side by side: how long they are, and how far
   y and the mask move along each; 0 where they are reduced or broadcast. The last of y
   and of the mask is 0 or 1. */
typedef struct {
    ptrdiff_t rank;
    const int64_t *length, *y_stride, *mask_stride;
} reduced_axes_t;

#define DECLARE(REAL, NAMED)                                                                 \
    /* y: so many results. share, which may be NULL for sums: one over how many numbers   \
       a mean was taken of, or over how many are the largest. A result of nothing is 0,   \
       and so is its share. mask may be NULL. */  \
    extern void CHOSEN(NAMED(reduce_sample))(int code, const reduced_axes_t *axes,           \
                                             const REAL *x, const REAL *mask,                \
                                             ptrdiff_t results, REAL *y, REAL *share);       \
    /* dx from dy; x and y for maxima only, of which all that are the largest share it. */   \
    extern void CHOSEN(NAMED(reduce_gradient_sample))(                                       \
        int code, const reduced_axes_t *axes, const REAL *dy, const REAL *x,                 \
        const REAL *y, const REAL *share, const REAL *mask, REAL *dx);                       \
    /* The same over the t steps of a sequence, rows of n numbers, to one row. share, for  \
       maxima only: one over how many are the largest, for each column. mask: a number     \
       for each step. */ \
    extern void CHOSEN(NAMED(reduce_steps_loop))(int code, ptrdiff_t t, ptrdiff_t n,         \
                                                 const REAL *x, const REAL *mask,            \
                                                 REAL *y, REAL *share);                      \
    extern void CHOSEN(NAMED(reduce_steps_gradient_loop))(                                   \
        int code, ptrdiff_t t, ptrdiff_t n, const REAL *dy, const REAL *x,                   \
        const REAL *y, const REAL *share, const REAL *mask, REAL *dx);
#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
