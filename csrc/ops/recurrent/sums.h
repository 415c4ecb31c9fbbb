/* Products of a few rows, which lie anywhere, with a matrix in panels that is multiplied
   again and again: for one REAL and one instruction set.

   A panel has a few vectors of columns, row by row, with zeros where there are none. A tile
   of sums stays in registers while the panel goes by, as in product_tile.h. */

#if defined(__clang__)
#define UNROLL PRAGMA(unroll)
#elif defined(__GNUC__)
#define UNROLL PRAGMA(GCC unroll 16)
#else
#define UNROLL
#endif

#define LANES STRIP_NUMBERS(LEVEL_BYTES / sizeof(REAL))

typedef STRIP_OF(REAL, LEVEL_BYTES / sizeof(REAL)) NAMED(lanes);

/* Vectors that rows of so many numbers take. */
static inline ptrdiff_t NAMED(vectors_of)(ptrdiff_t n) {
    return (n + LANES - 1) / LANES;
}

/* One vector of a panel of so many: columns of a matrix whose element (p, j) is
   from[p * row + j * column], and zeros from column width on. */
static void NAMED(pack_vector)(ptrdiff_t k, ptrdiff_t width, const REAL *from,
                               ptrdiff_t row, ptrdiff_t column, REAL *to,
                               ptrdiff_t vectors) {
    for (ptrdiff_t p = 0; p < k; p++, to += vectors * LANES)
        for (ptrdiff_t j = 0; j < LANES; j++)
            to[j] = j < width ? from[p * row + j * column] : 0;
}

/* Panels of n columns side by side, MOST_VECTORS each but for the last. */
static void NAMED(pack)(ptrdiff_t k, ptrdiff_t n, const REAL *from, ptrdiff_t row,
                        ptrdiff_t column, REAL *to) {
    ptrdiff_t all = NAMED(vectors_of)(n);
    for (ptrdiff_t v = 0; v < all; v++) {
        ptrdiff_t first = v / MOST_VECTORS * MOST_VECTORS;
        ptrdiff_t vectors = all - first < MOST_VECTORS ? all - first : MOST_VECTORS;
        ptrdiff_t left = n - v * LANES;
        NAMED(pack_vector)(k, left < LANES ? left : LANES, from + v * LANES * column,
                           row, column, to + (first * k + v - first) * LANES, vectors);
    }
}

/* Where the panel that begins with this vector is. */
static inline const REAL *NAMED(panel_at)(const REAL *packed, ptrdiff_t k,
                                          ptrdiff_t vector) {
    return packed + vector * k * LANES;
}

HOST_DEVICE void NAMED(sums_tile)(const int rows, const int vectors, ptrdiff_t k,
                                  const REAL *a, const ptrdiff_t *a_at,
                                  const REAL *panel, int adds, REAL *out,
                                  ptrdiff_t out_vector) {
    NAMED(lanes) sum[8][MOST_VECTORS], b[MOST_VECTORS];
    const REAL *row[8];
    UNROLL
    for (int r = 0; r < rows; r++) {
        row[r] = a + a_at[r];
        UNROLL
        for (int v = 0; v < vectors; v++) {
            const REAL *known = out + v * out_vector + r * LANES;
            sum[r][v] = adds ? STRIP_AT(const NAMED(lanes), known) : (NAMED(lanes)){0};
        }
    }
    for (ptrdiff_t p = 0; p < k; p++, panel += vectors * LANES) {
        UNROLL
        for (int v = 0; v < vectors; v++)
            b[v] = STRIP_AT(const NAMED(lanes), panel + v * LANES);
        UNROLL
        for (int r = 0; r < rows; r++) {
            REAL x = row[r][p];
            UNROLL
            for (int v = 0; v < vectors; v++) sum[r][v] += x * b[v];
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int v = 0; v < vectors; v++)
            STRIP_AT(NAMED(lanes), out + v * out_vector + r * LANES) = sum[r][v];
    }
}

/* So many rows that their sums fit into the registers, of which AVX-512 has 32. */
#define TILE_ROWS(vectors)                        \
    (LEVEL_BYTES == 64 ? ((vectors) == 4 ? 6 : 8) \
                       : ((vectors) == 4   ? 2    \
                          : (vectors) == 3 ? 4    \
                          : (vectors) == 2 ? 6    \
                                           : 8))

#define TILES(rows, vectors)                                                          \
    for (; i + (rows) <= m; i += (rows))                                              \
        NAMED(sums_tile)(rows, vectors, k, a, a_at + i, panel, adds, out + i * LANES, \
                         out_vector);
/* Not inlined: with less around them the tiles stay in registers. */
#define SUMS(name, vectors)                                                          \
    NOT_INLINED static void NAMED(name)(ptrdiff_t m, ptrdiff_t k, const REAL *a,     \
                                        const ptrdiff_t *a_at, const REAL *panel,    \
                                        int adds, REAL *out, ptrdiff_t out_vector) { \
        ptrdiff_t i = 0;                                                             \
        TILES(TILE_ROWS(vectors), vectors)                                           \
        TILES(4, vectors) TILES(2, vectors) TILES(1, vectors)                        \
    }
SUMS(sums_of_1, 1)
SUMS(sums_of_2, 2)
SUMS(sums_of_3, 3)
SUMS(sums_of_4, 4)
#undef SUMS
#undef TILES
#undef TILE_ROWS

/* out = [out +] the products of m rows of k numbers, of which row i is at a + a_at[i],
   with a panel: vector by vector, in each of them row by row. */
static void NAMED(sums)(ptrdiff_t m, ptrdiff_t vectors, ptrdiff_t k, const REAL *a,
                        const ptrdiff_t *a_at, const REAL *panel, int adds, REAL *out) {
    ptrdiff_t lead = m * LANES;
    switch (vectors) {
    case 1:
        NAMED(sums_of_1)(m, k, a, a_at, panel, adds, out, lead);
        break;
    case 2:
        NAMED(sums_of_2)(m, k, a, a_at, panel, adds, out, lead);
        break;
    case 3:
        NAMED(sums_of_3)(m, k, a, a_at, panel, adds, out, lead);
        break;
    default:
        NAMED(sums_of_4)(m, k, a, a_at, panel, adds, out, lead);
    }
}

/* A vector of some row: width numbers of it are there. */
HOST_DEVICE void NAMED(load)(ptrdiff_t width, const REAL *from, REAL *to) {
    if (width >= LANES)
        STRIP_AT(NAMED(lanes), to) = STRIP_AT(const NAMED(lanes), from);
    else
        for (ptrdiff_t j = 0; j < LANES; j++) to[j] = j < width ? from[j] : 0;
}

HOST_DEVICE void NAMED(store)(ptrdiff_t width, const REAL *from, REAL *to) {
    if (width >= LANES)
        STRIP_AT(NAMED(lanes), to) = STRIP_AT(const NAMED(lanes), from);
    else
        for (ptrdiff_t j = 0; j < width; j++) to[j] = from[j];
}
