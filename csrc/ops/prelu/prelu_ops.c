#ifndef REAL

#include "ops/call.h"
#include "ops/prelu/prelu.h"

/* So many numbers are worked on together: they stay in the first-level cache between the
   two gradients, and no sum of float32 grows longer. */
enum { NUMBERS_TOGETHER = 4096 };

#define BODY "ops/prelu/prelu_ops.c"
#include "base/each_real.h"

#else

/* He et al., "Delving deep into rectifiers", ICCV 2015. The slope is broadcast along any
   axes of x, as the second operand of an addition is. */
void NAMED(op_prelu)(const call_t *call) {
    const ptrdiff_t *dim = call->dim;
    const int64_t *stride = call->op->stride;
    const REAL *x = (const REAL *)call->input[0];
    const REAL *slope = (const REAL *)call->input[1];
    REAL *y = (REAL *)call->output[0];
    ptrdiff_t block = dim[2] * dim[3];
    for (ptrdiff_t i = 0; i < dim[0]; i++)
        for (ptrdiff_t j = 0; j < dim[1]; j++, x += block, y += block)
            NAMED(prelu_loop)(dim[2], dim[3], x, slope + i * stride[0] + j * stride[1],
                              stride[2], stride[3], y);
}

/* One block of the adjoint: dslope, where it is wanted, before dx, which may be dy. */
static void NAMED(block_gradient)(const call_t *call, const REAL *dy, const REAL *x,
                                  const REAL *slope, REAL *dx, REAL *dslope) {
    ptrdiff_t m = call->dim[2], n = call->dim[3];
    ptrdiff_t slope_row = call->op->stride[2], slope_column = call->op->stride[3];
    /* Some whole rows at once or, where they are long, parts of one. */
    ptrdiff_t rows = n < NUMBERS_TOGETHER ? NUMBERS_TOGETHER / n : 1;
    ptrdiff_t columns = n < NUMBERS_TOGETHER ? n : NUMBERS_TOGETHER;
    for (ptrdiff_t row = 0; row < m; row += rows) {
        ptrdiff_t height = rows < m - row ? rows : m - row;
        for (ptrdiff_t column = 0; column < n; column += columns) {
            ptrdiff_t width = columns < n - column ? columns : n - column;
            ptrdiff_t at = row * n + column;
            ptrdiff_t place = row * slope_row + column * slope_column;
            if (dslope)
                NAMED(prelu_slope_gradient)(height, width, dy + at, x + at, slope_row,
                                            slope_column, dslope + place);
            if (dx)
                NAMED(prelu_input_gradient)(height, width, dy + at, x + at,
                                            slope + place, slope_row, slope_column,
                                            dx + at);
        }
    }
}

void NAMED(op_prelu_gradient)(const call_t *call) {
    const ptrdiff_t *dim = call->dim;
    const int64_t *stride = call->op->stride;
    const REAL *dy = (const REAL *)call->input[0], *x = (const REAL *)call->input[1];
    const REAL *slope = (const REAL *)call->input[2];
    REAL *dx = (REAL *)call->output[0], *dslope = (REAL *)call->output[1];
    ptrdiff_t block = dim[2] * dim[3];
    begin_sum(call, 1, sizeof(REAL));
    for (ptrdiff_t i = 0; i < dim[0]; i++)
        for (ptrdiff_t j = 0; j < dim[1]; j++) {
            ptrdiff_t place = i * stride[0] + j * stride[1];
            NAMED(block_gradient)(call, dy, x, slope + place, dx,
                                  dslope ? dslope + place : NULL);
            dy += block;
            x += block;
            if (dx) dx += block;
        }
}

#endif
