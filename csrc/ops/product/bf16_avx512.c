/* Products in bfloat16 by AVX512-BF16, at twice the rate of float32. */
#include "ops/product/bf16_avx512.h"

#if HAS_AVX512_BF16

#define TARGET \
    __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512bf16,fma")))
#include "ops/product/bf16_blocks.h"

/* rows x (16 vectors) sums, which stay in registers while k runs. Of a, a pair of numbers
   at a time is spread over a vector. */
ALWAYS_INLINE void tile(const int rows, const int vectors, ptrdiff_t depth,
                        const char *a, const char *b, ptrdiff_t b_strip, float *sums) {
    __m512 sum[8][2];
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int v = 0; v < vectors; v++) sum[r][v] = _mm512_setzero_ps();
    }
    for (; depth > 0; depth -= TILE_DEPTH, a += TILE_BYTES, b += TILE_BYTES) {
        ptrdiff_t pairs = depth < TILE_DEPTH ? (depth + 1) / 2 : TILE_DEPTH / 2;
        for (ptrdiff_t pair = 0; pair < pairs; pair++) {
            __m512i x[2];
            UNROLL
            for (int v = 0; v < vectors; v++)
                x[v] = _mm512_load_si512(b + v * b_strip + pair * 64);
            UNROLL
            for (int r = 0; r < rows; r++) {
                int of_a;
                memcpy(&of_a, a + r * 64 + pair * 4, sizeof of_a);
                __m512i spread = _mm512_set1_epi32(of_a);
                UNROLL
                for (int v = 0; v < vectors; v++)
                    sum[r][v] =
                        _mm512_dpbf16_ps(sum[r][v], (__m512bh)x[v], (__m512bh)spread);
            }
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int v = 0; v < vectors; v++)
            _mm512_store_ps(sums + r * 32 + v * 16, sum[r][v]);
    }
}

#define TILES(rows, vectors)                                                    \
    for (; i + rows <= count; i += rows)                                        \
        tile(rows, vectors, depth, a + i / STRIP * a_strip + i % STRIP * 64, b, \
             b_strip, sums + i * 32);
TARGET static __attribute__((noinline)) void
multiply(ptrdiff_t count, ptrdiff_t columns, ptrdiff_t depth, const char *a,
         ptrdiff_t a_strip, const char *b, ptrdiff_t b_strip, float *sums) {
    ptrdiff_t i = 0;
    if (columns > STRIP) {
        TILES(8, 2) TILES(4, 2) TILES(2, 2) TILES(1, 2)
    } else {
        TILES(8, 1) TILES(4, 1) TILES(2, 1) TILES(1, 1)
    }
}

TARGET void product_avx512_bf16(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a,
                                ptrdiff_t a_row, ptrdiff_t a_column, const float *b,
                                ptrdiff_t b_row, ptrdiff_t b_column, float beta,
                                float *c, ptrdiff_t c_row, void *workspace) {
    product_t whole = {m, n, k, a, a_row, a_column, b, b_row, b_column, beta, c, c_row};
    multiply_blocks(1, multiply, &whole, workspace);
}

#endif
