#ifndef REAL
#include "broadcast.h"
#include "elementwise.h"
#define BODY "broadcast.c"
#include "each_real.h"
#else

#include "scalar.h"

#define NOTHING (void)saved
#define OUTPUT REAL y = saved
#define INPUT REAL x = saved
#define ROW(name, reads, value, slope)                             \
    HOST_DEVICE REAL NAMED(name##_value)(REAL x) { return value; } \
    HOST_DEVICE REAL NAMED(name##_slope)(REAL saved) {             \
        reads;                                                     \
        return slope;                                              \
    }
ACTIVATION_TABLE(ROW)
#undef ROW
#undef NOTHING
#undef OUTPUT
#undef INPUT

HOST_DEVICE void NAMED(reduce_row)(ptrdiff_t n, const REAL *d, REAL *db,
                                   ptrdiff_t b_column) {
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

#define ROW(name, reads, value, slope)                                                \
    CLONES void NAMED(add_##name)(ptrdiff_t m, ptrdiff_t n, const REAL *a,            \
                                  const REAL *b, ptrdiff_t b_row, ptrdiff_t b_column, \
                                  REAL *y) {                                          \
        for (ptrdiff_t i = 0; i < m; i++, a += n, y += n) {                           \
            if (b_column) {                                                           \
                const REAL *s = b + i * b_row;                                        \
                SIMD                                                                  \
                for (ptrdiff_t j = 0; j < n; j++)                                     \
                    y[j] = NAMED(name##_value)(a[j] + s[j]);                          \
            } else {                                                                  \
                REAL s = b ? b[i * b_row] : 0;                                        \
                SIMD                                                                  \
                for (ptrdiff_t j = 0; j < n; j++)                                     \
                    y[j] = NAMED(name##_value)(a[j] + s);                             \
            }                                                                         \
        }                                                                             \
    }                                                                                 \
    CLONES void NAMED(add_gradient_##name)(ptrdiff_t m, ptrdiff_t n, const REAL *dy,  \
                                           const REAL *saved, REAL *da, REAL *db,     \
                                           ptrdiff_t b_row, ptrdiff_t b_column) {     \
        for (ptrdiff_t i = 0; i < m; i++, dy += n) {                                  \
            const REAL *d = dy;                                                       \
            if (da) {                                                                 \
                const REAL *s = saved + i * n;                                        \
                REAL *out = da + i * n;                                               \
                SIMD                                                                  \
                for (ptrdiff_t j = 0; j < n; j++)                                     \
                    out[j] = dy[j] * NAMED(name##_slope)(s[j]);                       \
                d = out;                                                              \
            }                                                                         \
            if (db) NAMED(reduce_row)(n, d, db + i * b_row, b_column);                \
        }                                                                             \
    }
ACTIVATION_TABLE(ROW)
#undef ROW

#define ROW(name, reads, value, slope) NAMED(add_##name),
const NAMED(add_loop) NAMED(add_loops)[] = {ACTIVATION_TABLE(ROW)};
#undef ROW
#define ROW(name, reads, value, slope) NAMED(add_gradient_##name),
const NAMED(add_gradient_loop) NAMED(add_gradient_loops)[] = {ACTIVATION_TABLE(ROW)};
#undef ROW

#endif
