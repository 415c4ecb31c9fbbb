/* The one door to matrix products, row-major: our kernels where they pay, else BLAS.
   Products of float32 may be taken in less precision, on processors that gain by it. */
#ifndef FASTNN_MULTIPLY_H
#define FASTNN_MULTIPLY_H

#include "ops/product/bf16.h"

/* BLAS' own, for matrices in Fortran's order. */
typedef void (*sgemm_function)(char *op_a, char *op_b, int *m, int *n, int *k,
                               float *alpha, float *a, int *a_lead, float *b,
                               int *b_lead, float *beta, float *c, int *c_lead);
typedef void (*dgemm_function)(char *op_a, char *op_b, int *m, int *n, int *k,
                               double *alpha, double *a, int *a_lead, double *b,
                               int *b_lead, double *beta, double *c, int *c_lead);

/* Looks for our kernels, and is given BLAS: for modules that multiply, when they are
   loaded. */
void prepare_products(sgemm_function sgemm, dgemm_function dgemm);

/* Whether a product of so many multiplications is BLAS', or may be. */
int goes_to_blas(double multiplications);

/* c = beta c + op(a) op(b), count times, with c of m rows and n columns.

   lead is the distance between the rows of a matrix as it is stored, stride the distance
   between one matrix and the next. With beta 0, c is never read. The caller has made sure
   that m, n, k and the leads fit into BLAS' 32-bit integers. Products of float32 are taken
   in the precision if they are large enough: if so is smallest, the smallest dimension of
   what this may be a part of. */
#define DECLARE(REAL, SUFFIX)                                                        \
    void multiply_##SUFFIX(ptrdiff_t count, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,   \
                           const REAL *a, ptrdiff_t a_lead, ptrdiff_t a_stride,      \
                           int a_transposed, const REAL *b, ptrdiff_t b_lead,        \
                           ptrdiff_t b_stride, int b_transposed, REAL beta, REAL *c, \
                           ptrdiff_t c_lead, ptrdiff_t c_stride, ptrdiff_t smallest, \
                           precision_t *precision);
DECLARE(float, f32)
DECLARE(double, f64)
#undef DECLARE

#endif
