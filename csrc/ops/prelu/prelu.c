#ifndef REAL
#include "ops/prelu/prelu.h"
#include "base/compiler.h"
#define BODY "ops/prelu/prelu.c"
#include "base/each_level.h"
#else

#include "ops/prelu/prelu_formulas.h"

LOOP void NAMED(prelu_loop)(ptrdiff_t m, ptrdiff_t n, const REAL *x, const REAL *slope,
                            ptrdiff_t slope_row, ptrdiff_t slope_column, REAL *y) {
    for (ptrdiff_t i = 0; i < m; i++, x += n, y += n, slope += slope_row) {
        if (slope_column) {
            SIMD
            for (ptrdiff_t j = 0; j < n; j++) y[j] = NAMED(prelu)(x[j], slope[j]);
        } else {
            REAL s = slope[0];
            SIMD
            for (ptrdiff_t j = 0; j < n; j++) y[j] = NAMED(prelu)(x[j], s);
        }
    }
}
CHOOSE(prelu_loop)

LOOP void NAMED(prelu_input_gradient)(ptrdiff_t m, ptrdiff_t n, const REAL *dy,
                                      const REAL *x, const REAL *slope,
                                      ptrdiff_t slope_row, ptrdiff_t slope_column,
                                      REAL *dx) {
    for (ptrdiff_t i = 0; i < m; i++, dy += n, x += n, dx += n, slope += slope_row) {
        if (slope_column) {
            SIMD
            for (ptrdiff_t j = 0; j < n; j++)
                dx[j] = dy[j] * NAMED(prelu_slope)(x[j], slope[j]);
        } else {
            REAL s = slope[0];
            SIMD
            for (ptrdiff_t j = 0; j < n; j++)
                dx[j] = dy[j] * NAMED(prelu_slope)(x[j], s);
        }
    }
}
CHOOSE(prelu_input_gradient)

LOOP void NAMED(prelu_slope_gradient)(ptrdiff_t m, ptrdiff_t n, const REAL *dy,
                                      const REAL *x, ptrdiff_t slope_row,
                                      ptrdiff_t slope_column, REAL *dslope) {
    for (ptrdiff_t i = 0; i < m; i++, dy += n, x += n, dslope += slope_row) {
        if (slope_column) {
            SIMD
            for (ptrdiff_t j = 0; j < n; j++)
                dslope[j] += dy[j] * NAMED(negative_part)(x[j]);
        } else {
            REAL sum = 0;
            SIMD_SUM(sum)
            for (ptrdiff_t j = 0; j < n; j++) sum += dy[j] * NAMED(negative_part)(x[j]);
            dslope[0] += sum;
        }
    }
}
CHOOSE(prelu_slope_gradient)

#endif
