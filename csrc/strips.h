/* Loops over the numbers of a row, strip by strip and then one by one, whose bodies may
   have conditions that stay the same and may add up several sums. (The pragma for sums has
   the lanes of a vector added up one after the other, which takes longer than a row of a
   hundred numbers.)

   A body is a macro, TERMS(T, j) or TERMS(T, j, first, second), for the T, a strip or a
   number, from column j on; AT(T, address) is the one that lies there. */
#ifndef FASTNN_STRIPS_H
#define FASTNN_STRIPS_H

#include "compiler.h"

#define AT(T, address) (*(T *)(address))

#ifdef FASTNN_CUDA
/* Every lane of a block has some columns: see lanes.h. */
#include "lanes.h"

#define EACH_STRIP(n, TERMS)                    \
    do {                                        \
        EACH_COLUMN(j, 0, n) { TERMS(REAL, j) } \
    } while (0)

#define SUM_STRIPS(n, TERMS, first, second)                            \
    do {                                                               \
        REAL firsts = 0, seconds = 0;                                  \
        EACH_COLUMN(j, 0, n){TERMS(REAL, j, firsts, seconds)} first += \
            SUM_OF_LANES(firsts);                                      \
        second += SUM_OF_LANES(seconds);                               \
    } while (0)
#else

typedef STRIP_OF(float, 16) strip_f32;
typedef STRIP_OF(double, 8) strip_f64;

#define LANES_OF(strip) ((ptrdiff_t)(sizeof(strip) / sizeof(REAL)))

#define EACH_STRIP(n, TERMS)                             \
    do {                                                 \
        ptrdiff_t j = 0, lanes = LANES_OF(NAMED(strip)); \
        for (; j + lanes <= n; j += lanes) {             \
            TERMS(NAMED(strip), j)                       \
        }                                                \
        for (; j < n; j++) {                             \
            TERMS(REAL, j)                               \
        }                                                \
    } while (0)

#define SUM_STRIPS(n, TERMS, first, second)              \
    do {                                                 \
        ptrdiff_t j = 0, lanes = LANES_OF(NAMED(strip)); \
        NAMED(strip) firsts = {0}, seconds = {0};        \
        for (; j + lanes <= n; j += lanes) {             \
            TERMS(NAMED(strip), j, firsts, seconds)      \
        }                                                \
        if (j) {                                         \
            first += SUM_OF_STRIP(firsts);               \
            second += SUM_OF_STRIP(seconds);             \
        }                                                \
        for (; j < n; j++) {                             \
            TERMS(REAL, j, first, second)                \
        }                                                \
    } while (0)

#define SUM_OF_STRIP(strip) NAMED(sum_of_strip)(strip)

/* Halves are added until there is one number. */
#if defined(__GNUC__) || defined(__clang__)
typedef STRIP_OF(float, 8) strip_of_8_f32;
typedef STRIP_OF(float, 4) strip_of_4_f32;
typedef STRIP_OF(double, 4) strip_of_4_f64;

HOST_DEVICE float sum_of_strip_f32(strip_f32 strip) {
    float *lane = (float *)&strip;
    strip_of_8_f32 half = AT(strip_of_8_f32, lane) + AT(strip_of_8_f32, lane + 8);
    lane = (float *)&half;
    strip_of_4_f32 rest = AT(strip_of_4_f32, lane) + AT(strip_of_4_f32, lane + 4);
    return (rest[0] + rest[2]) + (rest[1] + rest[3]);
}

HOST_DEVICE double sum_of_strip_f64(strip_f64 strip) {
    double *lane = (double *)&strip;
    strip_of_4_f64 rest = AT(strip_of_4_f64, lane) + AT(strip_of_4_f64, lane + 4);
    return (rest[0] + rest[2]) + (rest[1] + rest[3]);
}
#else
HOST_DEVICE float sum_of_strip_f32(strip_f32 strip) { return strip; }
HOST_DEVICE double sum_of_strip_f64(strip_f64 strip) { return strip; }
#endif

#endif

#endif
