#ifndef REAL

#include "ops/call.h"
#include "ops/random/dropout.h"
#include "ops/random/noise.h"

/* Which random numbers are drawn is a function of (seed, step, number of the op, row,
   column): the same in the backward pass as in the forward pass, and for any number of
   threads. */
static uint64_t stream_of(const call_t *call) {
    return call->walk->mask_step << 16 | (uint64_t)call->op->code;
}

#define BODY "ops/random/random_ops.c"
#include "base/each_real.h"

#else

void NAMED(op_dropout)(const call_t *call) {
    const double *option = call->op->scalar; /* rate, scale, shift, value */
    /* The rate in units of 1 / CHANCES, which is what the random numbers resolve. */
    uint32_t dropped = (uint32_t)(option[0] * CHANCES + 0.5);
    if (dropped > CHANCES - 1) dropped = CHANCES - 1;
    NAMED(dropout_loop)(rows_of(call), columns_of(call), (const REAL *)call->input[0],
                        (REAL *)call->output[0], call->walk->mask_seed, stream_of(call),
                        first_row_of(call), dropped, (REAL)option[1], (REAL)option[2],
                        (REAL)option[3]);
}

void NAMED(op_gaussian_noise)(const call_t *call) {
    NAMED(noise_loop)(rows_of(call), columns_of(call), (const REAL *)call->input[0],
                      (REAL *)call->output[0], call->walk->mask_seed, stream_of(call),
                      first_row_of(call), (REAL)call->op->scalar[0]);
}

#endif
