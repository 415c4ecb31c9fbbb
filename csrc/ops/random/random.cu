#ifndef REAL
#include "base/cuda/philox.h"

#include "ops/random/dropout.h"
#include "ops/random/noise.h"
#define BODY "ops/random/random.cu"
#include "base/each_real.h"
#else

#include "ops/random/dropout_formulas.h"
#include "ops/random/noise_formulas.h"

/* y may be x. */
KERNEL(NAMED(dropout_forward), ptrdiff_t m, ptrdiff_t n, const REAL *x, REAL *y,
       PHILOX_ARGUMENTS, ptrdiff_t dropped, REAL scale, REAL shift, REAL value) {
    ptrdiff_t blocks = (n + DROPOUT_LANES - 1) / DROPOUT_LANES;
    EACH_NUMBER(i, m * blocks) {
        PHILOX_OF_THREAD(i, blocks)
        for (int lane = 0; lane < DROPOUT_LANES; lane++) {
            ptrdiff_t column = lane * blocks + block;
            if (column >= n) break;
            uint32_t word = bits.word[lane / 2] << (lane % 2 ? 0 : 16);
            y[row * n + column] = NAMED(dropout)(
                x[row * n + column], word, (uint32_t)dropped, scale, shift, value);
        }
    }
}

/* y may be x. */
KERNEL(NAMED(gaussian_noise), ptrdiff_t m, ptrdiff_t n, const REAL *x, REAL *y,
       PHILOX_ARGUMENTS, REAL deviation) {
    ptrdiff_t blocks = (n + NOISE_LANES - 1) / NOISE_LANES;
    EACH_NUMBER(i, m * blocks) {
        PHILOX_OF_THREAD(i, blocks)
        REAL normal[NOISE_LANES];
        for (int pair = 0; pair < NOISE_LANES; pair += 2)
            NAMED(normal_pair)(bits.word[pair], bits.word[pair + 1], &normal[pair],
                               &normal[pair + 1]);
        for (int lane = 0; lane < NOISE_LANES; lane++) {
            ptrdiff_t column = lane * blocks + block;
            if (column >= n) break;
            y[row * n + column] = x[row * n + column] + deviation * normal[lane];
        }
    }
}

#endif
