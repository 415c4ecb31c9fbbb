#ifndef REAL
#include "ops/row_norm/row_norm.h"
#include "base/sums.h"
#include <math.h>
#define BODY "ops/row_norm/row_norm.c"
#include "base/each_level.h"
#else

#include "ops/row_norm/row_norm_formulas.h"

/* Compiled once with the mean and once without. */
#define NORM(name, centered)                                                        \
    static void NAMED(name)(ptrdiff_t m, ptrdiff_t n, const REAL *x,                \
                            const REAL *scale, const REAL *offset, double epsilon,  \
                            REAL *y, REAL *saved) {                                 \
        NAMED(norm)(centered, m, n, x, scale, offset, epsilon, y, saved);           \
    }                                                                               \
    static void NAMED(name##_gradient)(                                             \
        ptrdiff_t m, ptrdiff_t n, const REAL *dy, const REAL *x, const REAL *scale, \
        const REAL *saved, REAL *dx, REAL *dscale, REAL *doffset) {                 \
        NAMED(norm_gradient)(centered, m, n, dy, x, scale, saved, dx, dscale,       \
                             doffset);                                              \
    }
NORM(rms_norm, 0)
NORM(layer_norm, 1)
#undef NORM

TABLE(row_norm_loop, row_norm_loops) = {NAMED(rms_norm), NAMED(layer_norm)};
CHOOSE(row_norm_loops)
TABLE(row_norm_gradient_loop, row_norm_gradient_loops) = {NAMED(rms_norm_gradient),
                                                          NAMED(layer_norm_gradient)};
CHOOSE(row_norm_gradient_loops)

#endif
