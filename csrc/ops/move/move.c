#ifndef REAL
#include "ops/move/move.h"

/* Numbers of a row that are written at once where those of x lie apart: as many cache
   lines of x stay in the first-level cache until all of their numbers are read. */
enum { NUMBERS_ACROSS = 16 };

#define BODY "ops/move/move.c"
#include "base/each_level.h"
#else

/* The last axis. */
static void NAMED(move_row)(ptrdiff_t n, ptrdiff_t before, ptrdiff_t inside,
                            ptrdiff_t stride, const REAL *x, REAL *y) {
    ptrdiff_t first = before > 0 ? before : 0;
    ptrdiff_t end = before + inside < n ? before + inside : n;
    x += (first - before) * stride;
    memset(y, 0, (size_t)first * sizeof(REAL));
    if (stride == 1) {
        memcpy(y + first, x, (size_t)(end - first) * sizeof(REAL));
    } else {
        for (ptrdiff_t j = first; j < end; j++) y[j] = x[(j - first) * stride];
    }
    memset(y + end, 0, (size_t)(n - end) * sizeof(REAL));
}

/* The last axis and the one along which the numbers of x lie side by side. */
static void NAMED(move_across)(const moved_axes_t *axes, const REAL *x, REAL *y) {
    ptrdiff_t last = axes->rank - 1, n = axes->length[last];
    ptrdiff_t rows = axes->length[axes->across], step = axes->step[axes->across];
    ptrdiff_t stride = axes->stride[last];
    for (ptrdiff_t first = 0; first < n; first += NUMBERS_ACROSS) {
        ptrdiff_t end = n - first < NUMBERS_ACROSS ? n : first + NUMBERS_ACROSS;
        for (ptrdiff_t i = 0; i < rows; i++)
            for (ptrdiff_t j = first; j < end; j++) y[i * step + j] = x[j * stride + i];
    }
}

/* This axis and those behind it. */
static void NAMED(move_axis)(const moved_axes_t *axes, ptrdiff_t axis, const REAL *x,
                             REAL *y) {
    ptrdiff_t length = axes->length[axis], before = axes->before[axis];
    ptrdiff_t inside = axes->inside[axis], step = axes->step[axis];
    if (axis == axes->rank - 1) {
        if (axes->across < 0)
            NAMED(move_row)(length, before, inside, axes->stride[axis], x, y);
        else
            NAMED(move_across)(axes, x, y);
        return;
    }
    if (axis == axes->across) length = 1; /* as a row is written */
    for (ptrdiff_t i = 0; i < length; i++, y += step) {
        ptrdiff_t from = i - before;
        if (from >= 0 && from < inside)
            NAMED(move_axis)(axes, axis + 1, x + from * axes->stride[axis], y);
        else
            memset(y, 0, (size_t)step * sizeof(REAL));
    }
}

LOOP void NAMED(move_sample)(const moved_axes_t *axes, const REAL *x, REAL *y) {
    NAMED(move_axis)(axes, 0, x, y);
}
CHOOSE(move_sample)

#endif
