/* A product for one REAL and one instruction set: VECTOR_BYTES wide registers, tiles of
   TILE_ROWS rows by two vectors of c, which stay in registers while k runs.

   b is read in panels of one tile's width: where it lies when that is cheap, else from a
   copy that is transposed, padded with zeros or just compact. Of a, one number at a time
   is spread over a vector. The order of the loops is Goto and van de Geijn's, "Anatomy of
   high-performance matrix multiplication", ACM TOMS 2008, with the roles of a and b
   exchanged because the matrices are row-major. */

#define LANES (VECTOR_BYTES / (int)sizeof(REAL))
#define DEPTH 256         /* rows of a panel */
#define BLOCK (8 * LANES) /* rows of a that pass by all panels */
#define LEAST_DEPTH 32    /* rows of a panel that the stack has room for */

typedef REAL ISA(vector) __attribute__((vector_size(VECTOR_BYTES)));

ALWAYS_INLINE ISA(vector) ISA(load)(const REAL *from) {
    ISA(vector) x;
    memcpy(&x, from, sizeof x);
    return x;
}

ALWAYS_INLINE void ISA(store)(REAL *to, ISA(vector) x) { memcpy(to, &x, sizeof x); }

/* rows x width numbers of c, for width up to vectors * LANES. */
ALWAYS_INLINE void ISA(tile)(const int rows, const int vectors, ptrdiff_t k,
                             const REAL *a, ptrdiff_t a_row, ptrdiff_t a_column,
                             const REAL *panel, ptrdiff_t panel_row, REAL beta, REAL *c,
                             ptrdiff_t c_row, ptrdiff_t width) {
    ISA(vector) sum[TILE_ROWS][2], b[2];
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int v = 0; v < vectors; v++) sum[r][v] = (ISA(vector)){0};
    }
    for (ptrdiff_t p = 0; p < k; p++) {
        UNROLL
        for (int v = 0; v < vectors; v++)
            b[v] = ISA(load)(panel + p * panel_row + v * LANES);
        UNROLL
        for (int r = 0; r < rows; r++) {
            REAL s = a[r * a_row + p * a_column];
            UNROLL
            for (int v = 0; v < vectors; v++) sum[r][v] += s * b[v];
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        REAL *row = c + r * c_row;
        UNROLL
        for (int v = 0; v < vectors; v++) {
            REAL *to = row + v * LANES;
            ptrdiff_t count = width - v * LANES;
            if (count >= LANES) {
                if (beta != 0) sum[r][v] += beta * ISA(load)(to);
                ISA(store)(to, sum[r][v]);
            } else {
                if (beta != 0) sum[r][v] += beta * ISA(load_some)(to, count);
                ISA(store_some)(to, sum[r][v], count);
            }
        }
    }
}

/* The columns of c under one panel, whose rows lie panel_row apart. Not inlined: with
   less around them the tiles stay in registers. */
#define COLUMN(name, vectors)                                                         \
    TARGET static NOT_INLINED void ISA(name)(                                         \
        ptrdiff_t m, ptrdiff_t k, const REAL *a, ptrdiff_t a_row, ptrdiff_t a_column, \
        const REAL *panel, ptrdiff_t panel_row, REAL beta, REAL *c, ptrdiff_t c_row,  \
        ptrdiff_t width) {                                                            \
        ptrdiff_t i = 0;                                                              \
        TILES(TILE_ROWS, vectors)                                                     \
        TILES(4, vectors) TILES(2, vectors) TILES(1, vectors)                         \
    }
#define TILES(rows, vectors)                                                          \
    for (; i + rows <= m; i += rows)                                                  \
        ISA(tile)(rows, vectors, k, a + i * a_row, a_row, a_column, panel, panel_row, \
                  beta, c + i * c_row, c_row, width);
COLUMN(wide_column, 2)
COLUMN(narrow_column, 1)
#undef COLUMN
#undef TILES

