/* What "add" of a bias takes back: the gradient of what it was added to, and that of the
   bias, its sum over the rows, from one pass over both. A matrix of many rows is divided
   into slabs, because its columns alone are too few blocks of threads for a card. */
#ifndef REAL
#include "base/cuda/block.h"

#include "tables/elementwise.h"
#define BODY "ops/broadcast/bias.cu"
#include "base/each_real.h"
#else

#include "ops/broadcast/broadcast_formulas.h"

/* da = dy * slope(saved), which may be dy; absent, it is dy. Rows lie a lead apart. Each block of threads has some
   columns side by side, threadIdx.x, of a slab of so many rows, and writes their sums to
   parts, a row of n for each slab; or, alone, [adds] them to sums. */
#define ROW(name, reads, default, value, slope) BIAS_GRADIENT_##reads(name)
#define BIAS_GRADIENT_NOTHING(name) BIAS_GRADIENT_OUTPUT(name)
/* Lowering writes a bias by itself where the slope reads the sum: csrc/tables/elementwise.h. */
#define BIAS_GRADIENT_INPUT(name)
#define BIAS_GRADIENT_OUTPUT(name)                                                     \
    KERNEL(NAMED(bias_gradient_##name), ptrdiff_t m, ptrdiff_t n, ptrdiff_t slab_rows, \
           const REAL *dy, ptrdiff_t dy_lead, const REAL *saved, ptrdiff_t saved_lead, \
           REAL option, REAL *da, ptrdiff_t da_lead, ptrdiff_t accumulate, REAL *sums, \
           REAL *parts) {                                                              \
        ptrdiff_t strips = (n + blockDim.x - 1) / blockDim.x;                          \
        ptrdiff_t slab = quotient(blockIdx.x, strips);                                 \
        ptrdiff_t column = (blockIdx.x - slab * strips) * blockDim.x + threadIdx.x;    \
        ptrdiff_t first = slab * slab_rows, end = first + slab_rows;                   \
        end = column >= n ? first : end < m ? end : m;                                 \
        REAL sum = 0;                                                                  \
        _Pragma("unroll 4") for (ptrdiff_t row = first + threadIdx.y; row < end;       \
                                 row += blockDim.y) {                                  \
            REAL d = dy[row * dy_lead + column];                                       \
            if (da) {                                                                  \
                d *= NAMED(slope_of_##name)(saved[row * saved_lead + column], option); \
                da[row * da_lead + column] = d;                                        \
            }                                                                          \
            sum += d;                                                                  \
        }                                                                              \
        sum = column_sum(sum, blockDim.x);                                             \
        if (column >= n || threadIdx.y) return;                                        \
        if (parts)                                                                     \
            parts[slab * n + column] = sum;                                            \
        else                                                                           \
            sums[column] = accumulate ? sums[column] + sum : sum;                      \
    }
ACTIVATION_TABLE(ROW)
#undef BIAS_GRADIENT_NOTHING
#undef BIAS_GRADIENT_INPUT
#undef BIAS_GRADIENT_OUTPUT
#undef ROW

/* The sums of the slabs, in their order. */
KERNEL(NAMED(join_slabs), ptrdiff_t n, ptrdiff_t slabs, const REAL *parts,
       ptrdiff_t accumulate, REAL *sums) {
    EACH_NUMBER(column, n) {
        REAL sum = accumulate ? sums[column] : 0;
        for (ptrdiff_t slab = 0; slab < slabs; slab++) sum += parts[slab * n + column];
        sums[column] = sum;
    }
}

#endif
