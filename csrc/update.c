#ifndef REAL
#include "update.h"
#include "elementwise.h"
#define BODY "update.c"
#include "each_real.h"
#else

#include "formulas.h"

CLONES double NAMED(sum_of_squares_loop)(ptrdiff_t n, const REAL *x) {
    REAL sum = 0;
    SIMD_SUM(sum)
    for (ptrdiff_t i = 0; i < n; i++) sum += x[i] * x[i];
    return sum;
}

CLONES double NAMED(sum_of_magnitudes_loop)(ptrdiff_t n, const REAL *x) {
    REAL sum = 0;
    SIMD_SUM(sum)
    for (ptrdiff_t i = 0; i < n; i++) sum += x[i] < 0 ? -x[i] : x[i];
    return sum;
}

CLONES void NAMED(add_into_loop)(ptrdiff_t n, const REAL *x, REAL *y) {
    SIMD
    for (ptrdiff_t i = 0; i < n; i++) y[i] += x[i];
}

/* At 0, where the slope of l1 * |w| jumps, it is 0. */
CLONES void NAMED(lasso_loop)(ptrdiff_t n, const REAL *weights, REAL l1,
                              const REAL *gradients, REAL *result) {
    SIMD
    for (ptrdiff_t i = 0; i < n; i++) {
        REAL w = weights[i];
        result[i] = gradients[i] + (w > 0 ? l1 : (w < 0 ? -l1 : w));
    }
}

CLONES void NAMED(clip_loop)(ptrdiff_t n, const REAL *weights, REAL penalty, REAL bound,
                             const REAL *gradients, REAL *result) {
    SIMD
    for (ptrdiff_t i = 0; i < n; i++) {
        REAL g = gradients[i] + penalty * weights[i];
        result[i] = g < -bound ? -bound : (g > bound ? bound : g);
    }
}

CLONES double NAMED(norm_loop)(ptrdiff_t n, const REAL *weights, REAL penalty,
                               const REAL *gradients) {
    double sum = 0;
    SIMD_SUM(sum)
    for (ptrdiff_t i = 0; i < n; i++) {
        double g = gradients[i] + penalty * weights[i];
        sum += g * g;
    }
    return sum;
}

CLONES void NAMED(average_loop)(ptrdiff_t n, const REAL *weights, REAL rate,
                                REAL *average) {
    SIMD
    for (ptrdiff_t i = 0; i < n; i++) average[i] += rate * (weights[i] - average[i]);
}

#define LOAD_1 REAL s0 = a[i]
#define LOAD_2 REAL s0 = a[i], s1 = b[i]
#define LOAD_3 REAL s0 = a[i], s1 = b[i], s2 = c[i]
#define STORE_1 a[i] = s0
#define STORE_2 a[i] = s0, b[i] = s1
#define STORE_3 a[i] = s0, b[i] = s1, c[i] = s2
#define POINTERS_1 REAL *a = slots[0]
#define POINTERS_2 REAL *a = slots[0], *b = slots[1]
#define POINTERS_3 REAL *a = slots[0], *b = slots[1], *c = slots[2]

#define ROW(name, n_slots, step)                                                       \
    CLONES void NAMED(step_##name)(ptrdiff_t n, REAL *weights, const REAL *gradients,  \
                                   REAL *const *slots, const REAL *scalars, REAL rate, \
                                   REAL scale, REAL penalty, REAL shrink) {            \
        POINTERS_##n_slots;                                                            \
        REAL h[N_RULE_SCALARS];                                                        \
        memcpy(h, scalars, sizeof h);                                                  \
        SIMD                                                                           \
        for (ptrdiff_t i = 0; i < n; i++) {                                            \
            REAL w = weights[i];                                                       \
            REAL g = (gradients[i] + penalty * w) * scale;                             \
            w -= shrink * w;                                                           \
            LOAD_##n_slots;                                                            \
            step STORE_##n_slots;                                                      \
            weights[i] = w;                                                            \
        }                                                                              \
    }
OPTIMIZER_TABLE(ROW)
#undef ROW
#undef LOAD_1
#undef LOAD_2
#undef LOAD_3
#undef STORE_1
#undef STORE_2
#undef STORE_3
#undef POINTERS_1
#undef POINTERS_2
#undef POINTERS_3

#define ROW(name, n_slots, step) NAMED(step_##name),
const NAMED(step_loop) NAMED(step_loops)[] = {OPTIMIZER_TABLE(ROW)};
#undef ROW

#endif
