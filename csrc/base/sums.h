/* Two sums over the numbers of a row at once, of terms that may also write something and
   may depend on conditions that stay the same. (The pragma for sums has the lanes of a
   vector added up one after the other, which takes longer than a row of a hundred
   numbers.) */
#ifndef FASTNN_SUMS_H
#define FASTNN_SUMS_H

#include "base/lanes.h"

/* TERMS(j, first, second) adds the terms of column j < n to the two. */
#ifdef FASTNN_CUDA
#define SUM_TWO(n, TERMS, first, second)                                               \
    do {                                                                               \
        REAL firsts = 0, seconds = 0;                                                  \
        EACH_COLUMN(j, 0, n){TERMS(j, firsts, seconds)} first += SUM_OF_LANES(firsts); \
        second += SUM_OF_LANES(seconds);                                               \
    } while (0)
#else

/* Sums that are added up side by side: an array that the compiler keeps in registers. */
enum { LANES_F32 = 16, LANES_F64 = 8 };

HOST_DEVICE float sum_of_lanes_f32(const float lane[LANES_F32]) {
    float eight[8], four[4];
    SIMD
    for (int k = 0; k < 8; k++) eight[k] = lane[k] + lane[k + 8];
    SIMD
    for (int k = 0; k < 4; k++) four[k] = eight[k] + eight[k + 4];
    return (four[0] + four[2]) + (four[1] + four[3]);
}

HOST_DEVICE double sum_of_lanes_f64(const double lane[LANES_F64]) {
    double four[4];
    SIMD
    for (int k = 0; k < 4; k++) four[k] = lane[k] + lane[k + 4];
    return (four[0] + four[2]) + (four[1] + four[3]);
}

#define SUM_TWO(n, TERMS, first, second)                         \
    do {                                                         \
        enum { LANES = REAL_IS_DOUBLE ? LANES_F64 : LANES_F32 }; \
        REAL firsts[LANES] = {0}, seconds[LANES] = {0};          \
        ptrdiff_t strip = 0;                                     \
        for (; strip + LANES <= n; strip += LANES) {             \
            SIMD                                                 \
            for (ptrdiff_t k = 0; k < LANES; k++) {              \
                ptrdiff_t j = strip + k;                         \
                TERMS(j, firsts[k], seconds[k])                  \
            }                                                    \
        }                                                        \
        if (strip) {                                             \
            first += OF_REAL(sum_of_lanes)(firsts);              \
            second += OF_REAL(sum_of_lanes)(seconds);            \
        }                                                        \
        for (ptrdiff_t j = strip; j < n; j++) {                  \
            TERMS(j, first, second)                              \
        }                                                        \
    } while (0)

#endif

#endif
