#ifndef REAL
#include "base/cuda/device.h"

#define BODY "ops/columns/copy.cu"
#include "base/each_real.h"
#else

/* y = [y +] x, or zeros where x is absent, over rows of n that lie a lead apart. */
KERNEL(NAMED(copy), ptrdiff_t size, ptrdiff_t n, const REAL *x, ptrdiff_t x_lead,
       REAL *y, ptrdiff_t y_lead, ptrdiff_t accumulate) {
    EACH_NUMBER(i, size) {
        ptrdiff_t to = in_rows(i, n, y_lead);
        REAL own = x ? x[in_rows(i, n, x_lead)] : 0;
        y[to] = accumulate ? y[to] + own : own;
    }
}

#endif
