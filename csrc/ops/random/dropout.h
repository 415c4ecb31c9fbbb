/* Drops numbers at random, and scales and shifts the others. */
#ifndef FASTNN_DROPOUT_H
#define FASTNN_DROPOUT_H

#include "base/compiler.h"

/* Whether a number is dropped takes 16 random bits. */
enum { CHANCES = 65536 };

/* Numbers for which a block of random bits is enough. */
enum { DROPOUT_LANES = 8 };

/* y = scale x + shift, or value where it is dropped, for m rows of n numbers, of which
   the first is row first_row of the batch; y may be x. A number is dropped with
   probability dropped / CHANCES. A NaN stays one, dropped or not. */
#define DECLARE(REAL, NAMED)                                                         \
    extern void CHOSEN(NAMED(dropout_loop))(ptrdiff_t m, ptrdiff_t n, const REAL *x, \
                                            REAL *y, uint64_t seed, uint64_t stream, \
                                            ptrdiff_t first_row, uint32_t dropped,   \
                                            REAL scale, REAL shift, REAL value);

#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
