/* What a step begins and ends with: its row of the optimizer's table, and its sums. Each
   kernel runs in a single block. */
#ifndef REAL
#include "cuda/device.h"

#include "block_scalars.h"
#include "lanes.h"

/* cursor: the number of the next step, and of the present one. */
KERNEL(start_step, const double *table, int64_t *cursor, double *scalars,
       double *sums) {
    int64_t step = cursor[0];
    __syncthreads();
    EACH_COLUMN(j, 0, N_SCALARS) scalars[j] = table[step * N_SCALARS + j];
    EACH_COLUMN(j, 0, N_SUMS) {
        if (j != SUM_EPOCH) sums[j] = 0;
    }
    if (threadIdx.x == 0) {
        cursor[0] = step + 1;
        cursor[1] = step;
    }
}

/* What gradients are multiplied by: with the sum of their squares in n parts, where they
   are clipped to a norm. */
KERNEL(set_scale, ptrdiff_t n, const double *squares, const double *scalars,
       double *sums) {
    double mine = 0;
    EACH_COLUMN(i, 0, n) mine += squares[i];
    double total = block_sum(mine), scale = 1 / sums[SUM_WEIGHT];
    if (n && scalars[CLIP_NORM] > 0)
        scale *= clipping_factor(total, scale, scalars[CLIP_NORM]);
    if (threadIdx.x == 0) sums[SUM_SCALE] = scale;
}

KERNEL(set_penalty, ptrdiff_t n, const double *partial, double *sums) {
    double mine = 0;
    EACH_COLUMN(i, 0, n) mine += partial[i];
    double total = block_sum(mine);
    if (threadIdx.x == 0) sums[SUM_PENALTY] = total;
}

/* Adds so many rows' loss, as it is reported, to that of the epoch. */
KERNEL(finish_step, ptrdiff_t count, double *sums) {
    if (threadIdx.x == 0 && sums[SUM_WEIGHT] > 0)
        sums[SUM_EPOCH] +=
            (double)count * (sums[SUM_REPORTED] + sums[SUM_PENALTY]) / sums[SUM_WEIGHT];
}

#define BODY "cuda/step.cu"
#include "each_real.h"
#else

/* weight may be absent: each is 1. */
KERNEL(NAMED(add_weights), ptrdiff_t count, const REAL *weight, double *sums) {
    double mine = 0;
    EACH_COLUMN(i, 0, count) mine += weight ? (double)weight[i] : 1.0;
    double total = block_sum(mine);
    if (threadIdx.x == 0) sums[SUM_WEIGHT] += total;
}

#endif
