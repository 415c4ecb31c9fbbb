#ifndef REAL

#include "ops/call.h"
#include "ops/pool/pool.h"

#define BODY "ops/pool/pool_ops.c"
#include "base/each_real.h"

#else

void NAMED(op_pool)(const call_t *call) {
    pooled_t pooled = pooled_by(params_of(call));
    ptrdiff_t size = pooled_size(&pooled), results = pooled_results(&pooled);
    const REAL *x = (const REAL *)call->input[0];
    REAL *y = (REAL *)call->output[0];
    REAL_INT *largest = (REAL_INT *)call->output[1];
    for (ptrdiff_t i = 0; i < call->walk->count; i++)
        NAMED(pool_sample)(call->op->code, &pooled, x + i * size, y + i * results,
                           largest ? largest + i * results : NULL);
}

void NAMED(op_pool_gradient)(const call_t *call) {
    pooled_t pooled = pooled_by(params_of(call));
    ptrdiff_t size = pooled_size(&pooled), results = pooled_results(&pooled);
    const REAL *dy = (const REAL *)call->input[0];
    const REAL_INT *largest = (const REAL_INT *)call->input[1];
    REAL *dx = (REAL *)call->output[0];
    for (ptrdiff_t i = 0; i < call->walk->count; i++)
        NAMED(pool_gradient_sample)(call->op->code, &pooled, dy + i * results,
                                    largest ? largest + i * results : NULL,
                                    dx + i * size);
}

#endif
