#ifndef REAL
#include "data/gather.h"

/* Column by column when a row's numbers lie far apart (Fortran order): the rows of one
   column share cache lines and pages, the columns of one row do not. */
#define EACH_PLACE(SOURCE, STORE)                                               \
    if (column_stride == 1) {                                                   \
        for (ptrdiff_t i = 0; i < m; i++) {                                     \
            const SOURCE *source = (const SOURCE *)from + rows[i] * row_stride; \
            SIMD                                                                \
            for (ptrdiff_t j = 0; j < n; j++) STORE(i, j, source[j]);           \
        }                                                                       \
    } else {                                                                    \
        for (ptrdiff_t j = 0; j < n; j++) {                                     \
            const SOURCE *source = (const SOURCE *)from + j * column_stride;    \
            for (ptrdiff_t i = 0; i < m; i++)                                   \
                STORE(i, j, source[rows[i] * row_stride]);                      \
        }                                                                       \
    }

#define STORE_TOKEN(i, j, value) \
    to[(i) * n + (j)] = (uint64_t)(value) < (uint64_t)n_tokens ? (int32_t)(value) : 0
#define DEFINE(SOURCE, NAME)                                                        \
    static void gather_tokens_##NAME(ptrdiff_t m, ptrdiff_t n, const void *from,    \
                                     ptrdiff_t row_stride, ptrdiff_t column_stride, \
                                     const ptrdiff_t *rows, ptrdiff_t n_tokens,     \
                                     int32_t *to) {                                 \
        EACH_PLACE(SOURCE, STORE_TOKEN)                                             \
    }
INTEGER_TYPES(DEFINE)
#undef DEFINE

#define ROW(SOURCE, NAME) gather_tokens_##NAME,
const gather_tokens_loop gather_tokens_loops[] = {INTEGER_TYPES(ROW)};
#undef ROW

#define STORE_REAL(i, j, value) to[(i) * n + (j)] = (REAL)(value)

#define BODY "data/gather.c"
#include "base/each_level.h"
#else

#define DEFINE(SOURCE, NAME)                                                        \
    static void NAMED(gather_##NAME)(ptrdiff_t m, ptrdiff_t n, const void *from,    \
                                     ptrdiff_t row_stride, ptrdiff_t column_stride, \
                                     const ptrdiff_t *rows, REAL *to) {             \
        EACH_PLACE(SOURCE, STORE_REAL)                                              \
    }
TABLE_TYPES(DEFINE)
#undef DEFINE

#define ROW(SOURCE, NAME) NAMED(gather_##NAME),
TABLE(gather_loop, gather_loops) = {TABLE_TYPES(ROW)};
#undef ROW
CHOOSE(gather_loops)

#endif
