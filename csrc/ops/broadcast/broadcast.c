#ifndef REAL
#include "ops/broadcast/broadcast.h"
#include "base/compiler.h"
#include "tables/elementwise.h"

#define BODY "ops/broadcast/broadcast.c"
#include "base/each_level.h"
#else

#include "ops/broadcast/broadcast_formulas.h"

#define ROW(name, reads, default, value, slope)                                        \
    static void NAMED(add_##name)(                                                     \
        ptrdiff_t m, ptrdiff_t n, const REAL *a, ptrdiff_t a_lead, const REAL *b,      \
        ptrdiff_t b_row, ptrdiff_t b_column, REAL option, REAL *y, ptrdiff_t y_lead) { \
        for (ptrdiff_t i = 0; i < m; i++, a += a_lead, y += y_lead) {                  \
            if (b_column) {                                                            \
                const REAL *s = b + i * b_row;                                         \
                SIMD                                                                   \
                for (ptrdiff_t j = 0; j < n; j++)                                      \
                    y[j] = NAMED(value_of_##name)(a[j] + s[j], option);                \
            } else {                                                                   \
                REAL s = b ? b[i * b_row] : 0;                                         \
                SIMD                                                                   \
                for (ptrdiff_t j = 0; j < n; j++)                                      \
                    y[j] = NAMED(value_of_##name)(a[j] + s, option);                   \
            }                                                                          \
        }                                                                              \
    }                                                                                  \
    static void NAMED(slope_##name)(ptrdiff_t m, ptrdiff_t n, const REAL *dy,          \
                                    ptrdiff_t dy_lead, const REAL *saved,              \
                                    ptrdiff_t saved_lead, REAL option, REAL *da,       \
                                    ptrdiff_t da_lead) {                               \
        for (ptrdiff_t i = 0; i < m;                                                   \
             i++, dy += dy_lead, saved += saved_lead, da += da_lead) {                 \
            SIMD                                                                       \
            for (ptrdiff_t j = 0; j < n; j++)                                          \
                da[j] = dy[j] * NAMED(slope_of_##name)(saved[j], option);              \
        }                                                                              \
    }
ACTIVATION_TABLE(ROW)
#undef ROW

#define ROW(name, reads, default, value, slope) NAMED(add_##name),
TABLE(add_loop, add_loops) = {ACTIVATION_TABLE(ROW)};
#undef ROW
CHOOSE(add_loops)
#define ROW(name, reads, default, value, slope) NAMED(slope_##name),
TABLE(slope_loop, slope_loops) = {ACTIVATION_TABLE(ROW)};
#undef ROW
CHOOSE(slope_loops)

enum { NAMED(LANES) = STRIP_NUMBERS(64 / sizeof(REAL)) };
typedef STRIP_OF(REAL, 64 / sizeof(REAL)) NAMED(strip);

/* The sums over m rows of the numbers in one strip. */
HOST_DEVICE void NAMED(sum_strips)(ptrdiff_t m, const REAL *d, ptrdiff_t lead,
                                   REAL *sum) {
    NAMED(strip) even = {0}, odd = {0};
    ptrdiff_t i = 0;
    for (; i + 4 <= m; i += 4, d += 4 * lead) {
        even += STRIP_AT(NAMED(strip), d) + STRIP_AT(NAMED(strip), d + 2 * lead);
        odd += STRIP_AT(NAMED(strip), d + lead) + STRIP_AT(NAMED(strip), d + 3 * lead);
    }
    for (; i < m; i++, d += lead) even += STRIP_AT(NAMED(strip), d);
    STRIP_AT(NAMED(strip), sum) = even + odd;
}

static void NAMED(reduce_columns)(ptrdiff_t m, ptrdiff_t n, const REAL *d,
                                  ptrdiff_t lead, REAL *db) {
    REAL sum[NAMED(LANES)];
    ptrdiff_t j = 0;
    for (; j + NAMED(LANES) <= n; j += NAMED(LANES)) {
        NAMED(sum_strips)(m, d + j, lead, sum);
        STRIP_AT(NAMED(strip), db + j) += STRIP_AT(NAMED(strip), sum);
    }
    if (j == n) return;
    if (j) { /* the last strip begins earlier: some of its sums are known */
        NAMED(sum_strips)(m, d + n - NAMED(LANES), lead, sum);
        for (; j < n; j++) db[j] += sum[j - (n - NAMED(LANES))];
        return;
    }
    for (ptrdiff_t i = 0; i < m; i++, d += lead) {
        SIMD
        for (ptrdiff_t k = 0; k < n; k++) db[k] += d[k];
    }
}

LOOP void NAMED(reduce)(ptrdiff_t m, ptrdiff_t n, const REAL *d, ptrdiff_t d_lead,
                        REAL *db, ptrdiff_t b_row, ptrdiff_t b_column) {
    if (b_row == 0 && b_column) {
        NAMED(reduce_columns)(m, n, d, d_lead, db);
        return;
    }
    for (ptrdiff_t i = 0; i < m; i++, d += d_lead, db += b_row) {
        if (b_column) {
            SIMD
            for (ptrdiff_t j = 0; j < n; j++) db[j] += d[j];
        } else {
            REAL sum = 0;
            SIMD_SUM(sum)
            for (ptrdiff_t j = 0; j < n; j++) sum += d[j];
            db[0] += sum;
        }
    }
}
CHOOSE(reduce)

#endif
