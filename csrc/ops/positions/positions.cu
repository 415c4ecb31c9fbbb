#ifndef REAL
#include "base/cuda/device.h"

#define BODY "ops/positions/positions.cu"
#include "base/each_real.h"
#else

/* Rows of a table, n numbers, added to each sample; y may be x. */
KERNEL(NAMED(positions), ptrdiff_t size, ptrdiff_t n, const REAL *x, const REAL *table,
       REAL *y) {
    EACH_NUMBER(i, size) y[i] = x[i] + table[i - quotient(i, n) * n];
}

/* The sums over m samples of n numbers each; 0 for the rest of the table. */
KERNEL(NAMED(positions_gradient), ptrdiff_t size, ptrdiff_t n, ptrdiff_t m,
       const REAL *dy, ptrdiff_t accumulates, REAL *dtable) {
    EACH_NUMBER(i, size) {
        REAL sum = accumulates ? dtable[i] : 0;
        if (i < n)
            for (ptrdiff_t sample = 0; sample < m; sample++) sum += dy[sample * n + i];
        dtable[i] = sum;
    }
}

#endif
