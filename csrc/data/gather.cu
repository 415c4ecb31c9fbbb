/* The rows of a chunk, from the order of the samples, and what a step begins with. */
#ifndef REAL
#include "base/cuda/device.h"

#include "tables/elementwise.h"
#include "base/lanes.h"

/* Where a step stands: in the order of the samples, and in the table of steps. */
#define PLACE_ARGUMENTS                                                      \
    const int64_t *order, const int64_t *cursor, ptrdiff_t batch_size,       \
        ptrdiff_t first, ptrdiff_t at, const double *table, double *scalars, \
        ptrdiff_t n_sums, double *sums

/* Which sample is row i of this chunk, whose first one is number first of the mini-batch
   that the cursor stands at: place at of the order, as far as that is there. */
#define SAMPLE(i) order[cursor[0] * batch_size + at + (i)]

/* The first share of a chunk copies the step's row of the table; that of the first chunk
   starts the step's sums. */
HOST_DEVICE void begin_step(ptrdiff_t share, ptrdiff_t first, const int64_t *cursor,
                            const double *table, double *scalars, ptrdiff_t n_sums,
                            double *sums) {
    if (share) return;
    for (int j = THREAD; j < N_SCALARS; j += THREADS)
        scalars[j] = table[cursor[1] * N_SCALARS + j];
    if (first) return;
    for (ptrdiff_t j = THREAD; j < n_sums; j += THREADS)
        if (j != SUM_EPOCH) sums[j] = 0;
}

/* Numbers that a thread gathers before it stores the first. */
enum { GATHERED_AT_ONCE = 8 };

/* Rows of n tokens. */
KERNEL(gather_tokens, ptrdiff_t count, ptrdiff_t n, const int32_t *tokens, int32_t *to,
       const int64_t *order, const int64_t *cursor, ptrdiff_t batch_size,
       ptrdiff_t at) {
    EACH_NUMBER(i, count * n) {
        ptrdiff_t row = quotient(i, n);
        to[i] = tokens[SAMPLE(row) * n + i - row * n];
    }
}

#define BODY "data/gather.cu"
#include "base/each_real.h"
#else

/* Rows of X, of n numbers, of y, of n_targets, and of the weights, of n_weights, if there
   are any: those go to columns that are capacity numbers long. */
KERNEL(NAMED(gather), ptrdiff_t count, ptrdiff_t n, const REAL *X, REAL *input,
       ptrdiff_t n_targets, const REAL *y, REAL *target, ptrdiff_t n_weights,
       const REAL *weights, ptrdiff_t capacity, REAL *weight, PLACE_ARGUMENTS) {
    begin_step(SHARE, first, cursor, table, scalars, n_sums, sums);
    EACH_NUMBER(i, count * n_targets) {
        ptrdiff_t row = quotient(i, n_targets);
        target[i] = y[SAMPLE(row) * n_targets + i - row * n_targets];
    }
    /* Several numbers are loaded before one is stored: the memory is waited for once. */
    ptrdiff_t size = count * n, apart = SHARES * THREADS;
    for (ptrdiff_t i = SHARE * THREADS + THREAD; i < size;
         i += apart * GATHERED_AT_ONCE) {
        REAL numbers[GATHERED_AT_ONCE];
#pragma unroll
        for (int k = 0; k < GATHERED_AT_ONCE; k++) {
            ptrdiff_t own = i + k * apart < size ? i + k * apart : i;
            ptrdiff_t row = quotient(own, n);
            numbers[k] = X[SAMPLE(row) * n + own - row * n];
        }
#pragma unroll
        for (int k = 0; k < GATHERED_AT_ONCE; k++)
            if (i + k * apart < size) input[i + k * apart] = numbers[k];
    }
    EACH_NUMBER(i, count * n_weights) {
        ptrdiff_t column = quotient(i, count), row = i - column * count;
        weight[column * capacity + row] = weights[SAMPLE(row) * n_weights + column];
    }
}

/* The same for rows of a sparse table, whose column numbers are unique in a row; they
   become dense. */
KERNEL(NAMED(gather_sparse), ptrdiff_t count, ptrdiff_t n, const int64_t *starts,
       const int64_t *columns, const REAL *values, REAL *input, ptrdiff_t n_targets,
       const REAL *y, REAL *target, ptrdiff_t n_weights, const REAL *weights,
       ptrdiff_t capacity, REAL *weight, PLACE_ARGUMENTS) {
    begin_step(SHARE, first, cursor, table, scalars, n_sums, sums);
    EACH_ROW(i, count) {
        ptrdiff_t row = SAMPLE(i);
        REAL *own = input + i * n;
        EACH_COLUMN(j, 0, n) own[j] = 0;
        EACH_COLUMN(j, 0, n_targets) target[i * n_targets + j] = y[row * n_targets + j];
        EACH_COLUMN(j, 0, n_weights)
        weight[j * capacity + i] = weights[row * n_weights + j];
        __syncwarp();
        EACH_COLUMN(k, starts[row], starts[row + 1]) own[columns[k]] = values[k];
    }
}

#endif
