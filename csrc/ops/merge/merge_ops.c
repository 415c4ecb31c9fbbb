#ifndef REAL

#include "ops/call.h"
#include "ops/merge/merge.h"

/* The integers of the op: how many axes the result has, and for each in turn its length
   and the strides of both operands. The first are the samples, of which length has room
   for the number. */
static paired_axes_t axes_of(const call_t *call, int64_t *length) {
    const int64_t *params = params_of(call);
    ptrdiff_t rank = params[0];
    const int64_t *axis = params + 1;
    for (ptrdiff_t i = 0; i < rank; i++) length[i] = axis[i];
    length[0] *= count_of(call);
    paired_axes_t axes = {rank, length, {axis + rank, axis + 2 * rank}};
    return axes;
}

#define BODY "ops/merge/merge_ops.c"
#include "base/each_real.h"

#else

void NAMED(op_merge)(const call_t *call) {
    int64_t length[MOST_PAIRED_AXES];
    paired_axes_t axes = axes_of(call, length);
    const REAL *a = (const REAL *)call->input[0], *b = (const REAL *)call->input[1];
    NAMED(merge_loop) loop = NAMED(merge_loops)[call->op->code];
    if (count_of(call)) loop(&axes, a, b, (REAL *)call->output[0]);
}

void NAMED(op_merge_gradient)(const call_t *call) {
    int64_t length[MOST_PAIRED_AXES];
    paired_axes_t axes = axes_of(call, length);
    ptrdiff_t size = rows_of(call) * columns_of(call);
    const REAL *dy = (const REAL *)call->input[0], *value[2];
    REAL *d[2];
    int sums[2];
    for (int i = 0; i < 2; i++) {
        /* A sum's gradient reads neither value. */
        value[i] = call->input[1 + i] ? (const REAL *)call->input[1 + i] : dy;
        d[i] = (REAL *)call->output[i];
        sums[i] = adds(call, i) || size_of(call, i) != size;
        if (sums[i]) begin_sum(call, i, sizeof(REAL));
    }
    if (size) NAMED(merge_gradient_loops)[call->op->code](&axes, dy, value, sums, d);
}

void NAMED(op_scale)(const call_t *call) {
    NAMED(scale_loop)(rows_of(call) * columns_of(call), (const REAL *)call->input[0],
                      (REAL)call->op->scalar[0], (REAL)call->op->scalar[1],
                      (REAL *)call->output[0]);
}

#endif
