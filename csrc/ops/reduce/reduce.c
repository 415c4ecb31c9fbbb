#ifndef REAL
#include "ops/reduce/reduce.h"

#include "base/compiler.h"

/* One after another, the rows of a sample: its last axis, for each place along the others.
   position is what the odometer shows; y and mask are where their rows begin. */
typedef struct {
    ptrdiff_t position[MOST_AXES];
    ptrdiff_t y, mask;
} row_t;

static int next_row(const reduced_axes_t *axes, row_t *row) {
    for (ptrdiff_t axis = axes->rank - 2; axis >= 0; axis--) {
        row->y += axes->y_stride[axis];
        row->mask += axes->mask_stride[axis];
        if (++row->position[axis] < axes->length[axis]) return 1;
        row->y -= axes->length[axis] * axes->y_stride[axis];
        row->mask -= axes->length[axis] * axes->mask_stride[axis];
        row->position[axis] = 0;
    }
    return 0;
}

#define BODY "ops/reduce/reduce.c"
#include "base/each_level.h"
#else

#include "ops/reduce/reduce_formulas.h"

/* A row whose results lie side by side. What the mask keeps out is not looked at: it may
   be anything. count: of those that are summed, or that are the largest. */
static void NAMED(reduce_kept)(int code, ptrdiff_t n, const REAL *x, const REAL *mask,
                               ptrdiff_t mask_step, REAL *y, REAL *count) {
    if (!mask && code == REDUCE_MAX) {
        SIMD
        for (ptrdiff_t j = 0; j < n; j++)
            NAMED(meet_largest)(x[j], 1, y + j, count + j);
    } else if (!mask) {
        SIMD
        for (ptrdiff_t j = 0; j < n; j++) y[j] += x[j];
    } else if (code == REDUCE_MAX) {
        for (ptrdiff_t j = 0; j < n; j++)
            NAMED(meet_largest)(x[j], mask[j * mask_step] != 0, y + j, count + j);
    } else {
        for (ptrdiff_t j = 0; j < n; j++) {
            int passes = mask[j * mask_step] != 0;
            y[j] += passes ? x[j] : 0;
            if (count) count[j] += (REAL)passes;
        }
    }
}

/* A row that is reduced to one number. */
static void NAMED(reduce_row)(int code, ptrdiff_t n, const REAL *x, const REAL *mask,
                              ptrdiff_t mask_step, REAL *y, REAL *count) {
    if (code == REDUCE_MAX) {
        for (ptrdiff_t j = 0; j < n; j++)
            NAMED(meet_largest)(x[j], !mask || mask[j * mask_step] != 0, y, count);
        return;
    }
    REAL sum = 0, passed = 0;
    if (!mask) {
        SIMD_SUM(sum)
        for (ptrdiff_t j = 0; j < n; j++) sum += x[j];
    } else {
        SIMD_SUM(sum, passed)
        for (ptrdiff_t j = 0; j < n; j++) {
            int passes = mask[j * mask_step] != 0;
            sum += passes ? x[j] : 0;
            passed += (REAL)passes;
        }
        if (count) *count += passed;
    }
    *y += sum;
}

LOOP void NAMED(reduce_sample)(int code, const reduced_axes_t *axes, const REAL *x,
                               const REAL *mask, ptrdiff_t results, REAL *y,
                               REAL *share) {
    ptrdiff_t last = axes->rank - 1, n = axes->length[last], numbers = n;
    ptrdiff_t y_step = axes->y_stride[last], mask_step = axes->mask_stride[last];
    for (ptrdiff_t axis = 0; axis < last; axis++) numbers *= axes->length[axis];
    REAL none = code == REDUCE_MAX ? (REAL)-INFINITY : 0;
    for (ptrdiff_t i = 0; i < results; i++) {
        y[i] = none;
        if (share) share[i] = 0;
    }
    row_t row = {0};
    do {
        const REAL *passes = mask ? mask + row.mask : NULL;
        REAL *count = share ? share + row.y : NULL;
        if (y_step)
            NAMED(reduce_kept)(code, n, x, passes, mask_step, y + row.y, count);
        else
            NAMED(reduce_row)(code, n, x, passes, mask_step, y + row.y, count);
        x += n;
    } while (next_row(axes, &row));
    if (code == REDUCE_SUM) return;
    for (ptrdiff_t i = 0; i < results; i++) {
        REAL count = mask || code == REDUCE_MAX ? share[i] : (REAL)(numbers / results);
        share[i] = count > 0 ? 1 / count : 0;
        if (code == REDUCE_MEAN) y[i] *= share[i];
        /* Of nothing; a NaN has no equal, and stays one. */
        if (code == REDUCE_MAX && count == 0 && y[i] == none) y[i] = 0;
    }
}
CHOOSE(reduce_sample)

/* The gradient of a row whose results lie side by side; of sums there is no share. */
static void NAMED(share_kept)(int code, ptrdiff_t n, const REAL *dy, const REAL *x,
                              const REAL *y, const REAL *share, REAL *dx) {
    if (code == REDUCE_MAX) {
        SIMD
        for (ptrdiff_t j = 0; j < n; j++) dx[j] = x[j] == y[j] ? dy[j] * share[j] : 0;
    } else if (share) {
        SIMD
        for (ptrdiff_t j = 0; j < n; j++) dx[j] = dy[j] * share[j];
    } else {
        SIMD
        for (ptrdiff_t j = 0; j < n; j++) dx[j] = dy[j];
    }
}

/* That of a row that was reduced to y, of which each has this part. */
static void NAMED(share_row)(int code, ptrdiff_t n, REAL part, const REAL *x,
                             const REAL *y, REAL *dx) {
    if (code == REDUCE_MAX) {
        REAL largest = *y;
        SIMD
        for (ptrdiff_t j = 0; j < n; j++) dx[j] = x[j] == largest ? part : 0;
    } else {
        SIMD
        for (ptrdiff_t j = 0; j < n; j++) dx[j] = part;
    }
}

LOOP void NAMED(reduce_gradient_sample)(int code, const reduced_axes_t *axes,
                                        const REAL *dy, const REAL *x, const REAL *y,
                                        const REAL *share, const REAL *mask, REAL *dx) {
    ptrdiff_t last = axes->rank - 1, n = axes->length[last];
    ptrdiff_t y_step = axes->y_stride[last], mask_step = axes->mask_stride[last];
    row_t row = {0};
    do {
        const REAL *from = dy + row.y, *of = y ? y + row.y : NULL;
        const REAL *part = share ? share + row.y : NULL;
        if (y_step)
            NAMED(share_kept)(code, n, from, x, of, part, dx);
        else
            NAMED(share_row)(code, n, *from * (part ? *part : 1), x, of, dx);
        for (ptrdiff_t j = 0; mask && j < n; j++)
            dx[j] = mask[row.mask + j * mask_step] != 0 ? dx[j] : 0;
        dx += n;
        if (x) x += n;
    } while (next_row(axes, &row));
}
CHOOSE(reduce_gradient_sample)

#endif
