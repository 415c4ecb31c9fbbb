#ifndef REAL
#include "ops/random/dropout.h"

#include "base/random.h"

enum { LANES = DROPOUT_LANES };

#define BODY "ops/random/dropout.c"
#include "base/each_level.h"
#else

#include "ops/random/dropout_formulas.h"
#include "base/random_blocks.h"

/* One lane of some blocks of a row: the half of each word that stands above when it is
   shifted up is compared with dropped in the same place. */
HOST_DEVICE void NAMED(dropout_lane)(ptrdiff_t count, const uint32_t *words, int up,
                                     uint32_t dropped, REAL scale, REAL shift,
                                     REAL value, const REAL *x, REAL *y) {
    SIMD
    for (ptrdiff_t i = 0; i < count; i++)
        y[i] = NAMED(dropout)(x[i], words[i] << up, dropped, scale, shift, value);
}

LOOP void NAMED(dropout_loop)(ptrdiff_t m, ptrdiff_t n, const REAL *x, REAL *y,
                              uint64_t seed, uint64_t stream, uint64_t position,
                              uint32_t dropped, REAL scale, REAL shift, REAL value) {
    uint32_t words[4][BLOCKS_AT_ONCE];
    ptrdiff_t blocks = dropout_blocks(n), total = m * blocks;
    for (ptrdiff_t at = 0; at < total; at += BLOCKS_AT_ONCE) {
        ptrdiff_t end = total - at < BLOCKS_AT_ONCE ? total : at + BLOCKS_AT_ONCE;
        NAMED(philox_blocks)(end - at, seed, stream, position + (uint64_t)at, words);
        for (ptrdiff_t block = at; block < end;) {
            run_t run = run_from(block, end, blocks);
            for (int lane = 0; lane < LANES; lane++) {
                ptrdiff_t column = lane * blocks + run.first;
                ptrdiff_t width = columns_within(n, column, run.count);
                if (width <= 0) break;
                const uint32_t *word = words[lane / 2] + (block - at);
                ptrdiff_t place = run.row * n + column;
                NAMED(dropout_lane)(width, word, lane % 2 ? 0 : 16, dropped, scale,
                                    shift, value, x + place, y + place);
            }
            block += run.count;
        }
    }
}
CHOOSE(dropout_loop)

#endif
