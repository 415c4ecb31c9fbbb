#ifndef REAL
#include "cuda/block.h"

#include "block_scalars.h"
#include "lanes.h"

/* The block of parameters that number i belongs to; NULL in the gaps between them. */
HOST_DEVICE const block_t *block_of(const block_t *blocks, ptrdiff_t n_blocks,
                                    ptrdiff_t i) {
    ptrdiff_t low = 0, high = n_blocks;
    while (high - low > 1) {
        ptrdiff_t middle = (low + high) / 2;
        if (blocks[middle].offset <= i)
            low = middle;
        else
            high = middle;
    }
    return i < blocks[low].offset + blocks[low].size ? blocks + low : NULL;
}

/* What the step of each block of parameters depends on: it is the same for all of them.
   By a single block of threads. */
KERNEL(find_block_scalars, const block_t *blocks, ptrdiff_t n_blocks,
       const double *scalars, const double *sums, block_scalars_t *own) {
    EACH_COLUMN(i, 0, n_blocks)
    own[i] = block_scalars(blocks + i, scalars, sums[SUM_SCALE], sums[SUM_WEIGHT]);
}

#define BODY "cuda/update.cu"
#include "each_real.h"
#else

#include "update_formulas.h"

/* The optimizer's step of all parameters; running statistics are moved. Samples without
   weight are no step. */
#define ROW(name, n_slots, step)                                                    \
    KERNEL(NAMED(step_##name), ptrdiff_t n_parameters, const block_t *blocks,       \
           ptrdiff_t n_blocks, REAL *weights, const REAL *gradients, REAL *state,   \
           const double *scalars, const double *sums,                               \
           const block_scalars_t *block_scalars) {                                  \
        if (!(sums[SUM_WEIGHT] > 0)) return;                                        \
        REAL *slots[3] = {state, state + n_parameters, state + 2 * n_parameters};   \
        POINTERS_##n_slots;                                                         \
        REAL h[N_RULE_SCALARS];                                                     \
        for (int k = 0; k < N_RULE_SCALARS; k++) h[k] = (REAL)scalars[k];           \
        REAL scale = (REAL)sums[SUM_SCALE];                                         \
        EACH_NUMBER(i, n_parameters) {                                              \
            const block_t *block = block_of(blocks, n_blocks, i);                   \
            if (!block) continue;                                                   \
            if (!block->trainable) {                                                \
                if (block->running > 0)                                             \
                    weights[i] =                                                    \
                        (REAL)(1 - block->running) * weights[i] + gradients[i];     \
                continue;                                                           \
            }                                                                       \
            const block_scalars_t *own = block_scalars + (block - blocks);          \
            REAL rate = (REAL)own->rate, shrink = (REAL)own->shrink;                \
            REAL penalty = (REAL)(own->slope + own->decay);                         \
            REAL gradient = gradients[i];                                           \
            if (own->l1 != 0)                                                       \
                gradient = NAMED(with_lasso)(gradient, weights[i], (REAL)own->l1);  \
            if (own->bound > 0) {                                                   \
                gradient = NAMED(clipped)(gradient + (REAL)own->slope * weights[i], \
                                          (REAL)own->bound);                        \
                penalty = (REAL)own->decay;                                         \
            }                                                                       \
            (void)rate;                                                             \
            STEP(n_slots, step, gradient)                                           \
        }                                                                           \
    }
OPTIMIZER_TABLE(ROW)
#undef ROW

/* Each block of threads writes the sum of the squares of its gradients, with those of the
   regularizers. */
KERNEL(NAMED(squared_norm), ptrdiff_t n_parameters, const block_t *blocks,
       ptrdiff_t n_blocks, const REAL *weights, const REAL *gradients,
       const double *sums, double *partial) {
    double mine = 0;
    EACH_NUMBER(i, n_parameters) {
        const block_t *block = block_of(blocks, n_blocks, i);
        if (!block || !block->trainable) continue;
        REAL w = weights[i], g = gradients[i];
        if (block->l1 != 0)
            g = NAMED(with_lasso)(g, w, (REAL)(block->l1 * sums[SUM_WEIGHT]));
        g += (REAL)slope_of_squares(block, sums[SUM_WEIGHT]) * w;
        mine += (double)g * (double)g;
    }
    mine = block_sum(mine);
    if (threadIdx.x == 0) partial[blockIdx.x] = mine;
}

/* Each block of threads writes the sum of its penalties. */
KERNEL(NAMED(penalty), ptrdiff_t n_parameters, const block_t *blocks,
       ptrdiff_t n_blocks, const REAL *weights, const double *sums, double *partial) {
    double mine = 0;
    EACH_NUMBER(i, n_parameters) {
        const block_t *block = block_of(blocks, n_blocks, i);
        if (!block || !block->trainable) continue;
        REAL w = weights[i];
        mine += 0.5 * slope_of_squares(block, sums[SUM_WEIGHT]) * (double)(w * w) +
                block->l1 * sums[SUM_WEIGHT] * (double)NAMED(magnitude)(w);
    }
    mine = block_sum(mine);
    if (threadIdx.x == 0) partial[blockIdx.x] = mine;
}

/* The average starts as the parameters are, to the last bit, whatever was there before. */
KERNEL(NAMED(average), ptrdiff_t n_parameters, const double *scalars,
       const REAL *weights, REAL *average) {
    double rate = scalars[AVERAGE_RATE];
    if (rate == 0) return;
    EACH_NUMBER(i, n_parameters)
    average[i] =
        rate == 1 ? weights[i] : NAMED(averaged)(average[i], weights[i], (REAL)rate);
}

#endif
