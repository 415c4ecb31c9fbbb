#ifndef REAL
#include "data/mix.h"

#define BODY "data/mix.c"
#include "base/each_level.h"
#else

LOOP void NAMED(blend)(ptrdiff_t n, REAL share, const REAL *other, REAL *own) {
    REAL rest = 1 - share;
    SIMD
    for (ptrdiff_t i = 0; i < n; i++) own[i] = rest * own[i] + share * other[i];
}
CHOOSE(blend)

#endif
