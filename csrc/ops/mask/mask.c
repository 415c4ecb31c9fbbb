#ifndef REAL
#include "ops/mask/mask.h"

#define BODY "ops/mask/mask.c"
#include "base/each_level.h"
#else

LOOP void NAMED(token_mask_loop)(ptrdiff_t m, const int32_t *tokens, REAL *mask) {
    SIMD
    for (ptrdiff_t i = 0; i < m; i++) mask[i] = (REAL)(tokens[i] != 0);
}
CHOOSE(token_mask_loop)

LOOP void NAMED(value_mask_loop)(ptrdiff_t m, ptrdiff_t n, const REAL *x, REAL value,
                                 REAL *mask) {
    for (ptrdiff_t i = 0; i < m; i++, x += n) {
        REAL others = 0;
        SIMD_SUM(others)
        for (ptrdiff_t j = 0; j < n; j++) others += (REAL)IS_OTHER(x[j], value);
        mask[i] = (REAL)(others > 0);
    }
}
CHOOSE(value_mask_loop)

LOOP void NAMED(masked_loop)(ptrdiff_t m, ptrdiff_t n, const REAL *x, const REAL *mask,
                             REAL *y) {
    for (ptrdiff_t i = 0; i < m; i++, x += n, y += n) {
        int passes = mask[i] != 0;
        SIMD
        for (ptrdiff_t j = 0; j < n; j++) y[j] = passes ? x[j] : 0;
    }
}
CHOOSE(masked_loop)

#endif
