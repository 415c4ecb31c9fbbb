#ifndef REAL
#include "ops/augment/contrast.h"

#define BODY "ops/augment/contrast.c"
#include "base/each_level.h"
#else

#include "ops/augment/contrast_formulas.h"

/* The mean of every so-manyth number. */
static REAL NAMED(mean_of_channel)(ptrdiff_t pixels, ptrdiff_t channels,
                                   const REAL *x) {
    REAL sum = 0;
    SIMD_SUM(sum)
    for (ptrdiff_t i = 0; i < pixels; i++) sum += x[i * channels];
    return sum / (REAL)pixels;
}

LOOP void NAMED(contrast_sample)(ptrdiff_t pixels, ptrdiff_t channels, REAL factor,
                                 REAL low, REAL high, const REAL *x, REAL *y) {
    for (ptrdiff_t c = 0; c < channels; c++, x++, y++) {
        REAL mean = NAMED(mean_of_channel)(pixels, channels, x);
        SIMD
        for (ptrdiff_t i = 0; i < pixels; i++)
            y[i * channels] = NAMED(contrast)(x[i * channels], mean, factor, low, high);
    }
}
CHOOSE(contrast_sample)

LOOP void NAMED(contrast_gradient_sample)(ptrdiff_t pixels, ptrdiff_t channels,
                                          REAL factor, REAL low, REAL high,
                                          const REAL *dy, const REAL *x, REAL *dx) {
    for (ptrdiff_t c = 0; c < channels; c++, dy++, x++, dx++) {
        REAL mean = NAMED(mean_of_channel)(pixels, channels, x), sum = 0;
        SIMD_SUM(sum)
        for (ptrdiff_t i = 0; i < pixels; i++)
            sum += NAMED(contrast_passed)(dy[i * channels], x[i * channels], mean,
                                          factor, low, high);
        REAL of_mean = (1 - factor) * sum / (REAL)pixels;
        SIMD
        for (ptrdiff_t i = 0; i < pixels; i++)
            dx[i * channels] = of_mean + factor * NAMED(contrast_passed)(
                                                      dy[i * channels], x[i * channels],
                                                      mean, factor, low, high);
    }
}
CHOOSE(contrast_gradient_sample)

#endif
