#ifndef REAL
#include "base/cuda/device.h"
#include "ops/reduce/reduce.h"

/* A sample's axes, from the integers of the op: see reduce_ops.c. */
typedef struct {
    reduced_axes_t axes;
    const int64_t *step; /* numbers of a sample, of its result and of its mask */
} reduced_t;

static __device__ reduced_t reduced_by(const int64_t *params) {
    ptrdiff_t rank = params[0];
    const int64_t *length = params + 1;
    return {{rank, length, length + rank, length + 2 * rank}, length + 3 * rank};
}

/* Where number i along some of the axes lies: in x, in the result and in the mask. */
typedef struct {
    ptrdiff_t x, y, mask;
} reduced_place_t;

/* Along the axes that are kept, those that are reduced, or all. */
enum { KEPT = 1, REDUCED = 2 };

static __device__ reduced_place_t reduced_place(const reduced_axes_t &axes, int which,
                                                ptrdiff_t i) {
    reduced_place_t place = {0, 0, 0};
    ptrdiff_t step = 1;
    for (ptrdiff_t axis = axes.rank - 1; axis >= 0; axis--) {
        ptrdiff_t length = axes.length[axis];
        if (which & (axes.y_stride[axis] ? KEPT : REDUCED)) {
            ptrdiff_t at = i % length;
            i /= length;
            place.x += at * step;
            place.y += at * axes.y_stride[axis];
            place.mask += at * axes.mask_stride[axis];
        }
        step *= length;
    }
    return place;
}

#define BODY "ops/reduce/reduce.cu"
#include "base/each_real.h"
#else

/* Each result by one thread; size: results of all samples. */
KERNEL(NAMED(reduce_axes), ptrdiff_t size, ptrdiff_t code, const int64_t *params,
       const REAL *x, const REAL *mask, REAL *y, REAL *share) {
    reduced_t by = reduced_by(params);
    ptrdiff_t terms = by.step[0] / by.step[1];
    EACH_NUMBER(i, size) {
        ptrdiff_t sample = i / by.step[1];
        reduced_place_t first = reduced_place(by.axes, KEPT, i - sample * by.step[1]);
        const REAL *own = x + sample * by.step[0] + first.x;
        const REAL *passes = mask ? mask + sample * by.step[2] + first.mask : nullptr;
        REAL result = 0, count = 0;
        for (ptrdiff_t t = 0; t < terms; t++) {
            reduced_place_t at = reduced_place(by.axes, REDUCED, t);
            if (passes && passes[at.mask] == 0) continue;
            REAL value = own[at.x];
            if (code != REDUCE_MAX) {
                result += value;
                count += 1;
            } else if (count > 0 && value == result) {
                count += 1;
            } else if (count == 0 || value > result || value != value) {
                result = value;
                count = 1;
            }
        }
        if (code == REDUCE_MAX && result != result) count = 0; /* NaN has no equal */
        REAL one = count > 0 ? 1 / count : 0;
        if (code == REDUCE_MEAN) result *= one;
        y[i] = result;
        if (share) share[i] = one;
    }
}

KERNEL(NAMED(reduce_axes_gradient), ptrdiff_t size, ptrdiff_t code,
       const int64_t *params, const REAL *dy, const REAL *x, const REAL *y,
       const REAL *share, const REAL *mask, REAL *dx) {
    reduced_t by = reduced_by(params);
    EACH_NUMBER(i, size) {
        ptrdiff_t sample = i / by.step[0];
        reduced_place_t at =
            reduced_place(by.axes, KEPT | REDUCED, i - sample * by.step[0]);
        ptrdiff_t place = sample * by.step[1] + at.y;
        bool passes = !mask || mask[sample * by.step[2] + at.mask] != 0;
        if (code == REDUCE_MAX) passes = passes && x[i] == y[place];
        dx[i] = passes ? dy[place] * (share ? share[place] : 1) : 0;
    }
}

#endif
