#ifndef REAL
#include "ops/conv/depthwise.h"

#define BODY "ops/conv/depthwise.c"
#include "base/each_level.h"
#else

/* One loop over the channels where each has one map; else the maps of each. */
#define DEPTHWISE(name, of_channel, of_map)                                      \
    LOOP void NAMED(name)(ptrdiff_t windows, ptrdiff_t channels, ptrdiff_t maps, \
                          REAL *x, ptrdiff_t x_step, REAL *kernel, REAL *y,      \
                          ptrdiff_t y_step) {                                    \
        for (ptrdiff_t i = 0; i < windows; i++, x += x_step, y += y_step) {      \
            if (maps == 1) {                                                     \
                SIMD                                                             \
                for (ptrdiff_t c = 0; c < channels; c++) of_channel;             \
                continue;                                                        \
            }                                                                    \
            for (ptrdiff_t c = 0; c < channels; c++)                             \
                for (ptrdiff_t m = c * maps; m < (c + 1) * maps; m++) of_map;    \
        }                                                                        \
    }                                                                            \
    CHOOSE(name)
DEPTHWISE(depthwise_maps, y[c] += x[c] * kernel[c], y[m] += x[c] * kernel[m])
DEPTHWISE(depthwise_image, x[c] += y[c] * kernel[c], x[c] += y[m] * kernel[m])
DEPTHWISE(depthwise_kernel, kernel[c] += x[c] * y[c], kernel[m] += x[c] * y[m])
#undef DEPTHWISE

#endif
