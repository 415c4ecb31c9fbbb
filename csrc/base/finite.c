#ifndef REAL
#include "base/finite.h"
#include "base/compiler.h"
#define BODY "base/finite.c"
#include "base/each_level.h"
#else

LOOP int NAMED(all_finite)(ptrdiff_t n, const REAL *x) {
    REAL sum = 0; /* x - x is 0, but NaN for an infinity or a NaN */
    SIMD_SUM(sum)
    for (ptrdiff_t i = 0; i < n; i++) sum += x[i] - x[i];
    return sum == 0;
}
CHOOSE(all_finite)

#endif
