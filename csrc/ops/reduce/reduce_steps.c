#ifndef REAL
#include "ops/reduce/reduce.h"

#include "base/compiler.h"

#define BODY "ops/reduce/reduce_steps.c"
#include "base/each_level.h"
#else

#include "ops/reduce/reduce_formulas.h"

/* Adds the steps up, four at a time, so that y is read and written less often. */
static void NAMED(sum_steps)(ptrdiff_t t, ptrdiff_t n, const REAL *x, REAL *y) {
    for (; t >= 4; t -= 4, x += 4 * n) {
        const REAL *second = x + n, *third = second + n, *fourth = third + n;
        SIMD
        for (ptrdiff_t j = 0; j < n; j++)
            y[j] += (x[j] + second[j]) + (third[j] + fourth[j]);
    }
    for (; t > 0; t--, x += n) {
        SIMD
        for (ptrdiff_t j = 0; j < n; j++) y[j] += x[j];
    }
}

/* How many steps count. */
static ptrdiff_t NAMED(passing)(ptrdiff_t t, const REAL *mask) {
    ptrdiff_t count = 0;
    if (!mask) return t;
    for (ptrdiff_t i = 0; i < t; i++) count += mask[i] != 0;
    return count;
}

LOOP void NAMED(reduce_steps_loop)(int code, ptrdiff_t t, ptrdiff_t n, const REAL *x,
                                   const REAL *mask, REAL *y, REAL *share) {
    ptrdiff_t count = NAMED(passing)(t, mask);
    if (code == REDUCE_MAX) {
        REAL none = (REAL)-INFINITY;
        for (ptrdiff_t j = 0; j < n; j++) y[j] = none;
        for (ptrdiff_t j = 0; j < n; j++) share[j] = 0;
        for (ptrdiff_t i = 0; i < t; i++, x += n) {
            if (mask && mask[i] == 0) continue;
            SIMD
            for (ptrdiff_t j = 0; j < n; j++)
                NAMED(meet_largest)(x[j], 1, y + j, share + j);
        }
        SIMD
        for (ptrdiff_t j = 0; j < n; j++) {
            share[j] = share[j] > 0 ? 1 / share[j] : 0;
            y[j] = count ? y[j] : 0;
        }
        return;
    }
    for (ptrdiff_t j = 0; j < n; j++) y[j] = 0;
    if (!mask) {
        NAMED(sum_steps)(t, n, x, y);
    } else {
        for (ptrdiff_t i = 0; i < t; i++, x += n)
            if (mask[i] != 0) NAMED(sum_steps)(1, n, x, y);
    }
    if (code == REDUCE_SUM || !count) return;
    REAL factor = 1 / (REAL)count;
    SIMD
    for (ptrdiff_t j = 0; j < n; j++) y[j] *= factor;
}
CHOOSE(reduce_steps_loop)

LOOP void NAMED(reduce_steps_gradient_loop)(int code, ptrdiff_t t, ptrdiff_t n,
                                            const REAL *dy, const REAL *x,
                                            const REAL *y, const REAL *share,
                                            const REAL *mask, REAL *dx) {
    ptrdiff_t count = NAMED(passing)(t, mask);
    REAL factor = code == REDUCE_MEAN && count ? 1 / (REAL)count : 1;
    for (ptrdiff_t i = 0; i < t; i++, dx += n) {
        if (mask && mask[i] == 0) {
            for (ptrdiff_t j = 0; j < n; j++) dx[j] = 0;
        } else if (code == REDUCE_MAX) {
            const REAL *own = x + i * n;
            SIMD
            for (ptrdiff_t j = 0; j < n; j++)
                dx[j] = own[j] == y[j] ? dy[j] * share[j] : 0;
        } else {
            SIMD
            for (ptrdiff_t j = 0; j < n; j++) dx[j] = dy[j] * factor;
        }
    }
}
CHOOSE(reduce_steps_gradient_loop)

#endif
