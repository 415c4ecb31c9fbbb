#ifndef REAL
#include "update/update.h"
#include "tables/elementwise.h"
#define BODY "update/update.c"
#include "base/each_level.h"
#else

#include "update/update_formulas.h"

LOOP double NAMED(sum_of_squares_loop)(ptrdiff_t n, const REAL *x) {
    REAL sum = 0;
    SIMD_SUM(sum)
    for (ptrdiff_t i = 0; i < n; i++) sum += x[i] * x[i];
    return sum;
}
CHOOSE(sum_of_squares_loop)

LOOP double NAMED(sum_of_magnitudes_loop)(ptrdiff_t n, const REAL *x) {
    REAL sum = 0;
    SIMD_SUM(sum)
    for (ptrdiff_t i = 0; i < n; i++) sum += NAMED(magnitude)(x[i]);
    return sum;
}
CHOOSE(sum_of_magnitudes_loop)

LOOP void NAMED(add_into_loop)(ptrdiff_t n, const REAL *x, REAL *y) {
    SIMD
    for (ptrdiff_t i = 0; i < n; i++) y[i] += x[i];
}
CHOOSE(add_into_loop)

LOOP void NAMED(lasso_loop)(ptrdiff_t n, const REAL *weights, REAL l1,
                            const REAL *gradients, REAL *result) {
    SIMD
    for (ptrdiff_t i = 0; i < n; i++)
        result[i] = NAMED(with_lasso)(gradients[i], weights[i], l1);
}
CHOOSE(lasso_loop)

LOOP void NAMED(clip_loop)(ptrdiff_t n, const REAL *weights, REAL penalty, REAL bound,
                           const REAL *gradients, REAL *result) {
    SIMD
    for (ptrdiff_t i = 0; i < n; i++)
        result[i] = NAMED(clipped)(gradients[i] + penalty * weights[i], bound);
}
CHOOSE(clip_loop)

LOOP double NAMED(norm_loop)(ptrdiff_t n, const REAL *weights, REAL penalty,
                             const REAL *gradients) {
    double sum = 0;
    SIMD_SUM(sum)
    for (ptrdiff_t i = 0; i < n; i++) {
        double g = gradients[i] + penalty * weights[i];
        sum += g * g;
    }
    return sum;
}
CHOOSE(norm_loop)

LOOP void NAMED(average_loop)(ptrdiff_t n, const REAL *weights, REAL rate,
                              REAL *average) {
    SIMD
    for (ptrdiff_t i = 0; i < n; i++)
        average[i] = NAMED(averaged)(average[i], weights[i], rate);
}
CHOOSE(average_loop)

#define ROW(name, n_slots, step)                                                       \
    static void NAMED(step_##name)(ptrdiff_t n, REAL *weights, const REAL *gradients,  \
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
TABLE(step_loop, step_loops) = {OPTIMIZER_TABLE(ROW)};
#undef ROW
CHOOSE(step_loops)

#endif
