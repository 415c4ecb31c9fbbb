#ifndef REAL
#include "ops/random/noise.h"

#include "base/random.h"

enum { LANES = NOISE_LANES };

#define BODY "ops/random/noise.c"
#include "base/each_level.h"
#else

#include "ops/random/noise_formulas.h"
#include "base/random_blocks.h"

static void NAMED(normal_pairs)(ptrdiff_t count, const uint32_t *radial,
                                const uint32_t *angular, REAL *first, REAL *second) {
    SIMD
    for (ptrdiff_t i = 0; i < count; i++)
        NAMED(normal_pair)(radial[i], angular[i], &first[i], &second[i]);
}

HOST_DEVICE void NAMED(add_scaled)(ptrdiff_t n, const REAL *x, REAL scale,
                                   const REAL *z, REAL *y) {
    SIMD
    for (ptrdiff_t i = 0; i < n; i++) y[i] = x[i] + scale * z[i];
}

LOOP void NAMED(noise_loop)(ptrdiff_t m, ptrdiff_t n, const REAL *x, REAL *y,
                            uint64_t seed, uint64_t stream, ptrdiff_t first_row,
                            REAL deviation) {
    uint32_t words[4][BLOCKS_AT_ONCE];
    REAL normal[LANES][BLOCKS_AT_ONCE];
    ptrdiff_t blocks = (n + LANES - 1) / LANES, total = m * blocks;
    uint64_t position = (uint64_t)first_row * (uint64_t)blocks;
    for (ptrdiff_t at = 0; at < total; at += BLOCKS_AT_ONCE) {
        ptrdiff_t end = total - at < BLOCKS_AT_ONCE ? total : at + BLOCKS_AT_ONCE;
        NAMED(philox_blocks)(end - at, seed, stream, position + (uint64_t)at, words);
        for (int pair = 0; pair < LANES; pair += 2)
            NAMED(normal_pairs)(end - at, words[pair], words[pair + 1], normal[pair],
                                normal[pair + 1]);
        for (ptrdiff_t block = at; block < end;) {
            run_t run = run_from(block, end, blocks);
            for (int lane = 0; lane < LANES; lane++) {
                ptrdiff_t column = lane * blocks + run.first;
                ptrdiff_t width = columns_within(n, column, run.count);
                if (width <= 0) break;
                ptrdiff_t place = run.row * n + column;
                NAMED(add_scaled)(width, x + place, deviation,
                                  normal[lane] + (block - at), y + place);
            }
            block += run.count;
        }
    }
}
CHOOSE(noise_loop)

#endif
