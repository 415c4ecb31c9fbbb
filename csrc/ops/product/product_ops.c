#ifndef REAL

#include "ops/call.h"
#include "ops/product/multiply.h"

/* That of a product of the whole mini-batch, however many shares it has. */
static inline ptrdiff_t smallest_dimension(const call_t *call) {
    ptrdiff_t smallest = PTRDIFF_MAX;
    for (int i = 1; i < 4; i++) {
        ptrdiff_t dim = dim_of(call->op, i, call->walk->batch_rows);
        if (dim < smallest) smallest = dim;
    }
    return smallest;
}

#define BODY "ops/product/product_ops.c"
#include "base/each_real.h"

#else

/* c = [c +] a b, or a^T b. */
static void NAMED(multiply_sparse)(const call_t *call, const sparse_rows_t *a,
                                   const REAL *b, REAL *c) {
    ptrdiff_t m = call->dim[1], n = call->dim[2], k = call->dim[3];
    if (!(call->op->transpose & 1)) {
        NAMED(sparse_product)(m, n, a, b, adds(call, 0), c);
        return;
    }
    if (!adds(call, 0)) memset(c, 0, (size_t)(m * n) * sizeof(REAL));
    NAMED(sparse_transposed_product)(k, n, a, b, c);
}

void NAMED(op_product)(const call_t *call) {
    const op_t *op = call->op;
    walk_t *walk = call->walk;
    const REAL *a = call->input[0], *b = call->input[1];
    REAL *c = call->output[0];
    const tensor_t *first = call->tensors + op->input[0];
    if (first->space == SPACE_INPUT && !walk->inputs[first->index].rows) {
        NAMED(multiply_sparse)(call, &walk->inputs[first->index].sparse, b, c);
        return;
    }
    ptrdiff_t m = call->dim[1], n = call->dim[2], k = call->dim[3];
    int a_transposed = op->transpose & 1, b_transposed = op->transpose & 2;
    NAMED(multiply)(call->dim[0], m, n, k, a,
                    lead_of(call, op->input[0], a_transposed ? m : k), op->stride[0],
                    a_transposed, b, lead_of(call, op->input[1], b_transposed ? k : n),
                    op->stride[1], b_transposed, (REAL)adds(call, 0), c,
                    lead_of(call, op->output[0], n), op->stride[2],
                    smallest_dimension(call), &walk->precision);
}

#endif
