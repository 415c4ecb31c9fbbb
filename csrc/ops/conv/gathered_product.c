#ifndef REAL
#include "ops/conv/gathered_product.h"

#if defined(__clang__)
#define UNROLL PRAGMA(unroll)
#elif defined(__GNUC__)
#define UNROLL PRAGMA(GCC unroll 16)
#else
#define UNROLL
#endif

#define BODY "ops/conv/gathered_product.c"
#include "base/each_level.h"
#else

/* Tiles of TILE_ROWS rows by two vectors of c stay in registers while all runs go by, as
   those of product_tile.h do; one number of a at a time is spread over a vector. */
#define LANES STRIP_NUMBERS(LEVEL_BYTES / sizeof(REAL))
#define TILE_ROWS (LEVEL_BYTES == 64 ? 8 : 6)

typedef STRIP_OF(REAL, LEVEL_BYTES / sizeof(REAL)) NAMED(gathered);

HOST_DEVICE void NAMED(gathered_tile)(const int rows, const int vectors,
                                      const runs_t *runs, const REAL *a,
                                      const ptrdiff_t *a_at, const REAL *b,
                                      ptrdiff_t b_row, int adds, REAL *c,
                                      const ptrdiff_t *c_at, ptrdiff_t width) {
    NAMED(gathered) sum[8][2], panel[2];
    const REAL *row[8];
    ptrdiff_t depth = runs->depth, step = runs->step;
    UNROLL
    for (int r = 0; r < rows; r++) {
        row[r] = a + a_at[r];
        UNROLL
        for (int v = 0; v < vectors; v++) sum[r][v] = (NAMED(gathered)){0};
    }
    for (ptrdiff_t t = 0; t < runs->count; t++) {
        ptrdiff_t p = runs->run[t], end = p + depth * step;
        for (; p != end; p += step, b += b_row) {
            UNROLL
            for (int v = 0; v < vectors; v++)
                panel[v] = STRIP_AT(const NAMED(gathered), b + v * LANES);
            UNROLL
            for (int r = 0; r < rows; r++) {
                REAL x = row[r][p];
                UNROLL
                for (int v = 0; v < vectors; v++) sum[r][v] += x * panel[v];
            }
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int v = 0; v < vectors; v++) {
            REAL *to = c + c_at[r] + v * LANES;
            ptrdiff_t count = width - v * LANES;
            if (count >= (ptrdiff_t)LANES) {
                if (adds) sum[r][v] += STRIP_AT(NAMED(gathered), to);
                STRIP_AT(NAMED(gathered), to) = sum[r][v];
            } else {
                REAL part[LANES];
                STRIP_AT(NAMED(gathered), part) = sum[r][v];
                for (ptrdiff_t j = 0; j < count; j++)
                    to[j] = adds ? to[j] + part[j] : part[j];
            }
        }
    }
}

/* So many rows that a tile takes as long as its sums: with fewer they would wait for one
   another. */
#define LEAST_ROWS 4

#define TILE(rows, vectors)                                                   \
    NAMED(gathered_tile)(rows, vectors, runs, a, a_at + i, b, b_row, adds, c, \
                         c_at + i, width);                                    \
    break
/* The columns of c under one panel of b. Not inlined: with less around them the tiles
   stay in registers. A few rows that are left over are shared by the last two tiles. */
#define COLUMN(name, vectors)                                                         \
    NOT_INLINED static void NAMED(name)(                                              \
        ptrdiff_t m, const runs_t *runs, const REAL *a, const ptrdiff_t *a_at,        \
        const REAL *b, ptrdiff_t b_row, int adds, REAL *c, const ptrdiff_t *c_at,     \
        ptrdiff_t width) {                                                            \
        ptrdiff_t i = 0;                                                              \
        for (; m - i >= TILE_ROWS + LEAST_ROWS || m - i == TILE_ROWS; i += TILE_ROWS) \
            NAMED(gathered_tile)(TILE_ROWS, vectors, runs, a, a_at + i, b, b_row,     \
                                 adds, c, c_at + i, width);                           \
        while (i < m) {                                                               \
            ptrdiff_t rows = m - i > TILE_ROWS ? m - i - LEAST_ROWS : m - i;          \
            switch (rows) {                                                           \
            case 1:                                                                   \
                TILE(1, vectors);                                                     \
            case 2:                                                                   \
                TILE(2, vectors);                                                     \
            case 3:                                                                   \
                TILE(3, vectors);                                                     \
            case 4:                                                                   \
                TILE(4, vectors);                                                     \
            case 5:                                                                   \
                TILE(5, vectors);                                                     \
            case 6:                                                                   \
                TILE(6, vectors);                                                     \
            default:                                                                  \
                TILE(7, vectors);                                                     \
            }                                                                         \
            i += rows;                                                                \
        }                                                                             \
    }
COLUMN(wide_gathered, 2)
COLUMN(narrow_gathered, 1)
#undef COLUMN
#undef TILE

LOOP void NAMED(gathered_product)(ptrdiff_t m, ptrdiff_t n, const runs_t *runs,
                                  const REAL *a, const ptrdiff_t *a_at, const REAL *b,
                                  ptrdiff_t b_row, int adds, REAL *c,
                                  const ptrdiff_t *c_at) {
    for (ptrdiff_t j = 0; j < n; j += 2 * LANES) {
        ptrdiff_t width = n - j;
        if (width > (ptrdiff_t)LANES)
            NAMED(wide_gathered)(m, runs, a, a_at, b + j, b_row, adds, c + j, c_at,
                                 width);
        else
            NAMED(narrow_gathered)(m, runs, a, a_at, b + j, b_row, adds, c + j, c_at,
                                   width);
    }
}
CHOOSE(gathered_product)

#undef LANES
#undef TILE_ROWS
#undef LEAST_ROWS

#endif
