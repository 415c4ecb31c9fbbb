#ifndef REAL
#include "sparse.h"
#include "compiler.h"
#define BODY "sparse.c"
#include "each_real.h"
#else

CLONES void NAMED(add_scaled_loop)(ptrdiff_t n, REAL factor, const REAL *x, REAL *y) {
    SIMD
    for (ptrdiff_t i = 0; i < n; i++) y[i] += factor * x[i];
}

#endif
