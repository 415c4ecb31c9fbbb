#ifndef REAL
#include "ops/merge/merge.h"

#include "base/compiler.h"

/* No sum of float32 grows longer. */
enum { NUMBERS_SUMMED = 4096 };

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
        for (ptrdiff_t first = 0; first < n; first += NUMBERS_SUMMED) {                \
            ptrdiff_t end = n - first < NUMBERS_SUMMED ? n : first + NUMBERS_SUMMED;   \
            REAL sum = 0;                                                              \
            SIMD_SUM(sum)                                                              \
            for (ptrdiff_t j = first; j < end; j++)                                    \
                sum += dy[j] * NAMED(slope_of_##name)(a, b[j]);                        \
            d[0] += sum;                                                               \
        }                                                                              \
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
    static void NAMED(gradient_rows_##name)(const paired_axes_t *axes, int operand,    \
                                            int sums, const REAL *dy, const REAL *a,   \
                                            const REAL *b, REAL *d) {                  \
        ptrdiff_t last = axes->rank - 1, n = axes->length[last];                       \
        int a_moves = axes->stride[operand][last] != 0;                                \
        int b_moves = axes->stride[!operand][last] != 0;                               \
        row_t row = {0};                                                               \
        do {                                                                           \
            ptrdiff_t own = row.at[operand], other = row.at[!operand];                 \
            if (!a_moves)                                                              \
                NAMED(sum_row_##name)(n, dy, a[own], b + other, d + own);              \
            else if (sums)                                                             \
                NAMED(add_row_##name)(n, dy, a + own, b + other, b_moves, d + own);    \
            else                                                                       \
                NAMED(write_row_##name)(n, dy, a + own, b + other, b_moves, d + own);  \
            dy += n;                                                                   \
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
