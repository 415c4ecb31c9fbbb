#ifndef REAL

#include "ops/product/multiply.h"

#include "base/compiler.h"
#include "ops/product/product.h"

/* Our kernels keep up with BLAS as long as the matrices stay in the caches; below some
   ten thousand multiplications they are several times faster than a call of BLAS. */
#define MULTIPLICATIONS_OF_OURS 2147483648.0

/* NULL on processors for which we have none. */
static product_kernel_f32 kernel_f32;
static product_kernel_f64 kernel_f64;
static sgemm_function gemm_f32;
static dgemm_function gemm_f64;

void prepare_products(sgemm_function sgemm, dgemm_function dgemm) {
    kernel_f32 = find_product_kernel_f32();
    kernel_f64 = find_product_kernel_f64();
    gemm_f32 = sgemm;
    gemm_f64 = dgemm;
}

int goes_to_blas(double multiplications) {
    return multiplications > MULTIPLICATIONS_OF_OURS || !kernel_f32 || !kernel_f64;
}

#define BODY "ops/product/multiply.c"
#include "base/each_real.h"

#else

static void NAMED(multiply_by_blas)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
                                    const REAL *a, ptrdiff_t a_lead, int a_transposed,
                                    const REAL *b, ptrdiff_t b_lead, int b_transposed,
                                    REAL beta, REAL *c, ptrdiff_t c_lead) {
    /* A row-major matrix is the transpose of a column-major one, so Fortran is asked for
       the transpose of c: op(b)^T op(a)^T. */
    char op_a = a_transposed ? 'T' : 'N', op_b = b_transposed ? 'T' : 'N';
    int rows = (int)m, columns = (int)n, inner = (int)k;
    int lead_a = (int)a_lead, lead_b = (int)b_lead, lead_c = (int)c_lead;
    REAL alpha = 1;
    NAMED(gemm)(&op_b, &op_a, &columns, &rows, &inner, &alpha, (REAL *)b, &lead_b,
                (REAL *)a, &lead_a, &beta, c, &lead_c);
}

void NAMED(multiply)(ptrdiff_t count, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
                     const REAL *a, ptrdiff_t a_lead, ptrdiff_t a_stride,
                     int a_transposed, const REAL *b, ptrdiff_t b_lead,
                     ptrdiff_t b_stride, int b_transposed, REAL beta, REAL *c,
                     ptrdiff_t c_lead, ptrdiff_t c_stride, ptrdiff_t smallest,
                     precision_t *precision) {
    ptrdiff_t a_row = a_transposed ? 1 : a_lead, a_column = a_transposed ? a_lead : 1;
    ptrdiff_t b_row = b_transposed ? 1 : b_lead, b_column = b_transposed ? b_lead : 1;
    int is_ours = NAMED(kernel) && (double)m * n * k <= MULTIPLICATIONS_OF_OURS;
#if REAL_IS_DOUBLE
    (void)smallest, (void)precision;
#else
    int is_less = precision->kernel && smallest >= precision->least;
    if (is_less) precision->n_products += count;
#endif
    for (ptrdiff_t i = 0; i < count; i++, a += a_stride, b += b_stride, c += c_stride) {
#if !REAL_IS_DOUBLE
        if (is_less) {
            precision->kernel(m, n, k, a, a_row, a_column, b, b_row, b_column, beta, c,
                              c_lead, precision->workspace);
            continue;
        }
#endif
        if (!is_ours)
            NAMED(multiply_by_blas)(m, n, k, a, a_lead, a_transposed, b, b_lead,
                                    b_transposed, beta, c, c_lead);
        else if (n == 1 && c_lead == 1 && a_column != 1)
            /* One column: as one row of the transposed product it fills the vectors. */
            NAMED(kernel)(1, m, k, b, 0, b_row, a, a_column, a_row, beta, c, m);
        else
            NAMED(kernel)(m, n, k, a, a_row, a_column, b, b_row, b_column, beta, c,
                          c_lead);
    }
}

#endif
