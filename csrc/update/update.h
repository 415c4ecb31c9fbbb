/* Optimizer steps over n weights: w, their gradients and their slots of state. */
#ifndef FASTNN_UPDATE_H
#define FASTNN_UPDATE_H

#include "base/compiler.h"

#define DECLARE(REAL, NAMED)                                                                   \
    /* Uses (gradient + penalty * w) * scale as gradient, and takes shrink times itself from \
       w beside the step. slots: one array of n for each slot of the rule. */ \
    typedef void (*NAMED(step_loop))(                                                          \
        ptrdiff_t n, REAL *weights, const REAL *gradients, REAL *const *slots,                 \
        const REAL *h, REAL rate, REAL scale, REAL penalty, REAL shrink);                      \
    extern const NAMED(step_loop) CHOSEN_TABLE(NAMED(step_loops));                             \
    extern double CHOSEN(NAMED(sum_of_squares_loop))(ptrdiff_t n, const REAL *x);              \
    extern double CHOSEN(NAMED(sum_of_magnitudes_loop))(ptrdiff_t n, const REAL *x);           \
    extern void CHOSEN(NAMED(add_into_loop))(ptrdiff_t n, const REAL *x,                       \
                                             REAL *y); /* y += x */                            \
    /* result = gradient + l1 * sign(w); gradients and result may be one array. */             \
    extern void CHOSEN(NAMED(lasso_loop))(ptrdiff_t n, const REAL *weights, REAL l1,           \
                                          const REAL *gradients, REAL *result);                \
    /* The same of gradient + penalty * w, within the bounds. */                               \
    extern void CHOSEN(NAMED(clip_loop))(ptrdiff_t n, const REAL *weights,                     \
                                         REAL penalty, REAL bound,                             \
                                         const REAL *gradients, REAL *result);                 \
    /* The sum of the squares of gradient + penalty * w. */                                    \
    extern double CHOSEN(NAMED(norm_loop))(ptrdiff_t n, const REAL *weights,                   \
                                           REAL penalty, const REAL *gradients);               \
    /* average += rate * (w - average) */                                                      \
    extern void CHOSEN(NAMED(average_loop))(ptrdiff_t n, const REAL *weights,                  \
                                            REAL rate, REAL *average);

#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
