#ifndef REAL
#include "base/cuda/device.h"
#include "ops/move/move.h"

/* Where number i of a result is from, in its sample of x; -1 where it is 0. */
static __device__ ptrdiff_t moved_from(const moved_axes_t &axes, ptrdiff_t i) {
    ptrdiff_t place = 0;
    for (ptrdiff_t axis = 0; axis < axes.rank; axis++) {
        ptrdiff_t at = quotient(i, axes.step[axis]);
        i -= at * axes.step[axis];
        at -= axes.before[axis];
        if (at < 0 || at >= axes.inside[axis]) return -1;
        place += at * axes.stride[axis];
    }
    return place;
}

#define BODY "ops/move/move.cu"
#include "base/each_real.h"
#else

KERNEL(NAMED(move_numbers), ptrdiff_t size, const int64_t *params, const REAL *x,
       REAL *y) {
    moved_axes_t axes = moved_by(params);
    EACH_NUMBER(i, size) {
        ptrdiff_t sample = quotient(i, params[1]);
        ptrdiff_t from = moved_from(axes, i - sample * params[1]);
        y[i] = from < 0 ? 0 : x[sample * params[0] + from];
    }
}

#endif
