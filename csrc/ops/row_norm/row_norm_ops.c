#ifndef REAL

#include "ops/call.h"
#include "ops/row_norm/row_norm.h"

#define BODY "ops/row_norm/row_norm_ops.c"
#include "base/each_real.h"

#else

/* Ba, Kiros and Hinton, "Layer normalization", 2016; Zhang and Sennrich, "Root mean square
   layer normalization", NeurIPS 2019. */
void NAMED(op_row_norm)(const call_t *call) {
    NAMED(row_norm_loops)
    [call->op->code](rows_of(call), columns_of(call), (const REAL *)call->input[0],
                     (const REAL *)call->input[1], (const REAL *)call->input[2],
                     call->op->scalar[0], (REAL *)call->output[0],
                     (REAL *)call->output[1]);
}

void NAMED(op_row_norm_gradient)(const call_t *call) {
    begin_sum(call, 1, sizeof(REAL));
    begin_sum(call, 2, sizeof(REAL));
    NAMED(row_norm_gradient_loops)
    [call->op->code](rows_of(call), columns_of(call), (const REAL *)call->input[0],
                     (const REAL *)call->input[1], (const REAL *)call->input[2],
                     (const REAL *)call->input[3], (REAL *)call->output[0],
                     (REAL *)call->output[1], (REAL *)call->output[2]);
}

#endif
