/* The numbers of each channel of a sample drawn away from their mean or towards it, within
   a range, and the adjoint. */
#ifndef FASTNN_CONTRAST_H
#define FASTNN_CONTRAST_H

#include "base/compiler.h"

#define DECLARE(REAL, NAMED)                                                               \
    /* y = mean + factor (x - mean), but not below low or above high, for each channel;  \
       y may be x. */ \
    extern void CHOSEN(NAMED(contrast_sample))(ptrdiff_t pixels, ptrdiff_t channels,       \
                                               REAL factor, REAL low, REAL high,           \
                                               const REAL *x, REAL *y);                    \
    /* dx may be dy. */                                                                    \
    extern void CHOSEN(NAMED(contrast_gradient_sample))(                                   \
        ptrdiff_t pixels, ptrdiff_t channels, REAL factor, REAL low, REAL high,            \
        const REAL *dy, const REAL *x, REAL *dx);
#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
