/* A bias, an activation and dropout in one pass: what "add" and "dropout" write one after
   the other. */
#ifndef REAL
#include "base/cuda/philox.h"

#include "ops/random/dropout.h"
#define BODY "ops/random/add_dropout.cu"
#include "base/each_real.h"
#else

#include "ops/broadcast/broadcast_formulas.h"
#include "ops/random/dropout_formulas.h"

/* y = value(a + b), with b for each column or absent; kept = dropout(y). y may be a, and
   kept may be y. */
#define ROW(name, reads, default, activated, slope)                                    \
    KERNEL(NAMED(add_dropout_##name), ptrdiff_t m, ptrdiff_t n, const REAL *a,         \
           const REAL *b, REAL option, REAL *y, REAL *kept, PHILOX_ARGUMENTS,          \
           ptrdiff_t dropped, REAL scale, REAL shift, REAL value) {                    \
        ptrdiff_t blocks = (n + DROPOUT_LANES - 1) / DROPOUT_LANES;                    \
        EACH_NUMBER(i, m * blocks) {                                                   \
            PHILOX_OF_THREAD(i, blocks)                                                \
            for (int lane = 0; lane < DROPOUT_LANES; lane++) {                         \
                ptrdiff_t column = lane * blocks + block;                              \
                if (column >= n) break;                                                \
                ptrdiff_t at = row * n + column;                                       \
                uint32_t word = bits.word[lane / 2] << (lane % 2 ? 0 : 16);            \
                REAL x = b ? a[at] + b[column] : a[at];                                \
                REAL own = NAMED(value_of_##name)(x, option);                          \
                y[at] = own;                                                           \
                kept[at] =                                                             \
                    NAMED(dropout)(own, word, (uint32_t)dropped, scale, shift, value); \
            }                                                                          \
        }                                                                              \
    }
ACTIVATION_TABLE(ROW)
#undef ROW

#endif
