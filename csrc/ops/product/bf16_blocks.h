/* The blocks of a product in bfloat16, around what multiplies the tiles of one of them.

   The order of the loops is Goto and van de Geijn's, "Anatomy of high-performance matrix
   multiplication", ACM TOMS 2008: packed columns of b for the third-level cache, packed
   rows of a for the second, two strips of b for the first. */
#ifndef FASTNN_BF16_BLOCKS_H
#define FASTNN_BF16_BLOCKS_H

#include "ops/product/bf16.h"
#include "ops/product/bf16_pack.h"
#include "ops/product/product.h"

/* c = beta c + a b in float32: all of a product, or a part of it. */
typedef struct {
    ptrdiff_t m, n, k;
    const float *a;
    ptrdiff_t a_row, a_column;
    const float *b;
    ptrdiff_t b_row, b_column;
    float beta;
    float *c;
    ptrdiff_t c_row;
} product_t;

ALWAYS_INLINE ptrdiff_t least_of(ptrdiff_t x, ptrdiff_t y) { return x < y ? x : y; }

/* What a product has from row i, column j and number p of k on, at most so much. What is
   not the first of k adds to c. */
ALWAYS_INLINE product_t part_of(const product_t *whole, ptrdiff_t i, ptrdiff_t m,
                                ptrdiff_t j, ptrdiff_t n, ptrdiff_t p, ptrdiff_t k) {
    product_t part = *whole;
    part.m = least_of(whole->m - i, m);
    part.n = least_of(whole->n - j, n);
    part.k = least_of(whole->k - p, k);
    part.a += i * whole->a_row + p * whole->a_column;
    part.b += p * whole->b_row + j * whole->b_column;
    part.c += i * whole->c_row + j;
    if (p > 0) part.beta = 1;
    return part;
}

/* c = beta c + sum, for sums in rows of 32. Infinities and NaN in the operands make the
   sum infinite or NaN, but not always as float32 would: such corners are taken again.
   Numbers near the largest, which round to infinity in bfloat16, are found by it too. */
ALWAYS_INLINE void add_sums(const product_t *x, const float *sums) {
    __mmask16 not_finite = 0;
    for (ptrdiff_t j = 0; j < x->n; j += 16) {
        __mmask16 lanes = first_lanes(x->n - j);
        for (ptrdiff_t i = 0; i < x->m; i++)
            not_finite |= _mm512_mask_fpclass_ps_mask(
                lanes, _mm512_loadu_ps(sums + i * 32 + j), 0x99);
    }
    if (__builtin_expect(not_finite != 0, 0)) {
        find_product_kernel_f32()(x->m, x->n, x->k, x->a, x->a_row, x->a_column, x->b,
                                  x->b_row, x->b_column, x->beta, x->c, x->c_row);
        return;
    }
    __m512 beta = _mm512_set1_ps(x->beta);
    for (ptrdiff_t j = 0; j < x->n; j += 16) {
        __mmask16 lanes = first_lanes(x->n - j);
        for (ptrdiff_t i = 0; i < x->m; i++) {
            float *to = x->c + i * x->c_row + j;
            __m512 sum = _mm512_loadu_ps(sums + i * 32 + j);
            if (x->beta != 0)
                sum = _mm512_fmadd_ps(beta, _mm512_maskz_loadu_ps(lanes, to), sum);
            _mm512_mask_storeu_ps(to, lanes, sum);
        }
    }
}

/* Sums of a b over depth numbers of k for two strips of a and two of b, of which the
   second may be missing, in rows of 32. The strips of each lie a_strip and b_strip bytes
   apart. */
typedef void (*multiply_t)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth,
                           const char *a, ptrdiff_t a_strip, const char *b,
                           ptrdiff_t b_strip, float *sums);

/* A number of units for each of some parts of about equal size, at most so large. */
ALWAYS_INLINE ptrdiff_t even_parts(ptrdiff_t size, ptrdiff_t most, ptrdiff_t unit) {
    ptrdiff_t count = size > most ? (size + most - 1) / most : 1;
    ptrdiff_t units = ((size + count - 1) / count + unit - 1) / unit;
    return units > 0 ? units * unit : unit;
}

/* A product whose operands are packed. */
ALWAYS_INLINE void multiply_packed(const int terms, const multiply_t multiply,
                                   const product_t *x, const char *a, const char *b) {
    float sums[32 * 32] __attribute__((aligned(64)));
    ptrdiff_t strip = (x->k + TILE_DEPTH - 1) / TILE_DEPTH * terms * TILE_BYTES;
    for (ptrdiff_t j = 0; j < x->n; j += 2 * STRIP) {
        for (ptrdiff_t i = 0; i < x->m; i += 2 * STRIP) {
            product_t corner = part_of(x, i, 2 * STRIP, j, 2 * STRIP, 0, x->k);
            multiply(corner.m, corner.n, corner.k, a + i / STRIP * strip, strip,
                     b + j / STRIP * strip, strip, sums);
            add_sums(&corner, sums);
        }
    }
}

ALWAYS_INLINE void multiply_blocks(const int terms, const multiply_t multiply,
                                   const product_t *whole, char *workspace) {
    char *packed_a = workspace;
    char *packed_b = workspace + terms * BF16_ROWS_BYTES + BUFFER_GAP;
    ptrdiff_t m = even_parts(whole->m, BLOCK_ROWS, 2 * STRIP);
    ptrdiff_t n = even_parts(whole->n, BLOCK_COLUMNS, 2 * STRIP);
    ptrdiff_t k = even_parts(whole->k, BLOCK_DEPTH, TILE_DEPTH);
    BUFFER_PART(packed_a, terms * m * k * 2, terms * BF16_ROWS_BYTES);
    BUFFER_PART(packed_b, terms * n * k * 2, terms * BF16_COLUMNS_BYTES);
    for (ptrdiff_t p = 0; p == 0 || p < whole->k; p += k) {
        for (ptrdiff_t j = 0; j < whole->n; j += n) {
            product_t columns = part_of(whole, 0, whole->m, j, n, p, k);
            pack(terms, 1, columns.n, columns.k, columns.b, columns.b_column,
                 columns.b_row, packed_b);
            for (ptrdiff_t i = 0; i < whole->m; i += m) {
                product_t block = part_of(&columns, i, m, 0, n, 0, k);
                pack(terms, 0, block.m, block.k, block.a, block.a_row, block.a_column,
                     packed_a);
                multiply_packed(terms, multiply, &block, packed_a, packed_b);
            }
        }
    }
}

#endif
