#ifndef REAL
#include "base/cuda/block.h"

#include "update/block_scalars.h"
#include "base/lanes.h"

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

#define BODY "update/update.cu"
#include "base/each_real.h"
#else

#include "update/update_formulas.h"

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
   regularizers, and the sum of its penalties; each where that is asked for. */
KERNEL(NAMED(measure), ptrdiff_t n_parameters, const block_t *blocks,
       ptrdiff_t n_blocks, const REAL *weights, const REAL *gradients,
       const double *sums, double *squares, double *penalties) {
    double square = 0, penalty = 0;
    EACH_NUMBER(i, n_parameters) {
        const block_t *block = block_of(blocks, n_blocks, i);
        if (!block || !block->trainable) continue;
        REAL w = weights[i];
        double l1 = block->l1 * sums[SUM_WEIGHT],
               l2 = slope_of_squares(block, sums[SUM_WEIGHT]);
        if (squares) {
            REAL g = gradients[i];
            if (l1 != 0) g = NAMED(with_lasso)(g, w, (REAL)l1);
            g += (REAL)l2 * w;
            square += (double)g * (double)g;
        }
        penalty += 0.5 * l2 * (double)(w * w) + l1 * (double)NAMED(magnitude)(w);
    }
    square = block_sum(square);
    penalty = block_sum(penalty);
    if (threadIdx.x == 0) {
        if (squares) squares[blockIdx.x] = square;
        if (penalties) penalties[blockIdx.x] = penalty;
    }
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
