#ifndef REAL

#include "ops/batch_norm/batch_norm.h"
#include "ops/call.h"

#define BODY "ops/batch_norm/batch_norm_ops.c"
#include "base/each_real.h"

#else

/* ------------------------------------------------------------------------- forward */

void NAMED(op_batch_moments)(const call_t *call) {
    NAMED(batch_moments_loop)(rows_of(call), columns_of(call),
                              (const REAL *)call->input[0], (REAL *)call->output[0]);
}

void NAMED(op_running_statistics)(const call_t *call) {
    NAMED(table_loop)(columns_of(call), (const REAL *)call->input[0],
                      (const REAL *)call->input[1], 1, (REAL)call->op->scalar[0],
                      (const REAL *)call->input[2], (const REAL *)call->input[3],
                      (REAL *)call->output[0]);
}

void NAMED(op_batch_norm)(const call_t *call) {
    NAMED(batch_norm_loop)(rows_of(call), columns_of(call),
                           (const REAL *)call->input[0], (const REAL *)call->input[1],
                           (REAL *)call->output[0]);
}

static REAL *NAMED(input_of)(const meeting_t *meeting, int share, int i) {
    return (REAL *)locate(meeting->tensors, meeting->op->input[i],
                          meeting->walks[share], meeting->parameters, sizeof(REAL));
}

static REAL *NAMED(output_of)(const meeting_t *meeting, int share, int i) {
    return (REAL *)locate(meeting->tensors, meeting->op->output[i],
                          meeting->walks[share], meeting->parameters, sizeof(REAL));
}

/* Gives all shares the first one's first output. */
static void NAMED(spread)(const meeting_t *meeting) {
    const REAL *first = NAMED(output_of)(meeting, 0, 0);
    int64_t size = meeting->tensors[meeting->op->output[0]].size;
    for (int i = 1; i < meeting->n_walks; i++)
        memcpy(NAMED(output_of)(meeting, i, 0), first, (size_t)size * sizeof(REAL));
}

/* The table of the batch, for all shares; its moments for running statistics. These are
   added to what an earlier use of the layer left there, as if that had moved the
   statistics before. One row has no variance: it leaves the running one alone. */
void NAMED(meet_batch_statistics)(const meeting_t *meeting) {
    const op_t *op = meeting->op;
    ptrdiff_t n = op->dim[3], rows = op->dim[2] * count_on(op->axis, meeting->walks[0]);
    REAL *moments = NAMED(input_of)(meeting, 0, 0);
    const REAL *variance = NAMED(input_of)(meeting, 0, 1);
    for (int i = 1; i < meeting->n_walks; i++) {
        ptrdiff_t own = op->dim[2] * count_on(op->axis, meeting->walks[i]);
        NAMED(join_moments_loop)(n, rows, moments, own, NAMED(input_of)(meeting, i, 0));
        rows += own;
    }
    const REAL *mean = moments + MOMENT_MEAN * n, *square = moments + MOMENT_SQUARE * n;
    NAMED(table_loop)(n, mean, square, (REAL)rows, (REAL)op->scalar[0],
                      NAMED(input_of)(meeting, 0, 2), NAMED(input_of)(meeting, 0, 3),
                      NAMED(output_of)(meeting, 0, 0));
    NAMED(spread)(meeting);
    /* One share's gradients are those of the batch; the others add nothing to them. */
    double momentum = op->scalar[1];
    REAL keep = (REAL)(op->accumulate ? 1 - momentum : 0);
    NAMED(running_loop)(n, keep, (REAL)momentum, mean, NAMED(output_of)(meeting, 0, 1));
    if (rows > 1) variance = square;
    NAMED(running_loop)(n, keep, (REAL)(rows > 1 ? momentum / (rows - 1) : momentum),
                        variance, NAMED(output_of)(meeting, 0, 2));
    for (int i = 1; i < meeting->n_walks; i++)
        for (int j = 1; j < 3; j++)
            memset(NAMED(output_of)(meeting, i, j), 0, (size_t)n * sizeof(REAL));
}

/* ------------------------------------------------------------------------ backward */

void NAMED(op_batch_norm_sums)(const call_t *call) {
    NAMED(batch_norm_sums_loop)(
        rows_of(call), columns_of(call), (const REAL *)call->input[0],
        (const REAL *)call->input[1], (const REAL *)call->input[2],
        (REAL *)call->output[0], (REAL *)call->output[1]);
}

/* What the adjoint takes off, for all shares, in place of the sums over their rows. */
void NAMED(meet_batch_correction)(const meeting_t *meeting) {
    const op_t *op = meeting->op;
    ptrdiff_t n = op->dim[3], rows = 0;
    REAL *total = NAMED(output_of)(meeting, 0, 0);
    memset(total, 0, 2 * (size_t)n * sizeof(REAL));
    for (int i = 0; i < meeting->n_walks; i++) {
        rows += op->dim[2] * count_on(op->axis, meeting->walks[i]);
        for (int j = 0; j < 2; j++) {
            const REAL *own = NAMED(input_of)(meeting, i, j);
            for (ptrdiff_t k = 0; k < n; k++) total[j * n + k] += own[k];
        }
    }
    NAMED(correction_loop)(n, (REAL)rows, NAMED(input_of)(meeting, 0, 2), total);
    NAMED(spread)(meeting);
}

void NAMED(op_batch_norm_gradient)(const call_t *call) {
    NAMED(batch_norm_gradient_loop)(
        rows_of(call), columns_of(call), (const REAL *)call->input[0],
        (const REAL *)call->input[1], (const REAL *)call->input[2],
        (const REAL *)call->input[3], (REAL *)call->output[0]);
}

#endif
