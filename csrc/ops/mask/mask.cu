#ifndef REAL
#include "base/cuda/device.h"
#include "ops/mask/mask.h"

#define BODY "ops/mask/mask.cu"
#include "base/each_real.h"
#else

KERNEL(NAMED(token_mask), ptrdiff_t size, const int32_t *tokens, REAL *mask) {
    EACH_NUMBER(i, size) mask[i] = tokens[i] != 0;
}

/* Each row of n numbers by one thread: most are short. */
KERNEL(NAMED(value_mask), ptrdiff_t m, ptrdiff_t n, const REAL *x, REAL value,
       REAL *mask) {
    EACH_NUMBER(i, m) {
        bool other = false;
        for (ptrdiff_t j = 0; j < n && !other; j++)
            other = IS_OTHER(x[i * n + j], value);
        mask[i] = other;
    }
}

KERNEL(NAMED(masked), ptrdiff_t size, ptrdiff_t n, const REAL *x, const REAL *mask,
       REAL *y) {
    EACH_NUMBER(i, size) y[i] = mask[quotient(i, n)] != 0 ? x[i] : 0;
}

#endif