/* panel[p, j] = b[p * b_row + j * b_column] for j < width, and 0 up to its full width. */
ALWAYS_INLINE void ISA(pack)(ptrdiff_t k, ptrdiff_t width, ptrdiff_t full,
                             const REAL *b, ptrdiff_t b_row, ptrdiff_t b_column,
                             REAL *restrict panel) {
    if (b_column == 1) {
        for (ptrdiff_t p = 0; p < k; p++) {
            ptrdiff_t j = 0;
            for (; j + LANES <= width; j += LANES)
                ISA(store)(panel + p * full + j, ISA(load)(b + p * b_row + j));
            if (j < width)
                ISA(store)(panel + p * full + j,
                           ISA(load_some)(b + p * b_row + j, width - j));
        }
        return;
    }
    if (width < full) memset(panel, 0, (size_t)(k * full) * sizeof(REAL));
    ptrdiff_t j = 0;
    for (; j + 4 <= width; j += 4) {
        const REAL *from = b + j * b_column;
        ptrdiff_t p = 0;
        for (; b_row == 1 && p + 4 <= k; p += 4)
            ISA(transpose_4)(from + p, b_column, panel + p * full + j, full);
        for (; p < k; p++)
            for (int i = 0; i < 4; i++)
                panel[p * full + j + i] = from[p * b_row + i * b_column];
    }
    for (; j < width; j++)
        for (ptrdiff_t p = 0; p < k; p++)
            panel[p * full + j] = b[p * b_row + j * b_column];
}

/* One row of c, from rows of b that are read one after the other: where there is nothing
   to use twice, memory in its order is all that counts. */
TARGET static void ISA(single_row)(ptrdiff_t n, ptrdiff_t k, const REAL *a,
                                   ptrdiff_t a_column, const REAL *b, ptrdiff_t b_row,
                                   REAL beta, REAL *c) {
    if (beta == 0) memset(c, 0, (size_t)n * sizeof(REAL));
    ptrdiff_t p = 0;
    for (; p + 4 <= k; p += 4) {
        const REAL *row = b + p * b_row, *s = a + p * a_column;
        REAL s0 = s[0], s1 = s[a_column], s2 = s[2 * a_column], s3 = s[3 * a_column];
        ptrdiff_t j = 0;
        for (; j + LANES <= n; j += LANES) {
            ISA(vector)
            even = s0 * ISA(load)(row + j) + s2 * ISA(load)(row + 2 * b_row + j);
            ISA(vector)
            odd = s1 * ISA(load)(row + b_row + j) + s3 * ISA(load)(row + 3 * b_row + j);
            ISA(store)(c + j, ISA(load)(c + j) + (even + odd));
        }
        if (j < n) {
            ptrdiff_t rest = n - j;
            ISA(vector)
            even = s0 * ISA(load_some)(row + j, rest) +
                   s2 * ISA(load_some)(row + 2 * b_row + j, rest);
            ISA(vector)
            odd = s1 * ISA(load_some)(row + b_row + j, rest) +
                  s3 * ISA(load_some)(row + 3 * b_row + j, rest);
            ISA(store_some)(c + j, ISA(load_some)(c + j, rest) + (even + odd), rest);
        }
    }
    for (; p < k; p++) {
        REAL s = a[p * a_column];
        for (ptrdiff_t j = 0; j < n; j++) c[j] += s * b[p * b_row + j];
    }
}

/* One column of c from contiguous rows of a and one column of b: a sum of products for
   each, four rows at a time, so that their sums do not wait for one another. */
ALWAYS_INLINE void ISA(dot_rows)(const int rows, ptrdiff_t k, const REAL *a,
                                 ptrdiff_t a_row, const REAL *b, REAL beta, REAL *c,
                                 ptrdiff_t c_row) {
    ISA(vector) sum[4];
    UNROLL
    for (int r = 0; r < rows; r++) sum[r] = (ISA(vector)){0};
    ptrdiff_t p = 0;
    for (; p + LANES <= k; p += LANES) {
        UNROLL
        for (int r = 0; r < rows; r++)
            sum[r] += ISA(load)(a + r * a_row + p) * ISA(load)(b + p);
    }
    if (p < k) {
        UNROLL
        for (int r = 0; r < rows; r++)
            sum[r] +=
                ISA(load_some)(a + r * a_row + p, k - p) * ISA(load_some)(b + p, k - p);
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        REAL *to = c + r * c_row, known = beta == 0 ? 0 : beta * *to;
        *to = known + ISA(total)(sum[r]);
    }
}

