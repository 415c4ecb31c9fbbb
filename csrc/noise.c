#ifndef REAL
#include "noise.h"

#include "random.h"

enum { LANES = 4 }; /* of two words for two numbers */

#define BODY "noise.c"
#include "each_real.h"
#else

#include "scalar.h"

/* Two words become a point of the plane whose coordinates are independent and normal: Box
   and Muller, "A note on the generation of random normal deviates", Annals of Mathematical
   Statistics 29, 1958.

   Its distance from the origin is sqrt(-2 log u), for u in (0, 1] with 24 digits that are
   exact in both precisions, so that the noise of both is the same: multiples of 2^-32 up
   to 2^-8, for the sake of the tails, which reach to 6.66, and of 2^-24 above. Its angle
   is quarter turns, from the other word's upper two bits, and up to half a quarter. */
CLONES void NAMED(normal_pairs)(ptrdiff_t count, const uint32_t *radial,
                                const uint32_t *angular, REAL *first, REAL *second) {
    SIMD
    for (ptrdiff_t i = 0; i < count; i++) {
        int coarse = radial[i] >> 24 != 0;
        REAL digits = (REAL)(int32_t)((coarse ? radial[i] >> 8 : radial[i]) + 1);
        REAL u = digits * (coarse ? (REAL)0x1p-24 : (REAL)0x1p-32);
        REAL radius = NAMED(sqrt)(-2 * NAMED(log)(u));
        REAL rest =
            (REAL)(int32_t)(angular[i] << 2) * (REAL)(1.57079632679489661923 * 0x1p-32);
        REAL s = NAMED(sin_octant)(rest), c = NAMED(cos_octant)(rest);
        int odd = (angular[i] & 0x40000000u) != 0;
        radius = angular[i] & 0x80000000u ? -radius : radius;
        first[i] = radius * (odd ? -s : c);
        second[i] = radius * (odd ? c : s);
    }
}

HOST_DEVICE void NAMED(add_scaled)(ptrdiff_t n, const REAL *x, REAL scale,
                                   const REAL *z, REAL *y) {
    SIMD
    for (ptrdiff_t i = 0; i < n; i++) y[i] = x[i] + scale * z[i];
}

CLONES void NAMED(noise_loop)(ptrdiff_t m, ptrdiff_t n, const REAL *x, REAL *y,
                              uint64_t seed, uint64_t stream, ptrdiff_t first_row,
                              REAL deviation) {
    uint32_t words[4][BLOCKS_AT_ONCE];
    REAL normal[LANES][BLOCKS_AT_ONCE];
    ptrdiff_t blocks = (n + LANES - 1) / LANES, total = m * blocks;
    uint64_t position = (uint64_t)first_row * (uint64_t)blocks;
    for (ptrdiff_t at = 0; at < total; at += BLOCKS_AT_ONCE) {
        ptrdiff_t end = total - at < BLOCKS_AT_ONCE ? total : at + BLOCKS_AT_ONCE;
        philox_blocks(end - at, seed, stream, position + (uint64_t)at, words);
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

#endif
