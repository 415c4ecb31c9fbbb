#ifndef REAL

#include "ops/call.h"
#include "ops/loss/loss.h"

#define BODY "ops/loss/loss_ops.c"
#include "base/each_real.h"

#else

/* Adds to the loss of the walk. Class numbers in the target have been checked. */
void NAMED(op_loss)(const call_t *call) {
    const op_t *op = call->op;
    REAL *z = (REAL *)call->input[0], *target = (REAL *)call->input[1];
    REAL *dz = (REAL *)call->output[0];
    REAL option[N_LOSS_OPTIONS];
    for (int i = 0; i < N_LOSS_OPTIONS; i++) option[i] = (REAL)op->scalar[2 + i];
    double loss = NAMED(loss_loops)[op->code](
        rows_of(call), columns_of(call), z + op->stride[0], op->lead[0],
        target + op->stride[1], op->lead[1], (const REAL *)call->walk->weight,
        op->dim[2], (REAL)op->scalar[0], option, dz ? dz + op->stride[0] : NULL);
    call->walk->loss += loss;
    call->walk->reported += op->scalar[1] * loss;
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
