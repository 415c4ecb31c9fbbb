#ifndef REAL

#include "ops/call.h"
#include "ops/loss/loss.h"

#define BODY "ops/loss/loss_ops.c"
#include "base/each_real.h"

#else

/* The loss of count samples from number first on, with its gradient. Class numbers in the
   target have been checked. weight: that of the first sample of the walk. */
static double NAMED(loss_of)(const call_t *call, ptrdiff_t first, ptrdiff_t count,
                             const REAL *weight) {
    const op_t *op = call->op;
    ptrdiff_t rows = op->dim[2], apart = call->tensors[op->input[1]].lead;
    /* Rows of y have one distance, rows of a sample's own target another. */
    if (apart && rows > 1 && count > 1) {
        double total = 0;
        for (ptrdiff_t i = 0; i < count; i++)
            total += NAMED(loss_of)(call, first + i, 1, weight);
        return total;
    }
    ptrdiff_t from = first * rows * op->lead[0] + op->stride[0];
    ptrdiff_t target_lead = apart && rows == 1 ? apart : op->lead[1];
    const REAL *target = (const REAL *)call->input[1] + op->stride[1] +
                         first * (apart ? apart : rows * target_lead);
    REAL *dz = (REAL *)call->output[0];
    REAL option[N_LOSS_OPTIONS];
    for (int i = 0; i < N_LOSS_OPTIONS; i++) option[i] = (REAL)op->scalar[2 + i];
    return NAMED(loss_loops)[op->code](
        rows * count, columns_of(call), (const REAL *)call->input[0] + from,
        op->lead[0], target, target_lead, weight ? weight + first : NULL, rows,
        (REAL)op->scalar[0], option, dz ? dz + from : NULL);
}

/* Where a loss has weights of its own, 0 says that a target is missing: it is not read. */
static double NAMED(loss_of_weighted)(const call_t *call, const REAL *weight) {
    const op_t *op = call->op;
    ptrdiff_t count = call->walk->count, rows = op->dim[2];
    REAL *dz = (REAL *)call->output[0];
    double total = 0;
    for (ptrdiff_t i = 0, end; i < count; i = end) {
        int weighs = weight[i] != 0;
        for (end = i + 1; end < count && (weight[end] != 0) == weighs;) end++;
        if (weighs) total += NAMED(loss_of)(call, i, end - i, weight);
        if (weighs || !dz) continue;
        for (ptrdiff_t row = i * rows; row < end * rows; row++)
            memset(dz + row * op->lead[0] + op->stride[0], 0,
                   (size_t)columns_of(call) * sizeof(REAL));
    }
    return total;
}

/* Adds to the loss of the walk. */
void NAMED(op_loss)(const call_t *call) {
    const op_t *op = call->op;
    walk_t *walk = call->walk;
    const REAL *weight = (const REAL *)weights_of(walk, op->loss, sizeof(REAL));
    double loss = weight && walk->weight_lead
                      ? NAMED(loss_of_weighted)(call, weight)
                      : NAMED(loss_of)(call, 0, walk->count, weight);
    walk->loss += loss;
    walk->reported[op->loss] += op->scalar[1] * loss;
}

void NAMED(op_softmax)(const call_t *call) {
    ptrdiff_t first = call->op->stride[0];
    NAMED(softmax_loop)(rows_of(call), columns_of(call), call->op->lead[0],
                        (const REAL *)call->input[0] + first,
                        (REAL *)call->output[0] + first);
}

void NAMED(op_softmax_gradient)(const call_t *call) {
    NAMED(softmax_gradient_loop)(rows_of(call), columns_of(call),
                                 (const REAL *)call->input[0],
                                 (const REAL *)call->input[1], (REAL *)call->output[0]);
}

#endif
