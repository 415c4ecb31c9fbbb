/* The one loop that a product with sparse rows needs. */
#ifndef FASTNN_SPARSE_H
#define FASTNN_SPARSE_H

#include <stddef.h>

/* y += factor * x */
void add_scaled_loop_f32(ptrdiff_t n, float factor, const float *x, float *y);
void add_scaled_loop_f64(ptrdiff_t n, double factor, const double *x, double *y);

#endif
