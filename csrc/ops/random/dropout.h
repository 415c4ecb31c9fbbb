/* Drops numbers at random, and scales and shifts the others. */
#ifndef FASTNN_DROPOUT_H
#define FASTNN_DROPOUT_H

#include "base/compiler.h"

/* Whether a number is dropped takes 16 random bits. */
enum { CHANCES = 65536 };

/* Numbers for which a block of random bits is enough. */
enum { DROPOUT_LANES = 8 };

/* Blocks for a row of n numbers. */
HOST_DEVICE ptrdiff_t dropout_blocks(ptrdiff_t n) {
    return (n + DROPOUT_LANES - 1) / DROPOUT_LANES;
}

/* A rate in units of 1 / CHANCES, which is what the random numbers resolve. */
HOST_DEVICE uint32_t chances_of(double rate) {
    uint32_t dropped = (uint32_t)(rate * CHANCES + 0.5);
    return dropped > CHANCES - 1 ? CHANCES - 1 : dropped;
}

/* y = scale x + shift, or value where it is dropped, for m rows of n numbers, whose random
   bits begin at block position of the stream; y may be x. A number is dropped with
   probability dropped / CHANCES. A NaN stays one, dropped or not. */
#define DECLARE(REAL, NAMED)                                                         \
    extern void CHOSEN(NAMED(dropout_loop))(ptrdiff_t m, ptrdiff_t n, const REAL *x, \
                                            REAL *y, uint64_t seed, uint64_t stream, \
                                            uint64_t position, uint32_t dropped,     \
                                            REAL scale, REAL shift, REAL value);

#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
