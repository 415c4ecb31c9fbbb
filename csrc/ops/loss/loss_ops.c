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
    const tensor_t *y = call->tensors + op->input[1];
    ptrdiff_t rows = op->dim[2], target_lead = op->lead[1], apart = y->lead;
    if (apart && (rows == 1 || y->base >= 0)) { /* all its rows have one distance */
        target_lead = apart;
        apart = 0;
    }
    /* Rows of y have one distance, rows of a sample's own target another. */
    if (apart && count > 1) {
        double total = 0;
        for (ptrdiff_t i = 0; i < count; i++)
            total += NAMED(loss_of)(call, first + i, 1, weight);
        return total;
    }
    ptrdiff_t z_lead = lead_of(call, op->input[0], op->lead[0]);
    ptrdiff_t dz_lead = lead_of(call, op->output[0], op->lead[0]);
    const REAL *z = (const REAL *)call->input[0] + first * rows * z_lead;
    const REAL *target =
        (const REAL *)call->input[1] + first * (apart ? apart : rows * target_lead);
    REAL *dz = (REAL *)call->output[0];
    REAL option[N_LOSS_OPTIONS];
    for (int i = 0; i < N_LOSS_OPTIONS; i++) option[i] = (REAL)op->scalar[2 + i];
    return NAMED(loss_loops)[op->code](
        rows * count, columns_of(call), z + op->stride[0], z_lead,
        target + op->stride[1], target_lead, weight ? weight + first : NULL, rows,
        (REAL)op->scalar[0], option,
        dz ? dz + first * rows * dz_lead + op->stride[0] : NULL, dz_lead);
}

/* Where a loss has weights of its own, 0 says that a target is missing: it is not read. */
static double NAMED(loss_of_weighted)(const call_t *call, const REAL *weight) {
    const op_t *op = call->op;
    ptrdiff_t count = call->walk->count, rows = op->dim[2];
    ptrdiff_t dz_lead = lead_of(call, op->output[0], op->lead[0]);
    REAL *dz = (REAL *)call->output[0];
    double total = 0;
    for (ptrdiff_t i = 0, end; i < count; i = end) {
        int weighs = weight[i] != 0;
        for (end = i + 1; end < count && (weight[end] != 0) == weighs;) end++;
        if (weighs) total += NAMED(loss_of)(call, i, end - i, weight);
        if (weighs || !dz) continue;
        for (ptrdiff_t row = i * rows; row < end * rows; row++)
            memset(dz + row * dz_lead + op->stride[0], 0,
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
    const op_t *op = call->op;
    ptrdiff_t first = op->stride[0], width = op->lead[0];
    NAMED(softmax_loop)(
        rows_of(call), columns_of(call), (const REAL *)call->input[0] + first,
        lead_of(call, op->input[0], width), (REAL *)call->output[0] + first,
        lead_of(call, op->output[0], width));
}

void NAMED(op_softmax_gradient)(const call_t *call) {
    const op_t *op = call->op;
    ptrdiff_t n = columns_of(call);
    NAMED(softmax_gradient_loop)(
        rows_of(call), n, (const REAL *)call->input[0], lead_of(call, op->input[0], n),
        (const REAL *)call->input[1], lead_of(call, op->input[1], n),
        (REAL *)call->output[0], lead_of(call, op->output[0], n));
}

#endif
