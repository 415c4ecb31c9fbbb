#ifndef REAL

#include "ops/call.h"
#include "ops/random/dropout.h"
#include "ops/random/noise.h"

#define BODY "ops/random/random_ops.c"
#include "base/each_real.h"

#else

void NAMED(op_dropout)(const call_t *call) {
    const double *option = call->op->scalar; /* rate, scale, shift, value */
    uint64_t position =
        (uint64_t)first_row_of(call) * (uint64_t)dropout_blocks(columns_of(call));
    NAMED(dropout_loop)(rows_of(call), columns_of(call), (const REAL *)call->input[0],
                        (REAL *)call->output[0], call->walk->mask_seed, stream_of(call),
                        position, chances_of(option[0]), (REAL)option[1],
                        (REAL)option[2], (REAL)option[3]);
}

void NAMED(op_gaussian_noise)(const call_t *call) {
    NAMED(noise_loop)(rows_of(call), columns_of(call), (const REAL *)call->input[0],
                      (REAL *)call->output[0], call->walk->mask_seed, stream_of(call),
                      first_row_of(call), (REAL)call->op->scalar[0]);
}

#endif
