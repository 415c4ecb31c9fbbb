#ifndef REAL

#include "ops/broadcast/broadcast.h"
#include "ops/call.h"

#define BODY "ops/columns/columns_ops.c"
#include "base/each_real.h"

#else

/* In place where both are the same columns. */
void NAMED(op_copy_columns)(const call_t *call) {
    const op_t *op = call->op;
    const REAL *x = (const REAL *)call->input[0] + op->stride[0];
    REAL *y = (REAL *)call->output[0] + op->stride[1];
    if (x == y && op->code == IDENTITY) return;
    NAMED(add_loop) activate = NAMED(add_loops)[op->code];
    for (ptrdiff_t i = 0; i < rows_of(call); i++)
        activate(1, columns_of(call), x + i * op->lead[0], 0, NULL, 0, 0,
                 (REAL)op->scalar[0], y + i * op->lead[1], 0);
}

#endif
