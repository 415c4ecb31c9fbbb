/* Conversion of float32 operands to the tiles of bfloat16 that matrix instructions read.

   The file that includes this one defines TARGET. A strip is 16 rows of a, or 16 columns
   of b. A tile is a strip's numbers for 32 consecutive k, as 16 vectors of 16 pairs: a
   pair holds the numbers of an even k and of the next, and a tile of a has a vector for
   each row, a tile of b one for each pair of k. What a strip or k lacks is zero. */
#ifndef FASTNN_BF16_PACK_H
#define FASTNN_BF16_PACK_H

#include <immintrin.h>

#include "base/compiler.h"

#if defined(__clang__)
#define UNROLL PRAGMA(unroll)
#else
#define UNROLL PRAGMA(GCC unroll 16)
#endif
#define ALWAYS_INLINE TARGET static inline __attribute__((always_inline))

enum {
    STRIP = 16,       /* rows or columns */
    TILE_DEPTH = 32,  /* numbers of k */
    TILE_BYTES = 1024 /* 16 vectors of 64 */
};

/* to[j][i] = from[i][j] for 16 x 16 numbers of 32 bits, in place. */
ALWAYS_INLINE void transpose(__m512i x[16]) {
    __m512i y[16];
    UNROLL
    for (int i = 0; i < 16; i += 2) {
        y[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
        y[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
    }
    UNROLL
    for (int i = 0; i < 16; i += 4) {
        x[i] = _mm512_unpacklo_epi64(y[i], y[i + 2]);
        x[i + 1] = _mm512_unpackhi_epi64(y[i], y[i + 2]);
        x[i + 2] = _mm512_unpacklo_epi64(y[i + 1], y[i + 3]);
        x[i + 3] = _mm512_unpackhi_epi64(y[i + 1], y[i + 3]);
    }
    /* Quarter q of x[4 g + r] is column 4 q + r, rows 4 g to 4 g + 3. */
    UNROLL
    for (int r = 0; r < 4; r++) {
        y[r] = _mm512_shuffle_i32x4(x[r], x[4 + r], 0x88);
        y[4 + r] = _mm512_shuffle_i32x4(x[r], x[4 + r], 0xdd);
        y[8 + r] = _mm512_shuffle_i32x4(x[8 + r], x[12 + r], 0x88);
        y[12 + r] = _mm512_shuffle_i32x4(x[8 + r], x[12 + r], 0xdd);
    }
    UNROLL
    for (int r = 0; r < 4; r++) {
        x[r] = _mm512_shuffle_i32x4(y[r], y[8 + r], 0x88);
        x[4 + r] = _mm512_shuffle_i32x4(y[4 + r], y[12 + r], 0x88);
        x[8 + r] = _mm512_shuffle_i32x4(y[r], y[8 + r], 0xdd);
        x[12 + r] = _mm512_shuffle_i32x4(y[4 + r], y[12 + r], 0xdd);
    }
}

ALWAYS_INLINE __m512 widen(__m256i bf16) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bf16), 16));
}

/* The 32 numbers of low and high in bfloat16, rounded to the nearest; low and high keep
   what is left of them. */
ALWAYS_INLINE __m512i round_off(__m512 *low, __m512 *high) {
    __m512i rounded = (__m512i)_mm512_cvtne2ps_pbh(*high, *low);
    *low = _mm512_sub_ps(*low, widen(_mm512_castsi512_si256(rounded)));
    *high = _mm512_sub_ps(*high, widen(_mm512_extracti64x4_epi64(rounded, 1)));
    return rounded;
}

/* A mask of the first count lanes of 16. */
ALWAYS_INLINE __mmask16 first_lanes(ptrdiff_t count) {
    return count >= 16 ? 0xffff : count > 0 ? (__mmask16)((1u << count) - 1) : 0;
}

/* The tiles of a strip of count <= 16 members for depth <= 32 numbers of k, one tile for
   each term of the numbers. from[i * stride + p] is k number p of member i, if along, and
   else from[p * stride + i]. of_pairs: a vector for each pair of k, not for each member. */
ALWAYS_INLINE void pack_tile(const int terms, const int along, const int of_pairs,
                             ptrdiff_t count, ptrdiff_t depth, const float *from,
                             ptrdiff_t stride, char *to) {
    __m512i x[3][16];
    __mmask16 low_lanes = first_lanes(along ? depth : count);
    __mmask16 high_lanes = along ? first_lanes(depth - 16) : low_lanes;
    ptrdiff_t n_rows = along ? count : depth; /* as they are stored */
    const __m512i interleaved =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8,
                         23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    UNROLL
    for (int i = 0; i < 16; i++) {
        ptrdiff_t first = along ? i : 2 * i, second = along ? i : 2 * i + 1;
        __m512 low = _mm512_setzero_ps(), high = low;
        if (first < n_rows)
            low = _mm512_maskz_loadu_ps(low_lanes, from + first * stride);
        if (second < n_rows && high_lanes)
            high = _mm512_maskz_loadu_ps(high_lanes,
                                         from + second * stride + (along ? 16 : 0));
        UNROLL
        for (int term = 0; term < terms; term++) {
            __m512i rounded = round_off(&low, &high);
            x[term][i] =
                along ? rounded : _mm512_permutexvar_epi16(interleaved, rounded);
        }
    }
    UNROLL
    for (int term = 0; term < terms; term++) {
        if (along == of_pairs) transpose(x[term]);
        UNROLL
        for (int i = 0; i < 16; i++)
            _mm512_store_si512(to + term * TILE_BYTES + i * 64, x[term][i]);
    }
}

/* All tiles of an operand of count rows of a, or columns of b, and of depth numbers of k:
   strip by strip, in a strip by k, and of each k the terms. Element (member, k) of it is
   from[member * outer + k * inner]. */
ALWAYS_INLINE void pack(const int terms, const int of_pairs, ptrdiff_t count,
                        ptrdiff_t depth, const float *from, ptrdiff_t outer,
                        ptrdiff_t inner, char *to) {
    ptrdiff_t tiles = (depth + TILE_DEPTH - 1) / TILE_DEPTH;
    /* In the order of memory. */
    if (inner == 1) {
        for (ptrdiff_t i = 0; i < count; i += STRIP)
            for (ptrdiff_t p = 0; p < depth; p += TILE_DEPTH)
                pack_tile(terms, 1, of_pairs, count - i < STRIP ? count - i : STRIP,
                          depth - p < TILE_DEPTH ? depth - p : TILE_DEPTH,
                          from + i * outer + p, outer,
                          to + (i / STRIP * tiles + p / TILE_DEPTH) * terms *
                                   TILE_BYTES);
    } else {
        for (ptrdiff_t p = 0; p < depth; p += TILE_DEPTH)
            for (ptrdiff_t i = 0; i < count; i += STRIP)
                pack_tile(terms, 0, of_pairs, count - i < STRIP ? count - i : STRIP,
                          depth - p < TILE_DEPTH ? depth - p : TILE_DEPTH,
                          from + p * inner + i, inner,
                          to + (i / STRIP * tiles + p / TILE_DEPTH) * terms *
                                   TILE_BYTES);
    }
}

#endif
