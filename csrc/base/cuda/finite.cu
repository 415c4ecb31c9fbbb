#ifndef REAL
#include "base/cuda/block.h"
#define BODY "base/cuda/finite.cu"
#include "base/each_real.h"
#else

/* Each block of threads writes the worst of its numbers: 0 where all are finite, 1 where
   one is infinite, 2 where one is not a number. */
KERNEL(NAMED(worst_number), ptrdiff_t size, const REAL *x, double *worst) {
    double mine = 0;
    EACH_NUMBER(i, size) {
        /* x - x is 0 for every finite x. */
        double code = x[i] - x[i] == 0 ? 0 : x[i] == x[i] ? 1 : 2;
        mine = code > mine ? code : mine;
    }
    mine = block_max(mine);
    if (threadIdx.x == 0) worst[blockIdx.x] = mine;
}

#endif
