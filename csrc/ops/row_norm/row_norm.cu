#ifndef REAL
#include "base/cuda/block.h"

#include "base/sums.h"
#define BODY "ops/row_norm/row_norm.cu"
#include "base/each_real.h"
#else

#include "ops/row_norm/row_norm_formulas.h"

/* saved: of each row mean, rest and inverse, or the inverse alone. */
KERNEL(NAMED(row_norm), ptrdiff_t m, ptrdiff_t centered, ptrdiff_t n, const REAL *x,
       const REAL *scale, const REAL *offset, double epsilon, REAL *y, REAL *saved) {
    EACH_ROW(row, m)
    NAMED(norm)((int)centered, 1, n, x + row * n, scale, offset, epsilon, y + row * n,
                saved + row * (centered ? 3 : 1));
}

/* dx may be dy. */
KERNEL(NAMED(row_norm_gradient), ptrdiff_t m, ptrdiff_t centered, ptrdiff_t n,
       const REAL *dy, const REAL *x, const REAL *scale, const REAL *saved, REAL *dx) {
    EACH_ROW(row, m)
    NAMED(norm_gradient)((int)centered, 1, n, dy + row * n, x + row * n, scale,
                         saved + row * (centered ? 3 : 1), dx + row * n, NULL, NULL);
}

/* The gradients of scale and offset, either of which may be absent. A share has some
   columns, and each thread some of the rows. */
KERNEL(NAMED(row_norm_sums), ptrdiff_t centered, ptrdiff_t m, ptrdiff_t n,
       const REAL *dy, const REAL *x, const REAL *saved, ptrdiff_t scale_accumulates,
       REAL *dscale, ptrdiff_t offset_accumulates, REAL *doffset) {
    for (ptrdiff_t strip = SHARE; strip * blockDim.x < n; strip += SHARES) {
        ptrdiff_t j = strip * blockDim.x + threadIdx.x;
        REAL sum = 0, product = 0;
        for (ptrdiff_t i = threadIdx.y; j < n && i < m; i += blockDim.y) {
            NAMED(statistics) row = NAMED(statistics_from)((int)centered, saved, i);
            REAL d = dy[i * n + j];
            sum += d;
            product += d * NAMED(normalized)(row, x[i * n + j]);
        }
        sum = column_sum(sum, blockDim.x);
        product = column_sum(product, blockDim.x);
        if (j >= n || threadIdx.y) continue;
        if (doffset) doffset[j] = offset_accumulates ? doffset[j] + sum : sum;
        if (dscale) dscale[j] = scale_accumulates ? dscale[j] + product : product;
    }
}

#endif
