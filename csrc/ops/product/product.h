/* Matrix products that are small or skinny, where calling BLAS costs more than the work.

   Row-major, by strides, so that all four transpositions are one function. */
#ifndef FASTNN_PRODUCT_H
#define FASTNN_PRODUCT_H

#include <stddef.h>

/* c = beta c + a b for a of m x k, b of k x n and c of m x n numbers. Element (i, p) of a
   is a[i * a_row + p * a_column], and so for b; rows of c are c_row apart. With beta 0, c
   is never read. */
typedef void (*product_kernel_f32)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
                                   const float *a, ptrdiff_t a_row, ptrdiff_t a_column,
                                   const float *b, ptrdiff_t b_row, ptrdiff_t b_column,
                                   float beta, float *c, ptrdiff_t c_row);
typedef void (*product_kernel_f64)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
                                   const double *a, ptrdiff_t a_row, ptrdiff_t a_column,
                                   const double *b, ptrdiff_t b_row, ptrdiff_t b_column,
                                   double beta, double *c, ptrdiff_t c_row);

/* The kernels for this processor, or NULL where there are none. */
product_kernel_f32 find_product_kernel_f32(void);
product_kernel_f64 find_product_kernel_f64(void);

#endif
