#ifndef REAL
#include "finite.h"
#include "compiler.h"
#define BODY "finite.c"
#include "each_level.h"
#else

LOOP int NAMED(all_finite)(ptrdiff_t n, const REAL *x) {
    REAL sum = 0; /* x - x is 0, but NaN for an infinity or a NaN */
    SIMD_SUM(sum)
    for (ptrdiff_t i = 0; i < n; i++) sum += x[i] - x[i];
    return sum == 0;
}
CHOOSE(all_finite)

#endif
