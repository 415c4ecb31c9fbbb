/* Matrix products in bfloat16 arithmetic: float32 in and out, sums in float32.

   "bf16" rounds both operands to bfloat16, 8 bits, and takes one product. "high" writes
   each number as the sum of three bfloat16, 24 bits, and takes the six products of these
   that matter in float32. Henry, Tang and Heinecke, "Leveraging the bfloat16 artificial
   intelligence datatype for higher-precision computations", ARITH 2019. */
#ifndef FASTNN_BF16_H
#define FASTNN_BF16_H

#include <stddef.h>

#include "base/memory.h"

/* c = beta c + a b, as product_kernel_f32 in product.h, except that one of the two strides
   of a must be 1, and of b too. Denormal numbers count as zero. Where sums are not finite,
   which infinities and NaN bring about and numbers that overflow in bfloat16, they are
   taken again in float32. */
typedef void (*product_kernel_bf16)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
                                    const float *a, ptrdiff_t a_row, ptrdiff_t a_column,
                                    const float *b, ptrdiff_t b_row, ptrdiff_t b_column,
                                    float beta, float *c, ptrdiff_t c_row,
                                    void *workspace);

/* Packed operands, of which a thread keeps one each: rows of a, columns of b. */
enum {
    BLOCK_DEPTH = 512,
    BLOCK_ROWS = 256,
    BLOCK_COLUMNS = 1024,
    BF16_ROWS_BYTES = BLOCK_ROWS * BLOCK_DEPTH * 2,
    BF16_COLUMNS_BYTES = BLOCK_COLUMNS * BLOCK_DEPTH * 2
};

/* Of products that pack so many terms of each number. */
#define BF16_WORKSPACE_BYTES(terms) \
    ((terms) * (BF16_ROWS_BYTES + BF16_COLUMNS_BYTES) + 2 * BUFFER_GAP)

/* What computes in bfloat16 on this processor. */
typedef struct {
    const char *name; /* of the instructions; NULL where there are none */
    product_kernel_bf16 kernel;
    ptrdiff_t least;        /* it pays if m, n and k are all at least this */
    size_t workspace_bytes; /* that a thread's products need, on a cache line */
} matrix_unit_t;

/* How a thread takes the products of float32. All zeros mean: in float32. */
typedef struct {
    product_kernel_bf16 kernel;
    ptrdiff_t least;
    void *workspace;
    ptrdiff_t n_products; /* how many the kernel has taken */
} precision_t;

matrix_unit_t find_matrix_unit_bf16(void);
matrix_unit_t find_matrix_unit_high(void);

#endif
