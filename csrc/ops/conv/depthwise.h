/* Convolutions in which each channel is a group by itself: taps of a row of windows. */
#ifndef FASTNN_DEPTHWISE_H
#define FASTNN_DEPTHWISE_H

#include "base/compiler.h"

#define DECLARE(REAL, NAMED)                                                                 \
    /* What a tap adds, for so many windows side by side: places of the image x lie x_step \
       apart, those of the maps y y_step. Each channel has its weight in kernel, or        \
       several, as many as there are maps of it. */ \
    typedef void (*NAMED(depthwise_loop))(ptrdiff_t windows, ptrdiff_t channels,             \
                                          ptrdiff_t maps, REAL *x, ptrdiff_t x_step,         \
                                          REAL *kernel, REAL *y, ptrdiff_t y_step);          \
    /* To the maps, to the gradient of the image, and to that of the kernel. */              \
    extern void CHOSEN(NAMED(depthwise_maps))(                                               \
        ptrdiff_t windows, ptrdiff_t channels, ptrdiff_t maps, REAL *x,                      \
        ptrdiff_t x_step, REAL *kernel, REAL *y, ptrdiff_t y_step);                          \
    extern void CHOSEN(NAMED(depthwise_image))(                                              \
        ptrdiff_t windows, ptrdiff_t channels, ptrdiff_t maps, REAL *x,                      \
        ptrdiff_t x_step, REAL *kernel, REAL *y, ptrdiff_t y_step);                          \
    extern void CHOSEN(NAMED(depthwise_kernel))(                                             \
        ptrdiff_t windows, ptrdiff_t channels, ptrdiff_t maps, REAL *x,                      \
        ptrdiff_t x_step, REAL *kernel, REAL *y, ptrdiff_t y_step);
#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
