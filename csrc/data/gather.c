#ifndef REAL
#include "data/gather.h"
#define BODY "data/gather.c"
#include "base/each_level.h"
#else

/* Column by column when a row's numbers lie far apart (Fortran order): the rows of one
   column share cache lines and pages, the columns of one row do not. */
#define DEFINE(SOURCE, name)                                                         \
    LOOP void NAMED(name)(ptrdiff_t m, ptrdiff_t n, const SOURCE *from,              \
                          ptrdiff_t row_stride, ptrdiff_t column_stride,             \
                          const ptrdiff_t *rows, REAL *to) {                         \
        if (column_stride == 1) {                                                    \
            for (ptrdiff_t i = 0; i < m; i++) {                                      \
                const SOURCE *source = from + (rows ? rows[i] : i) * row_stride;     \
                SIMD                                                                 \
                for (ptrdiff_t j = 0; j < n; j++) to[i * n + j] = (REAL)source[j];   \
            }                                                                        \
        } else {                                                                     \
            for (ptrdiff_t j = 0; j < n; j++) {                                      \
                const SOURCE *source = from + j * column_stride;                     \
                for (ptrdiff_t i = 0; i < m; i++)                                    \
                    to[i * n + j] = (REAL)source[(rows ? rows[i] : i) * row_stride]; \
            }                                                                        \
        }                                                                            \
    }                                                                                \
    CHOOSE(name)
DEFINE(float, gather_f32)
DEFINE(double, gather_f64)
#undef DEFINE

#endif
