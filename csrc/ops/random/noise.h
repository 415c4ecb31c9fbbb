/* Adds random numbers of a normal distribution. */
#ifndef FASTNN_NOISE_H
#define FASTNN_NOISE_H

#include "base/compiler.h"

/* Numbers for which a block of random words is enough: two for two. */
enum { NOISE_LANES = 4 };

/* y = x + deviation * z, with independent z of mean 0 and variance 1, for m rows of n
   numbers, of which the first is row first_row of the batch; y may be x. */
#define DECLARE(REAL, NAMED)                                                       \
    extern void CHOSEN(NAMED(noise_loop))(ptrdiff_t m, ptrdiff_t n, const REAL *x, \
                                          REAL *y, uint64_t seed, uint64_t stream, \
                                          ptrdiff_t first_row, REAL deviation);

#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
