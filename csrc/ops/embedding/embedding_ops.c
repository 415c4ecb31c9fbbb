#ifndef REAL

#include "ops/call.h"
#include "ops/embedding/embedding.h"

#define BODY "ops/embedding/embedding_ops.c"
#include "base/each_real.h"

#else

void NAMED(op_embedding)(const call_t *call) {
    NAMED(embedding_loop)(rows_of(call), columns_of(call),
                          (const int32_t *)call->input[0], (const REAL *)call->input[1],
                          (REAL *)call->output[0]);
}

void NAMED(op_embedding_gradient)(const call_t *call) {
    begin_sum(call, 0, sizeof(REAL));
    NAMED(embedding_gradient_loop)(
        rows_of(call), columns_of(call), (const int32_t *)call->input[0],
        (const REAL *)call->input[1], (REAL *)call->output[0]);
}

#endif
