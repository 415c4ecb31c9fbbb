#ifndef REAL
#include "ops/merge/merge.h"

#include "base/compiler.h"

/* So many numbers are worked on together: they stay in the first-level cache between the
   two gradients, and no sum of float32 grows longer. */
enum { NUMBERS_TOGETHER = 4096 };

#define BODY "ops/merge/merge.c"
#include "base/each_level.h"
#else

#include "ops/merge/merge_formulas.h"

/* Along a row one of a and b may rest; it is then b, because they may change places. */
#define ROW(name, value, slope)                                                        \
    static void NAMED(merge_rows_##name)(const paired_axes_t *axes, const REAL *a,     \
                                         const REAL *b, REAL *y) {                     \
        ptrdiff_t last = axes->rank - 1, n = axes->length[last];                       \
        int first = axes->stride[0][last] == 0;                                        \
        int both = axes->stride[!first][last] != 0;                                    \
        const REAL *const from[2] = {a, b};                                            \
        row_t row = {0};                                                               \
        do {                                                                           \
            const REAL *p = from[first] + row.at[first];                               \
            const REAL *q = from[!first] + row.at[!first];                             \
            if (both) {                                                                \
                SIMD                                                                   \
                for (ptrdiff_t j = 0; j < n; j++)                                      \
                    y[j] = NAMED(merge_##name)(p[j], q[j]);                            \
            } else {                                                                   \
                REAL s = q[0];                                                         \
                SIMD                                                                   \
                for (ptrdiff_t j = 0; j < n; j++) y[j] = NAMED(merge_##name)(p[j], s); \
            }                                                                          \
            y += n;                                                                    \
        } while (next_row(axes, &row));                                                \
    }                                                                                  \
    static void NAMED(sum_row_##name)(ptrdiff_t n, const REAL *dy, REAL a,             \
                                      const REAL *b, REAL *d) {                        \
        REAL sum = 0;                                                                  \
        SIMD_SUM(sum)                                                                  \
        for (ptrdiff_t j = 0; j < n; j++)                                              \
            sum += dy[j] * NAMED(slope_of_##name)(a, b[j]);                            \
        d[0] += sum;                                                                   \
    }                                                                                  \
    static void NAMED(add_row_##name)(ptrdiff_t n, const REAL *dy, const REAL *a,      \
                                      const REAL *b, int b_moves, REAL *d) {           \
        if (b_moves) {                                                                 \
            SIMD                                                                       \
            for (ptrdiff_t j = 0; j < n; j++)                                          \
                d[j] += dy[j] * NAMED(slope_of_##name)(a[j], b[j]);                    \
        } else {                                                                       \
            REAL s = b[0];                                                             \
            SIMD                                                                       \
            for (ptrdiff_t j = 0; j < n; j++)                                          \
                d[j] += dy[j] * NAMED(slope_of_##name)(a[j], s);                       \
        }                                                                              \
    }                                                                                  \
    static void NAMED(write_row_##name)(ptrdiff_t n, const REAL *dy, const REAL *a,    \
                                        const REAL *b, int b_moves, REAL *d) {         \
        if (b_moves) {                                                                 \
            SIMD                                                                       \
            for (ptrdiff_t j = 0; j < n; j++)                                          \
                d[j] = dy[j] * NAMED(slope_of_##name)(a[j], b[j]);                     \
        } else {                                                                       \
            REAL s = b[0];                                                             \
            SIMD                                                                       \
            for (ptrdiff_t j = 0; j < n; j++)                                          \
                d[j] = dy[j] * NAMED(slope_of_##name)(a[j], s);                        \
        }                                                                              \
    }                                                                                  \
    static void NAMED(gradient_rows_##name)(const paired_axes_t *axes, const REAL *dy, \
                                            const REAL *const *from, const int *sums,  \
                                            REAL *const *d) {                          \
        ptrdiff_t last = axes->rank - 1, n = axes->length[last];                       \
        const ptrdiff_t step[2] = {axes->stride[0][last], axes->stride[1][last]};      \
        row_t row = {0};                                                               \
        do {                                                                           \
            for (ptrdiff_t first = 0; first < n; first += NUMBERS_TOGETHER) {          \
                ptrdiff_t m =                                                          \
                    n - first < NUMBERS_TOGETHER ? n - first : NUMBERS_TOGETHER;       \
                for (int i = 1; i >= 0; i--) { /* the first gradient may be dy */      \
                    if (!d[i]) continue;                                               \
                    ptrdiff_t own = row.at[i] + first * step[i];                       \
                    const REAL *a = from[i] + own;                                     \
                    const REAL *b = from[!i] + row.at[!i] + first * step[!i];          \
                    int b_moves = step[!i] != 0;                                       \
                    if (!step[i])                                                      \
                        NAMED(sum_row_##name)(m, dy, a[0], b, d[i] + own);             \
                    else if (sums[i])                                                  \
                        NAMED(add_row_##name)(m, dy, a, b, b_moves, d[i] + own);       \
                    else                                                               \
                        NAMED(write_row_##name)(m, dy, a, b, b_moves, d[i] + own);     \
                }                                                                      \
                dy += m;                                                               \
            }                                                                          \
        } while (next_row(axes, &row));                                                \
    }
MERGE_TABLE(ROW)
#undef ROW

#define ROW(name, value, slope) NAMED(merge_rows_##name),
TABLE(merge_loop, merge_loops) = {MERGE_TABLE(ROW)};
#undef ROW
CHOOSE(merge_loops)
#define ROW(name, value, slope) NAMED(gradient_rows_##name),
TABLE(merge_gradient_loop, merge_gradient_loops) = {MERGE_TABLE(ROW)};
#undef ROW
CHOOSE(merge_gradient_loops)

LOOP void NAMED(scale_loop)(ptrdiff_t n, const REAL *x, REAL factor, REAL shift,
                            REAL *y) {
    SIMD
    for (ptrdiff_t i = 0; i < n; i++) y[i] = factor * x[i] + shift;
}
CHOOSE(scale_loop)

#endif
