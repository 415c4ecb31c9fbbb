/* The rows of a chunk, from the order of the samples, and what a step begins with. */
#ifndef REAL
#include "cuda/device.h"

#include "elementwise.h"
#include "lanes.h"

/* Where a step stands: in the order of the samples, and in the table of steps. */
#define PLACE_ARGUMENTS                                                      \
    const int64_t *order, const int64_t *cursor, ptrdiff_t batch_size,       \
        ptrdiff_t first, ptrdiff_t at, const double *table, double *scalars, \
        double *sums

/* Which sample is row i of this chunk, whose first one is number first of the mini-batch
   that the cursor stands at: place at of the order, as far as that is there. */
#define SAMPLE(i) order[cursor[0] * batch_size + at + (i)]

/* The first chunk of a step starts its sums, and copies its row of the table. */
HOST_DEVICE void begin_step(ptrdiff_t first, const int64_t *cursor, const double *table,
                            double *scalars, double *sums) {
    if (first || blockIdx.x) return;
    EACH_COLUMN(j, 0, N_SCALARS) scalars[j] = table[cursor[1] * N_SCALARS + j];
    EACH_COLUMN(j, 0, N_SUMS) {
        if (j != SUM_EPOCH) sums[j] = 0;
    }
}

#define BODY "cuda/gather.cu"
#include "each_real.h"
#else

/* Rows of X, of n numbers, of y, of n_targets, and of the weights, if there are any. */
KERNEL(NAMED(gather), ptrdiff_t count, ptrdiff_t n, const REAL *X, REAL *input,
       ptrdiff_t n_targets, const REAL *y, REAL *target, const REAL *weights,
       REAL *weight, PLACE_ARGUMENTS) {
    begin_step(first, cursor, table, scalars, sums);
    EACH_NUMBER(i, count * n) {
        ptrdiff_t row = quotient(i, n);
        input[i] = X[SAMPLE(row) * n + i - row * n];
    }
    EACH_NUMBER(i, count * n_targets) {
        ptrdiff_t row = quotient(i, n_targets);
        target[i] = y[SAMPLE(row) * n_targets + i - row * n_targets];
    }
    if (weights) {
        EACH_NUMBER(i, count) weight[i] = weights[SAMPLE(i)];
    }
}

/* The same for rows of a sparse table, whose column numbers are unique in a row; they
   become dense. A block has one row. */
KERNEL(NAMED(gather_sparse), ptrdiff_t n, const int64_t *starts, const int64_t *columns,
       const REAL *values, REAL *input, ptrdiff_t n_targets, const REAL *y,
       REAL *target, const REAL *weights, REAL *weight, PLACE_ARGUMENTS) {
    begin_step(first, cursor, table, scalars, sums);
    ptrdiff_t row = SAMPLE(blockIdx.x);
    input += blockIdx.x * n;
    EACH_COLUMN(j, 0, n) input[j] = 0;
    EACH_COLUMN(j, 0, n_targets)
    target[blockIdx.x * n_targets + j] = y[row * n_targets + j];
    if (weights && threadIdx.x == 0) weight[blockIdx.x] = weights[row];
    __syncthreads();
    EACH_COLUMN(i, starts[row], starts[row + 1]) input[columns[i]] = values[i];
}

#endif
