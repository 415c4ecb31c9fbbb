/* Whether numbers are finite. */
#ifndef FASTNN_FINITE_H
#define FASTNN_FINITE_H

#include <stddef.h>

/* 1 if none of x is an infinity or a NaN. */
int all_finite_f32(ptrdiff_t n, const float *x);
int all_finite_f64(ptrdiff_t n, const double *x);

#endif
