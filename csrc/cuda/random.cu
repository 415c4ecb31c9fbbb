#ifndef REAL
#include "cuda/device.h"

#include "dropout.h"
#include "elementwise.h"
#include "noise.h"
#include "random.h"
#define BODY "cuda/random.cu"
#include "each_real.h"
#else

#include "dropout_formulas.h"
#include "noise_formulas.h"

/* A thread has what one block of random bits is enough for: every so-manyth column of a
   row, as random.h has it. */
#define PHILOX_OF_THREAD(i, blocks, lanes)                                   \
    ptrdiff_t row = quotient(i, blocks), block = i - row * (blocks);         \
    uint64_t stream = (uint64_t)scalars[MASK_STEP] << 16 | (uint64_t)number; \
    uint64_t position =                                                      \
        (uint64_t)(first_row + row) * (uint64_t)(blocks) + (uint64_t)block;  \
    philox_t bits = philox((uint64_t)scalars[MASK_SEED], stream, position);

/* y may be x. */
SHARED_KERNEL(NAMED(dropout_forward), ptrdiff_t m, ptrdiff_t n, const REAL *x, REAL *y,
              const double *scalars, ptrdiff_t number, ptrdiff_t first_row,
              ptrdiff_t dropped, REAL scale, REAL shift, REAL value) {
    ptrdiff_t blocks = (n + DROPOUT_LANES - 1) / DROPOUT_LANES;
    EACH_NUMBER(i, m * blocks) {
        PHILOX_OF_THREAD(i, blocks, DROPOUT_LANES)
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
SHARED_KERNEL(NAMED(gaussian_noise), ptrdiff_t m, ptrdiff_t n, const REAL *x, REAL *y,
              const double *scalars, ptrdiff_t number, ptrdiff_t first_row,
              REAL deviation) {
    ptrdiff_t blocks = (n + NOISE_LANES - 1) / NOISE_LANES;
    EACH_NUMBER(i, m * blocks) {
        PHILOX_OF_THREAD(i, blocks, NOISE_LANES)
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
#undef PHILOX_OF_THREAD

#endif
