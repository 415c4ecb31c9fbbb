#ifndef REAL
#include "dropout.h"

#include "random.h"

/* A block of Philox is eight numbers of a row: block b holds the mask of the columns
   b, b + B, ..., b + 7 B, where B is the number of blocks a row, so that neighbours in a
   row are neighbours in each of the eight and no bits are shuffled. */
enum { LANES = 8, BLOCKS_AT_ONCE = 256 };

/* philox(seed, stream, position + i) for consecutive i. Round by round over all of them,
   which stay in the first-level cache, so that the loops vectorise. */
CLONES void dropout_draw(ptrdiff_t count, uint64_t seed, uint64_t stream,
                         uint64_t position, uint32_t words[4][BLOCKS_AT_ONCE]) {
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (ptrdiff_t i = 0; i < count; i++) {
        words[0][i] = (uint32_t)(position + (uint64_t)i);
        words[1][i] = (uint32_t)((position + (uint64_t)i) >> 32);
        words[2][i] = (uint32_t)stream;
        words[3][i] = (uint32_t)(stream >> 32);
    }
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        SIMD
        for (ptrdiff_t i = 0; i < count; i++)
            philox_round(&words[0][i], &words[1][i], &words[2][i], &words[3][i], k0,
                         k1);
        k0 += PHILOX_KEY_0;
        k1 += PHILOX_KEY_1;
    }
}

#define BODY "dropout.c"
#include "each_real.h"
#else

/* One lane of some blocks of a row. */
CLONES void NAMED(dropout_apply)(ptrdiff_t count, const uint32_t *words, int shift,
                                 uint32_t dropped, REAL scale, const REAL *x, REAL *y) {
    SIMD
    for (ptrdiff_t i = 0; i < count; i++)
        y[i] = x[i] * ((words[i] >> shift & 0xffffu) < dropped ? 0 : scale);
}

void NAMED(dropout_loop)(ptrdiff_t m, ptrdiff_t n, const REAL *x, REAL *y,
                         uint64_t seed, uint64_t stream, ptrdiff_t first_row,
                         uint32_t dropped) {
    uint32_t words[4][BLOCKS_AT_ONCE];
    REAL scale = (REAL)CHANCES / (REAL)(CHANCES - dropped);
    ptrdiff_t blocks = (n + LANES - 1) / LANES, total = m * blocks;
    uint64_t position = (uint64_t)first_row * (uint64_t)blocks;
    for (ptrdiff_t at = 0; at < total; at += BLOCKS_AT_ONCE) {
        ptrdiff_t end = total - at < BLOCKS_AT_ONCE ? total : at + BLOCKS_AT_ONCE;
        dropout_draw(end - at, seed, stream, position + (uint64_t)at, words);
        for (ptrdiff_t block = at; block < end;) {
            ptrdiff_t row = block / blocks, first = block % blocks;
            ptrdiff_t count =
                blocks - first < end - block ? blocks - first : end - block;
            for (int lane = 0; lane < LANES; lane++) {
                ptrdiff_t column = lane * blocks + first;
                ptrdiff_t inside = n - column < count ? n - column : count;
                if (inside > 0)
                    NAMED(dropout_apply)(inside, words[lane / 2] + (block - at),
                                         lane % 2 * 16, dropped, scale,
                                         x + row * n + column, y + row * n + column);
            }
            block += count;
        }
    }
}

#endif
