#ifndef REAL
#include "base/cuda/block.h"

#include "ops/batch_norm/batch_norm.h"
#define BODY "ops/batch_norm/batch_norm.cu"
#include "base/each_real.h"
#else

#include "ops/batch_norm/batch_norm_formulas.h"

/* A block has some columns, threadIdx.x, and each thread some of their rows. */
#define COLUMN ((ptrdiff_t)blockIdx.x * blockDim.x + threadIdx.x)

/* Each thread takes two passes over its rows, of which the second corrects the first, and
   then the threads' moments are joined. */
KERNEL(NAMED(batch_moments), ptrdiff_t m, ptrdiff_t n, const REAL *x, REAL *moments) {
    __shared__ REAL means[MAX_THREADS], squares[MAX_THREADS];
    __shared__ ptrdiff_t counts[MAX_THREADS];
    ptrdiff_t j = COLUMN, rows = 0;
    int me = threadIdx.x + blockDim.x * threadIdx.y;
    REAL mean = 0, square = 0, rest = 0;
    for (ptrdiff_t i = threadIdx.y; j < n && i < m; i += blockDim.y, rows++)
        mean += x[i * n + j];
    mean = rows ? mean / (REAL)rows : 0;
    for (ptrdiff_t i = threadIdx.y; j < n && i < m; i += blockDim.y) {
        REAL d = x[i * n + j] - mean;
        rest += d;
        square += NAMED(square_of)(d);
    }
    if (rows) {
        square -= NAMED(square_of)(rest) / (REAL)rows;
        mean += rest / (REAL)rows;
    }
    means[me] = mean, squares[me] = square, counts[me] = rows;
    __syncthreads();
    for (int half = blockDim.y / 2; half; half /= 2) {
        int other = me + half * blockDim.x;
        if ((int)threadIdx.y < half && counts[other]) {
            ptrdiff_t all = counts[me] + counts[other];
            REAL share = (REAL)counts[other] / (REAL)all;
            NAMED(join_column)(&means[me], &squares[me], means[other], squares[other],
                               share, (REAL)counts[me] * share);
            counts[me] = all;
        }
        __syncthreads();
    }
    if (j >= n || threadIdx.y) return;
    moments[MOMENT_MEAN * n + j] = means[me];
    moments[MOMENT_SQUARE * n + j] = squares[me];
}

/* The variance is square / rows; mean, scale and offset may be absent. */
KERNEL(NAMED(batch_table), ptrdiff_t n, const REAL *mean, const REAL *square, REAL rows,
       REAL epsilon, const REAL *scale, const REAL *offset, REAL *table) {
    EACH_NUMBER(j, n) {
        REAL inverse = NAMED(inverse_deviation)(square[j], rows, epsilon);
        table[TABLE_MEAN * n + j] = mean ? mean[j] : 0;
        table[TABLE_INVERSE * n + j] = inverse;
        table[TABLE_FACTOR * n + j] = scale ? inverse * scale[j] : inverse;
        table[TABLE_OFFSET * n + j] = offset ? offset[j] : 0;
    }
}

/* keep is 0 where nothing is kept of the gradient, which may be NaN. */
KERNEL(NAMED(move_running), ptrdiff_t n, REAL keep, REAL part, const REAL *x,
       REAL *gradient) {
    EACH_NUMBER(j, n)
    gradient[j] = NAMED(moved)(keep == 0 ? 0 : gradient[j], keep, x[j], part);
}

/* y may be x. */
KERNEL(NAMED(batch_norm), ptrdiff_t size, ptrdiff_t n, const REAL *x, const REAL *table,
       REAL *y) {
    EACH_NUMBER(i, size) {
        ptrdiff_t j = i - quotient(i, n) * n;
        y[i] =
            NAMED(normalised)(x[i], table[TABLE_MEAN * n + j],
                              table[TABLE_FACTOR * n + j], table[TABLE_OFFSET * n + j]);
    }
}

KERNEL(NAMED(batch_norm_sums), ptrdiff_t m, ptrdiff_t n, const REAL *dy, const REAL *x,
       const REAL *table, REAL *sums, REAL *products) {
    ptrdiff_t j = COLUMN;
    REAL sum = 0, product = 0, mean = j < n ? table[TABLE_MEAN * n + j] : 0;
    for (ptrdiff_t i = threadIdx.y; j < n && i < m; i += blockDim.y) {
        REAL d = dy[i * n + j];
        sum += d;
        product += d * (x[i * n + j] - mean);
    }
    sum = column_sum(sum, blockDim.x);
    product = column_sum(product, blockDim.x);
    if (j >= n || threadIdx.y) return;
    sums[j] = sum;
    products[j] = product * table[TABLE_INVERSE * n + j];
}

KERNEL(NAMED(batch_correction), ptrdiff_t n, REAL rows, const REAL *sums,
       const REAL *products, const REAL *table, REAL *correction) {
    EACH_NUMBER(j, n) {
        correction[CORRECTION_SHIFT * n + j] = NAMED(mean_of_gradient)(sums[j], rows);
        correction[CORRECTION_SLOPE * n + j] =
            NAMED(slope_of_gradient)(products[j], rows, table[TABLE_INVERSE * n + j]);
    }
}

/* dx may be dy. */
KERNEL(NAMED(batch_norm_gradient), ptrdiff_t size, ptrdiff_t n, const REAL *dy,
       const REAL *x, const REAL *table, const REAL *correction, REAL *dx) {
    EACH_NUMBER(i, size) {
        ptrdiff_t j = i - quotient(i, n) * n;
        dx[i] = NAMED(corrected)(
            dy[i], x[i], table[TABLE_MEAN * n + j], table[TABLE_FACTOR * n + j],
            correction[CORRECTION_SHIFT * n + j], correction[CORRECTION_SLOPE * n + j]);
    }
}
#undef COLUMN

#endif
