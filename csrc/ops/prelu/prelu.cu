#ifndef REAL
#include "base/cuda/axes.h"
#define BODY "ops/prelu/prelu.cu"
#include "base/each_real.h"
#else

#include "ops/prelu/prelu_formulas.h"

/* y may be x. */
KERNEL(NAMED(prelu_forward), ptrdiff_t size, const REAL *x, const REAL *slope,
       AXES_ARGUMENTS, REAL *y) {
    axes_t axes = AXES;
    EACH_NUMBER(i, size) y[i] = NAMED(prelu)(x[i], slope[place_of(axes, i)]);
}

/* dx may be dy. */
KERNEL(NAMED(prelu_input_gradient), ptrdiff_t size, const REAL *dy, const REAL *x,
       const REAL *slope, AXES_ARGUMENTS, REAL *dx) {
    axes_t axes = AXES;
    EACH_NUMBER(i, size)
    dx[i] = dy[i] * NAMED(prelu_slope)(x[i], slope[place_of(axes, i)]);
}

KERNEL(NAMED(prelu_slope_gradient), const REAL *dy, const REAL *x, AXES_ARGUMENTS,
       ptrdiff_t accumulate, REAL *dslope) {
    axes_t axes = AXES;
    sum_to_places(SHARE, SHARES, axes, accumulate, dslope,
                  [=](ptrdiff_t i) { return dy[i] * NAMED(negative_part)(x[i]); });
}

#endif
