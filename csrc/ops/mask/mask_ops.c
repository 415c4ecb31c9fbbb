#ifndef REAL

#include "ops/call.h"
#include "ops/mask/mask.h"

#define BODY "ops/mask/mask_ops.c"
#include "base/each_real.h"

#else

void NAMED(op_token_mask)(const call_t *call) {
    NAMED(token_mask_loop)(rows_of(call) * columns_of(call),
                           (const int32_t *)call->input[0], (REAL *)call->output[0]);
}

void NAMED(op_value_mask)(const call_t *call) {
    NAMED(value_mask_loop)(rows_of(call), columns_of(call),
                           (const REAL *)call->input[0], (REAL)call->op->scalar[0],
                           (REAL *)call->output[0]);
}

void NAMED(op_masked)(const call_t *call) {
    NAMED(masked_loop)(rows_of(call), columns_of(call), (const REAL *)call->input[0],
                       (const REAL *)call->input[1], (REAL *)call->output[0]);
}

#endif
