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

/* A row whose results lie side by side. What the mask keeps out is not looked at: it may
   be anything. */
static void NAMED(reduce_kept)(int code, ptrdiff_t n, const REAL *x, const REAL *mask,
                               ptrdiff_t mask_step, REAL *y, REAL *share) {
    if (!mask && code == REDUCE_MAX) {
        SIMD
        for (ptrdiff_t j = 0; j < n; j++)
            y[j] = x[j] > y[j] || x[j] != x[j] ? x[j] : y[j];
    } else if (!mask) {
        SIMD
        for (ptrdiff_t j = 0; j < n; j++) y[j] += x[j];
    } else if (code == REDUCE_MAX) {
        for (ptrdiff_t j = 0; j < n; j++)
            if (mask[j * mask_step] != 0 && (x[j] > y[j] || x[j] != x[j])) y[j] = x[j];
    } else {
        for (ptrdiff_t j = 0; j < n; j++) {
            int passes = mask[j * mask_step] != 0;
            y[j] += passes ? x[j] : 0;
            if (share) share[j] += (REAL)passes;
        }
    }
}

/* A row that is reduced to one number. */
static void NAMED(reduce_row)(int code, ptrdiff_t n, const REAL *x, const REAL *mask,
                              ptrdiff_t mask_step, REAL *y, REAL *share) {
    if (code == REDUCE_MAX) {
        REAL largest = *y;
        for (ptrdiff_t j = 0; j < n; j++)
            if ((!mask || mask[j * mask_step] != 0) && (x[j] > largest || x[j] != x[j]))
                largest = x[j];
        *y = largest;
        return;
    }
    REAL sum = 0, count = 0;
    if (!mask) {
        SIMD_SUM(sum)
        for (ptrdiff_t j = 0; j < n; j++) sum += x[j];
    } else {
        SIMD_SUM(sum, count)
        for (ptrdiff_t j = 0; j < n; j++) {
            int passes = mask[j * mask_step] != 0;
            sum += passes ? x[j] : 0;
            count += (REAL)passes;
        }
        if (share) *share += count;
    }
    *y += sum;
}

/* How many of a row are the largest. */
static void NAMED(count_largest)(ptrdiff_t n, const REAL *x, const REAL *mask,
                                 ptrdiff_t mask_step, const REAL *y, ptrdiff_t y_step,
                                 REAL *share) {
    for (ptrdiff_t j = 0; j < n; j++)
        share[j * y_step] +=
            (REAL)((!mask || mask[j * mask_step] != 0) && x[j] == y[j * y_step]);
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
    const REAL *at = x;
    do {
        const REAL *passes = mask ? mask + row.mask : NULL;
        REAL *part = share ? share + row.y : NULL;
        if (y_step)
            NAMED(reduce_kept)(code, n, at, passes, mask_step, y + row.y, part);
        else
            NAMED(reduce_row)(code, n, at, passes, mask_step, y + row.y, part);
        at += n;
    } while (next_row(axes, &row));
    if (code == REDUCE_SUM) return;
    if (code == REDUCE_MAX) {
        at = x;
        do {
            NAMED(count_largest)(n, at, mask ? mask + row.mask : NULL, mask_step,
                                 y + row.y, y_step, share + row.y);
            at += n;
        } while (next_row(axes, &row));
    }
    for (ptrdiff_t i = 0; i < results; i++) {
        REAL count = mask || code == REDUCE_MAX ? share[i] : (REAL)(numbers / results);
        share[i] = count > 0 ? 1 / count : 0;
        if (code == REDUCE_MEAN) y[i] *= share[i];
        /* Of nothing; a NaN has no equal, and stays one. */
        if (code == REDUCE_MAX && count == 0 && y[i] == none) y[i] = 0;
    }
}
CHOOSE(reduce_sample)

LOOP void NAMED(reduce_gradient_sample)(int code, const reduced_axes_t *axes,
                                        const REAL *dy, const REAL *x, const REAL *y,
                                        const REAL *share, const REAL *mask, REAL *dx) {
    ptrdiff_t last = axes->rank - 1, n = axes->length[last];
    ptrdiff_t y_step = axes->y_stride[last], mask_step = axes->mask_stride[last];
    row_t row = {0};
    do {
        for (ptrdiff_t j = 0; j < n; j++) {
            ptrdiff_t i = row.y + j * y_step;
            int passes = !mask || mask[row.mask + j * mask_step] != 0;
            if (code == REDUCE_MAX) passes = passes && x[j] == y[i];
            dx[j] = passes ? dy[i] * (share ? share[i] : 1) : 0;
        }
        dx += n;
        if (x) x += n;
    } while (next_row(axes, &row));
}
CHOOSE(reduce_gradient_sample)

#endif
