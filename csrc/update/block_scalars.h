/* What the step of one block of parameters depends on, from a row of the optimizer's table.

   Gradients are sums over samples, and so a regularizer, which is not divided by the sum
   of their weights as the loss is, is multiplied by it. */
#ifndef FASTNN_BLOCK_SCALARS_H
#define FASTNN_BLOCK_SCALARS_H

#include "base/compiler.h"
#include "tables/elementwise.h"
#include "plan.h"

#include <math.h>

typedef struct {
    double rate;
    double slope;  /* what w is multiplied by in the gradient of the terms of w^2 */
    double l1;     /* the gradient of the terms of |w|, but for the sign of w */
    double bound;  /* gradients are clipped to it; 0: not at all */
    double decay;  /* what w is multiplied by in the gradient, for decay */
    double shrink; /* what is taken off w, in units of w */
} block_scalars_t;

HOST_DEVICE double slope_of_squares(const block_t *block, double weight_sum) {
    return block->penalty + 2 * block->l2 * weight_sum;
}

/* scale: what sums of gradients are multiplied by. */
HOST_DEVICE block_scalars_t block_scalars(const block_t *block, const double *scalars,
                                          double scale, double weight_sum) {
    block_scalars_t own;
    own.rate = scalars[0] * block->learning_rate;
    own.slope = slope_of_squares(block, weight_sum);
    own.l1 = block->l1 * weight_sum;
    own.bound = scalars[CLIP_VALUE] > 0 ? scalars[CLIP_VALUE] / scale : 0;
    /* Decay is added to the gradient as it is after scaling and clipping. */
    own.decay = scalars[COUPLED_DECAY] * block->weight_decay / scale;
    own.shrink = scalars[DECOUPLED_DECAY] * block->learning_rate * block->weight_decay;
    return own;
}

/* What brings a norm of gradients, whose sum of squares this is, down to the highest. */
HOST_DEVICE double clipping_factor(double squares, double scale, double highest) {
    double factor = highest / (sqrt(squares) * scale + 1e-6);
    return factor < 1 ? factor : 1;
}

#endif