TARGET static void ISA(single_column)(ptrdiff_t m, ptrdiff_t k, const REAL *a,
                                      ptrdiff_t a_row, const REAL *b, REAL beta,
                                      REAL *c, ptrdiff_t c_row) {
    ptrdiff_t i = 0;
    for (; i + 4 <= m; i += 4)
        ISA(dot_rows)(4, k, a + i * a_row, a_row, b, beta, c + i * c_row, c_row);
    for (; i < m; i++)
        ISA(dot_rows)(1, k, a + i * a_row, a_row, b, beta, c + i * c_row, c_row);
}

TARGET static void ISA(product)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const REAL *a,
                                ptrdiff_t a_row, ptrdiff_t a_column, const REAL *b,
                                ptrdiff_t b_row, ptrdiff_t b_column, REAL beta, REAL *c,
                                ptrdiff_t c_row) {
    if (m == 1 && b_column == 1 && (beta == 0 || beta == 1)) {
        ISA(single_row)(n, k, a, a_column, b, b_row, beta, c);
        return;
    }
    if (n == 1 && a_column == 1 && b_row == 1) {
        ISA(single_column)(m, k, a, a_row, b, beta, c, c_row);
        return;
    }
    /* Numbers that lie far apart cost a page each. A copy pays where it is used often. */
    int compact_a = a_row == 1 && a_column >= FAR_APART && n >= 4 * LANES;
    int compact_b = b_column != 1 || (b_row >= FAR_APART && m >= 4 * TILE_ROWS);
    ptrdiff_t most = DEPTH;
    REAL small[LEAST_DEPTH * 2 * LANES] __attribute__((aligned(64)));
    REAL *panel_copy = small, *block_copy = NULL;
    if (compact_a || (k > LEAST_DEPTH && (compact_b || n % LANES))) {
        _Static_assert(DEPTH * 2 * VECTOR_BYTES <= PANEL_BYTES &&
                           DEPTH * 8 * VECTOR_BYTES <= BLOCK_BYTES,
                       "a panel and a block fit into the buffer of a thread");
        char *buffer = buffer_of_thread();
        if (buffer) {
            panel_copy = (REAL *)buffer;
            block_copy = (REAL *)(buffer + BLOCK_START);
            BUFFER_PART(buffer, (k < DEPTH ? k : DEPTH) * 2 * VECTOR_BYTES,
                        PANEL_BYTES);
            BUFFER_PART(block_copy, (k < DEPTH ? k : DEPTH) * 8 * VECTOR_BYTES,
                        BLOCK_BYTES);
        } else {
            most = LEAST_DEPTH;
            compact_a = 0;
        }
    }
    for (ptrdiff_t p = 0; p == 0 || p < k; p += most, beta = 1) {
        ptrdiff_t depth = k - p < most ? k - p : most;
        for (ptrdiff_t i = 0; i < m; i += BLOCK) {
            ptrdiff_t rows = m - i < BLOCK ? m - i : BLOCK;
            const REAL *block = a + i * a_row + p * a_column;
            ptrdiff_t block_column = a_column;
            if (compact_a) {
                ISA(pack)(depth, rows, BLOCK, block, a_column, 1, block_copy);
                block = block_copy;
                block_column = BLOCK;
            }
            for (ptrdiff_t j = 0; j < n; j += 2 * LANES) {
                ptrdiff_t width = n - j < 2 * LANES ? n - j : 2 * LANES;
                ptrdiff_t full = width > LANES ? 2 * LANES : LANES;
                const REAL *panel = b + p * b_row + j * b_column;
                ptrdiff_t panel_row = b_row;
                if (compact_b || width < full) {
                    ISA(pack)(depth, width, full, panel, b_row, b_column, panel_copy);
                    panel = panel_copy;
                    panel_row = full;
                }
                REAL *corner = c + i * c_row + j;
                if (full > LANES)
                    ISA(wide_column)(rows, depth, block, a_row, block_column, panel,
                                     panel_row, beta, corner, c_row, width);
                else
                    ISA(narrow_column)(rows, depth, block, a_row, block_column, panel,
                                       panel_row, beta, corner, c_row, width);
            }
        }
    }
}

#undef LANES
#undef DEPTH
#undef LEAST_DEPTH
#undef BLOCK
