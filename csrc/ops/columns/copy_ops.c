#ifndef REAL

#include "ops/broadcast/broadcast.h"
#include "ops/call.h"

#define BODY "ops/columns/copy_ops.c"
#include "base/each_real.h"

#else

void NAMED(op_copy)(const call_t *call) {
    ptrdiff_t m = rows_of(call), n = columns_of(call);
    ptrdiff_t x_lead = lead_of(call, call->op->input[0], n);
    ptrdiff_t y_lead = lead_of(call, call->op->output[0], n);
    const REAL *x = (const REAL *)call->input[0];
    REAL *y = (REAL *)call->output[0];
    if (adds(call, 0)) {
        if (x) NAMED(add_loops)[IDENTITY](m, n, y, y_lead, x, x_lead, 1, 0, y, y_lead);
        return;
    }
    for (ptrdiff_t i = 0; i < m; i++, y += y_lead) {
        if (x)
            memcpy(y, x + i * x_lead, (size_t)n * sizeof(REAL));
        else
            memset(y, 0, (size_t)n * sizeof(REAL));
    }
}

#endif
