#ifndef REAL
#include "base/cuda/block.h"
#define BODY "update/max_norm.cu"
#include "base/each_real.h"
#else

#include "update/max_norm_formulas.h"

/* Columns that are too long are scaled down, after a step. A block has some columns, and
   each thread some of the rows. */
KERNEL(NAMED(max_norm), ptrdiff_t rows, ptrdiff_t columns, REAL max_norm,
       const double *sums, REAL *weights) {
    if (!(sums[SUM_WEIGHT] > 0)) return;
    ptrdiff_t j = (ptrdiff_t)blockIdx.x * blockDim.x + threadIdx.x;
    REAL square = 0;
    for (ptrdiff_t i = threadIdx.y; j < columns && i < rows; i += blockDim.y)
        square += weights[i * columns + j] * weights[i * columns + j];
    REAL factor = NAMED(max_norm_factor)(column_sum(square, blockDim.x), max_norm);
    for (ptrdiff_t i = threadIdx.y; j < columns && i < rows; i += blockDim.y)
        weights[i * columns + j] *= factor;
}

#endif
