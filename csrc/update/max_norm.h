/* Weights whose columns, the incoming weights of a unit each, are no longer than allowed. */
#ifndef FASTNN_MAX_NORM_H
#define FASTNN_MAX_NORM_H

#include "base/compiler.h"

/* As many columns are taken at once: their sums stay in the first-level cache, and the
   rows of a strip are long enough for the memory that they are read from. */
enum { MAX_NORM_COLUMNS = 128 };

/* Scales each column of a matrix, whose rows lie lead apart, down to a Euclidean norm of
   at most max_norm; at most MAX_NORM_COLUMNS of them. */
extern void CHOSEN(max_norm_loop_f32)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t lead,
                                      float max_norm, float *weights);
extern void CHOSEN(max_norm_loop_f64)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t lead,
                                      double max_norm, double *weights);

#endif
