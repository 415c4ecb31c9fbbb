#ifndef REAL

#include "ops/call.h"
#include "ops/reduce/reduce.h"

/* The integers of the op: how many axes a sample has, and for each in turn its length and
   the strides of the result and of the mask; then how far these and the sample go on to
   the next sample. */
static reduced_axes_t axes_of(const call_t *call) {
    const int64_t *params = params_of(call);
    ptrdiff_t rank = params[0];
    reduced_axes_t axes = {rank, params + 1, params + 1 + rank, params + 1 + 2 * rank};
    return axes;
}

/* Numbers of the sample, of the result and of the mask from one sample to the next. */
static const int64_t *strides_of(const call_t *call) {
    const int64_t *params = params_of(call);
    return params + 1 + 3 * params[0];
}

#define BODY "ops/reduce/reduce_ops.c"
#include "base/each_real.h"

#else

void NAMED(op_reduce)(const call_t *call) {
    reduced_axes_t axes = axes_of(call);
    const int64_t *step = strides_of(call);
    const REAL *x = (const REAL *)call->input[0], *mask = (const REAL *)call->input[1];
    REAL *y = (REAL *)call->output[0], *share = (REAL *)call->output[1];
    for (ptrdiff_t i = 0; i < count_of(call); i++)
        NAMED(reduce_sample)(call->op->code, &axes, x + i * step[0],
                             mask ? mask + i * step[2] : NULL, step[1], y + i * step[1],
                             share ? share + i * step[1] : NULL);
}

void NAMED(op_reduce_gradient)(const call_t *call) {
    reduced_axes_t axes = axes_of(call);
    const int64_t *step = strides_of(call);
    const REAL *dy = (const REAL *)call->input[0], *x = (const REAL *)call->input[1];
    const REAL *y = (const REAL *)call->input[2], *share = (const REAL *)call->input[3];
    const REAL *mask = (const REAL *)call->input[4];
    REAL *dx = (REAL *)call->output[0];
    for (ptrdiff_t i = 0; i < count_of(call); i++)
        NAMED(reduce_gradient_sample)(
            call->op->code, &axes, dy + i * step[1], x ? x + i * step[0] : NULL,
            y ? y + i * step[1] : NULL, share ? share + i * step[1] : NULL,
            mask ? mask + i * step[2] : NULL, dx + i * step[0]);
}

void NAMED(op_reduce_steps)(const call_t *call) {
    const ptrdiff_t *starts = steps_of(call)->starts;
    ptrdiff_t n = columns_of(call);
    const REAL *x = (const REAL *)call->input[0], *mask = (const REAL *)call->input[1];
    REAL *y = (REAL *)call->output[0], *share = (REAL *)call->output[1];
    for (ptrdiff_t i = 0; i < rows_of(call); i++) {
        ptrdiff_t first = starts[i], t = starts[i + 1] - first;
        NAMED(reduce_steps_loop)(call->op->code, t, n, x + first * n,
                                 mask ? mask + first : NULL, y + i * n,
                                 share ? share + i * n : NULL);
    }
}

void NAMED(op_reduce_steps_gradient)(const call_t *call) {
    const ptrdiff_t *starts = steps_of(call)->starts;
    ptrdiff_t n = columns_of(call);
    const REAL *dy = (const REAL *)call->input[0], *x = (const REAL *)call->input[1];
    const REAL *y = (const REAL *)call->input[2], *share = (const REAL *)call->input[3];
    const REAL *mask = (const REAL *)call->input[4];
    REAL *dx = (REAL *)call->output[0];
    for (ptrdiff_t i = 0; i < rows_of(call); i++) {
        ptrdiff_t first = starts[i], t = starts[i + 1] - first;
        NAMED(reduce_steps_gradient_loop)(
            call->op->code, t, n, dy + i * n, x ? x + first * n : NULL,
            y ? y + i * n : NULL, share ? share + i * n : NULL,
            mask ? mask + first : NULL, dx + first * n);
    }
}

#endif
