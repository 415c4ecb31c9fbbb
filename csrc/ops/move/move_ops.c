#ifndef REAL

#include "ops/call.h"
#include "ops/move/move.h"

#define BODY "ops/move/move_ops.c"
#include "base/each_real.h"

#else

void NAMED(op_move)(const call_t *call) {
    const int64_t *params = params_of(call);
    moved_axes_t axes = moved_by(params);
    const REAL *x = (const REAL *)call->input[0];
    REAL *y = (REAL *)call->output[0];
    for (ptrdiff_t i = 0; i < count_of(call); i++)
        NAMED(move_sample)(&axes, x + i * params[0], y + i * params[1]);
}

#endif
