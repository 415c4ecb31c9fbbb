#ifndef REAL
#include "update.h"
#include "elementwise.h"
#define BODY "update.c"
#include "each_real.h"
#else

#include "update_formulas.h"

CLONES double NAMED(sum_of_squares_loop)(ptrdiff_t n, const REAL *x) {
    REAL sum = 0;
    SIMD_SUM(sum)
    for (ptrdiff_t i = 0; i < n; i++) sum += x[i] * x[i];
    return sum;
}

CLONES double NAMED(sum_of_magnitudes_loop)(ptrdiff_t n, const REAL *x) {
    REAL sum = 0;
    SIMD_SUM(sum)
    for (ptrdiff_t i = 0; i < n; i++) sum += NAMED(magnitude)(x[i]);
    return sum;
}

CLONES void NAMED(add_into_loop)(ptrdiff_t n, const REAL *x, REAL *y) {
    SIMD
    for (ptrdiff_t i = 0; i < n; i++) y[i] += x[i];
}

CLONES void NAMED(lasso_loop)(ptrdiff_t n, const REAL *weights, REAL l1,
                              const REAL *gradients, REAL *result) {
    SIMD
    for (ptrdiff_t i = 0; i < n; i++)
        result[i] = NAMED(with_lasso)(gradients[i], weights[i], l1);
}

CLONES void NAMED(clip_loop)(ptrdiff_t n, const REAL *weights, REAL penalty, REAL bound,
                             const REAL *gradients, REAL *result) {
    SIMD
    for (ptrdiff_t i = 0; i < n; i++)
        result[i] = NAMED(clipped)(gradients[i] + penalty * weights[i], bound);
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
    for (ptrdiff_t i = 0; i < n; i++)
        average[i] = NAMED(averaged)(average[i], weights[i], rate);
}

#define ROW(name, n_slots, step)                                                       \
    CLONES void NAMED(step_##name)(ptrdiff_t n, REAL *weights, const REAL *gradients,  \
                                   REAL *const *slots, const REAL *scalars, REAL rate, \
                                   REAL scale, REAL penalty, REAL shrink) {            \
        POINTERS_##n_slots;                                                            \
        REAL h[N_RULE_SCALARS];                                                        \
        memcpy(h, scalars, sizeof h);                                                  \
        SIMD                                                                           \
        for (ptrdiff_t i = 0; i < n; i++) {                                            \
            STEP(n_slots, step, gradients[i])                                          \
        }                                                                              \
    }
OPTIMIZER_TABLE(ROW)
#undef ROW

#define ROW(name, n_slots, step) NAMED(step_##name),
const NAMED(step_loop) NAMED(step_loops)[] = {OPTIMIZER_TABLE(ROW)};
#undef ROW

#endif
