/* Both products for one type of column numbers (INDEX), of stored values (VALUE) and of
   REAL.

   The dense rows are taken in strips, the widest first: of a strip, what is summed up or
   spread out stays in registers while the values of a sparse row pass by. They are summed
   up four at a time, so that their sums do not wait for one another. */

#define DENSE_ROW(P) (b + (ptrdiff_t)column[P] * n + j)
#define FACTOR(P) ((REAL)value[P])
#define SUM_UP(STRIP)                                                            \
    for (; j + LANES(STRIP) <= n; j += LANES(STRIP)) {                           \
        STRIP sum = STRIP_AT(STRIP, dense + j);                                  \
        ptrdiff_t p = 0;                                                         \
        for (; p + 4 <= count; p += 4) {                                         \
            STRIP even = FACTOR(p) * STRIP_AT(STRIP, DENSE_ROW(p)) +             \
                         FACTOR(p + 2) * STRIP_AT(STRIP, DENSE_ROW(p + 2));      \
            STRIP odd = FACTOR(p + 1) * STRIP_AT(STRIP, DENSE_ROW(p + 1)) +      \
                        FACTOR(p + 3) * STRIP_AT(STRIP, DENSE_ROW(p + 3));       \
            sum += even + odd;                                                   \
        }                                                                        \
        for (; p < count; p++) sum += FACTOR(p) * STRIP_AT(STRIP, DENSE_ROW(p)); \
        STRIP_AT(STRIP, dense + j) = sum;                                        \
    }

#define SPREAD_OUT(STRIP)                                                         \
    for (; j + LANES(STRIP) <= n; j += LANES(STRIP)) {                            \
        STRIP row = STRIP_AT(STRIP, dense + j);                                   \
        for (ptrdiff_t p = 0; p < count; p++)                                     \
            STRIP_AT(STRIP, c + (ptrdiff_t)column[p] * n + j) += FACTOR(p) * row; \
    }

/* Shuffled rows lie anywhere: without asking for them early, most of the time would be
   spent waiting for the first numbers of each. */
#define FETCH(TYPE, FROM, ROW)                                                  \
    for (ptrdiff_t p = start_of(a, ROW), end = start_of(a, (ROW) + 1); p < end; \
         p += CACHE_LINE / (ptrdiff_t)sizeof(TYPE))                             \
        PREFETCH((const TYPE *)(FROM) + p);

#define EACH_ROW(COUNT, DENSE, BODY)                             \
    for (ptrdiff_t i = 0; i < (COUNT); i++) {                    \
        ptrdiff_t first = start_of(a, a->rows[i]);               \
        ptrdiff_t count = start_of(a, a->rows[i] + 1) - first;   \
        if (i + AHEAD < (COUNT)) {                               \
            FETCH(INDEX, a->columns, a->rows[i + AHEAD])         \
            FETCH(VALUE, a->values, a->rows[i + AHEAD])          \
        }                                                        \
        const INDEX *column = (const INDEX *)a->columns + first; \
        const VALUE *value = (const VALUE *)a->values + first;   \
        DENSE                                                    \
        ptrdiff_t j = 0;                                         \
        BODY(WIDE) BODY(NARROW) BODY(REAL)                       \
    }

static void TYPED(product)(ptrdiff_t m, ptrdiff_t n, const sparse_rows_t *a,
                           const REAL *b, REAL *c) {
    EACH_ROW(m, REAL *dense = c + i * n;, SUM_UP)
}

static void TYPED(transposed)(ptrdiff_t k, ptrdiff_t n, const sparse_rows_t *a,
                              const REAL *b, REAL *c) {
    EACH_ROW(k, const REAL *dense = b + i * n;, SPREAD_OUT)
}

#undef DENSE_ROW
#undef FACTOR
#undef SUM_UP
#undef SPREAD_OUT
#undef FETCH
#undef EACH_ROW
