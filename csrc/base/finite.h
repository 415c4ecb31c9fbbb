/* Whether numbers are finite. */
#ifndef FASTNN_FINITE_H
#define FASTNN_FINITE_H

#include "base/compiler.h"

/* 1 if none of x is an infinity or a NaN. */
extern int CHOSEN(all_finite_f32)(ptrdiff_t n, const float *x);
extern int CHOSEN(all_finite_f64)(ptrdiff_t n, const double *x);

#endif
