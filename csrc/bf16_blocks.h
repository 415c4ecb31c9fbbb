/* The blocks of a product in bfloat16, around what multiplies the tiles of one of them.

   The order of the loops is Goto and van de Geijn's, "Anatomy of high-performance matrix
   multiplication", ACM TOMS 2008: packed columns of b for the third-level cache, packed
   rows of a for the second, two strips of b for the first. */
#ifndef FASTNN_BF16_BLOCKS_H
#define FASTNN_BF16_BLOCKS_H

#include "bf16.h"
#include "bf16_pack.h"
#include "product.h"

/* A corner of c = beta c + a b, for some k, in float32. */
typedef struct {
    ptrdiff_t rows, columns, depth;
    const float *a, *b;
    ptrdiff_t a_row, a_column, b_row, b_column;
    float beta;
    float *c;
    ptrdiff_t c_row;
} corner_t;

/* c = beta c + sum, for sums in rows of 32. Infinities and NaN in the operands make the
   sum infinite or NaN, but not always as float32 would: those corners are taken again.
   Numbers near the largest, which round to infinity in bfloat16, are found by it too. */
ALWAYS_INLINE void add_sums(const corner_t *corner, const float *sums) {
    __mmask16 not_finite = 0;
    for (ptrdiff_t j = 0; j < corner->columns; j += 16) {
        __mmask16 lanes = first_lanes(corner->columns - j);
        for (ptrdiff_t i = 0; i < corner->rows; i++)
            not_finite |= _mm512_mask_fpclass_ps_mask(
                lanes, _mm512_loadu_ps(sums + i * 32 + j), 0x99);
    }
    if (__builtin_expect(not_finite != 0, 0)) {
        find_product_kernel_f32()(corner->rows, corner->columns, corner->depth,
                                  corner->a, corner->a_row, corner->a_column, corner->b,
                                  corner->b_row, corner->b_column, corner->beta,
                                  corner->c, corner->c_row);
        return;
    }
    __m512 beta = _mm512_set1_ps(corner->beta);
    for (ptrdiff_t j = 0; j < corner->columns; j += 16) {
        __mmask16 lanes = first_lanes(corner->columns - j);
        for (ptrdiff_t i = 0; i < corner->rows; i++) {
            float *to = corner->c + i * corner->c_row + j;
            __m512 sum = _mm512_loadu_ps(sums + i * 32 + j);
            if (corner->beta != 0)
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

ALWAYS_INLINE ptrdiff_t least_of(ptrdiff_t x, ptrdiff_t y) { return x < y ? x : y; }

/* Parts of about equal size, at most so large, and multiples of a unit. */
ALWAYS_INLINE ptrdiff_t part(ptrdiff_t size, ptrdiff_t most, ptrdiff_t unit) {
    ptrdiff_t parts = (size + most - 1) / most;
    ptrdiff_t each = parts ? (size + parts - 1) / parts : unit;
    return (each + unit - 1) / unit * unit;
}

ALWAYS_INLINE void multiply_blocks(const int terms, const multiply_t multiply,
                                   ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
                                   const float *a, ptrdiff_t a_row, ptrdiff_t a_column,
                                   const float *b, ptrdiff_t b_row, ptrdiff_t b_column,
                                   float beta, float *c, ptrdiff_t c_row,
                                   char *workspace) {
    float sums[32 * 32] __attribute__((aligned(64)));
    char *packed_a = workspace,
         *packed_b = workspace + terms * BLOCK_ROWS * BLOCK_DEPTH * 2;
    ptrdiff_t most_depth = part(k, BLOCK_DEPTH, TILE_DEPTH);
    ptrdiff_t most_rows = part(m, BLOCK_ROWS, 2 * STRIP);
    ptrdiff_t most_columns = part(n, BLOCK_COLUMNS, 2 * STRIP);
    for (ptrdiff_t p = 0; p == 0 || p < k; p += most_depth, beta = 1) {
        ptrdiff_t depth = least_of(k - p, most_depth);
        ptrdiff_t strip =
            (depth + TILE_DEPTH - 1) / TILE_DEPTH * terms * TILE_BYTES; /* bytes */
        for (ptrdiff_t j0 = 0; j0 < n; j0 += most_columns) {
            ptrdiff_t columns = least_of(n - j0, most_columns);
            pack(terms, 1, columns, depth, b + p * b_row + j0 * b_column, b_column,
                 b_row, packed_b);
            for (ptrdiff_t i0 = 0; i0 < m; i0 += most_rows) {
                ptrdiff_t rows = least_of(m - i0, most_rows);
                pack(terms, 0, rows, depth, a + i0 * a_row + p * a_column, a_row,
                     a_column, packed_a);
                for (ptrdiff_t j = 0; j < columns; j += 2 * STRIP) {
                    for (ptrdiff_t i = 0; i < rows; i += 2 * STRIP) {
                        corner_t corner = {
                            least_of(rows - i, 2 * STRIP),
                            least_of(columns - j, 2 * STRIP),
                            depth,
                            a + (i0 + i) * a_row + p * a_column,
                            b + p * b_row + (j0 + j) * b_column,
                            a_row,
                            a_column,
                            b_row,
                            b_column,
                            beta,
                            c + (i0 + i) * c_row + j0 + j,
                            c_row,
                        };
                        multiply(corner.rows, corner.columns, depth,
                                 packed_a + i / STRIP * strip, strip,
                                 packed_b + j / STRIP * strip, strip, sums);
                        add_sums(&corner, sums);
                    }
                }
            }
        }
    }
}

#endif
