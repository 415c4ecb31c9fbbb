/* Multiplies by a random mask of zeros and 1 / (1 - rate). */
#ifndef FASTNN_DROPOUT_H
#define FASTNN_DROPOUT_H

#include <stddef.h>
#include <stdint.h>

/* Each number of the mask takes 16 random bits. */
enum { CHANCES = 65536 };

/* y = x * mask for m rows of n numbers, of which the first is row first_row of the batch;
   y may be x. A number is dropped with probability dropped / CHANCES. */
void dropout_loop_f32(ptrdiff_t m, ptrdiff_t n, const float *x, float *y, uint64_t seed,
                      uint64_t stream, ptrdiff_t first_row, uint32_t dropped);
void dropout_loop_f64(ptrdiff_t m, ptrdiff_t n, const double *x, double *y,
                      uint64_t seed, uint64_t stream, ptrdiff_t first_row,
                      uint32_t dropped);

#endif
