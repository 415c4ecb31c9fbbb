#ifndef REAL
#include "row_norm.h"
#include "strips.h"
#include <math.h>
#define BODY "row_norm.c"
#include "each_real.h"
#else

/* What is known of a row. The mean is a rounded one, which of rows far from 0 has too few
   digits: the rest is what it lacks, the mean of x - mean. */
typedef struct {
    REAL mean, rest, inverse;
} NAMED(statistics);

#define NORMALISED(x) (((x) - row.mean - row.rest) * row.inverse)

/* The variance takes a second pass over the row, corrected for the rest: Chan, Golub and
   LeVeque, "Algorithms for computing the sample variance", The American Statistician 37,
   1983. */
HOST_DEVICE NAMED(statistics)
    NAMED(statistics_of)(int centered, ptrdiff_t n, const REAL *x, double epsilon) {
    NAMED(statistics) row = {0, 0, 0};
    REAL rest = 0, squares = 0;
    if (centered) {
#define TERMS(T, j, sum, unused) sum += AT(T, x + j);
        REAL sum = 0, unused = 0;
        SUM_STRIPS(n, TERMS, sum, unused);
        (void)unused;
#undef TERMS
        row.mean = sum / (REAL)n;
    }
#define TERMS(T, j, rest, squares) \
    T d = AT(T, x + j) - row.mean; \
    if (centered) rest += d;       \
    squares += d * d;
    SUM_STRIPS(n, TERMS, rest, squares);
#undef TERMS
    row.rest = rest / (REAL)n;
    double variance = (double)squares / (double)n - (double)row.rest * (double)row.rest;
    double inverse = 1 / sqrt((variance < 0 ? 0 : variance) + epsilon);
    row.inverse = (REAL)(inverse > 1e38 ? 1e38 : inverse); /* 0 times it must be 0 */
    return row;
}

HOST_DEVICE void NAMED(norm)(int centered, ptrdiff_t m, ptrdiff_t n, const REAL *x,
                             const REAL *scale, const REAL *offset, double epsilon,
                             REAL *y, REAL *saved) {
    for (ptrdiff_t i = 0; i < m; i++, x += n, y += n) {
        NAMED(statistics) row = NAMED(statistics_of)(centered, n, x, epsilon);
#define TERMS(T, j)                     \
    T h = NORMALISED(AT(T, x + j));     \
    if (scale) h *= AT(T, scale + j);   \
    if (offset) h += AT(T, offset + j); \
    AT(T, y + j) = h;
        EACH_STRIP(n, TERMS);
#undef TERMS
        if (centered) {
            *saved++ = row.mean;
            *saved++ = row.rest;
        }
        *saved++ = row.inverse;
    }
}

/* With g = dy * scale, h as above and means over the row:
   dx = (g - mean(g) - h mean(g h)) / sqrt(variance + epsilon), where only a row that was
   centered has mean(g). */
HOST_DEVICE void NAMED(norm_gradient)(int centered, ptrdiff_t m, ptrdiff_t n,
                                      const REAL *dy, const REAL *x, const REAL *scale,
                                      const REAL *saved, REAL *dx, REAL *dscale,
                                      REAL *doffset) {
    for (ptrdiff_t i = 0; i < m; i++, dy += n, x += n) {
        NAMED(statistics) row = {0, 0, 0};
        if (centered) {
            row.mean = *saved++;
            row.rest = *saved++;
        }
        row.inverse = *saved++;
        REAL sum = 0, along = 0;
#define TERMS(T, j, sum, along)             \
    T d = AT(T, dy + j);                    \
    T h = NORMALISED(AT(T, x + j));         \
    if (doffset) AT(T, doffset + j) += d;   \
    if (dscale) AT(T, dscale + j) += d * h; \
    if (scale) d *= AT(T, scale + j);       \
    if (centered) sum += d;                 \
    along += d * h;
        SUM_STRIPS(n, TERMS, sum, along);
#undef TERMS
        if (!dx) continue;
        sum /= (REAL)n;
        along /= (REAL)n;
#define TERMS(T, j)                   \
    T h = NORMALISED(AT(T, x + j));   \
    T d = AT(T, dy + j);              \
    if (scale) d *= AT(T, scale + j); \
    AT(T, dx + j) = (d - sum - h * along) * row.inverse;
        EACH_STRIP(n, TERMS);
#undef TERMS
        dx += n;
    }
}
#undef NORMALISED

/* Compiled once with the mean and once without. */
#define NORM(name, centered)                                                        \
    CLONES void NAMED(name)(ptrdiff_t m, ptrdiff_t n, const REAL *x,                \
                            const REAL *scale, const REAL *offset, double epsilon,  \
                            REAL *y, REAL *saved) {                                 \
        NAMED(norm)(centered, m, n, x, scale, offset, epsilon, y, saved);           \
    }                                                                               \
    CLONES void NAMED(name##_gradient)(                                             \
        ptrdiff_t m, ptrdiff_t n, const REAL *dy, const REAL *x, const REAL *scale, \
        const REAL *saved, REAL *dx, REAL *dscale, REAL *doffset) {                 \
        NAMED(norm_gradient)(centered, m, n, dy, x, scale, saved, dx, dscale,       \
                             doffset);                                              \
    }
NORM(rms_norm, 0)
NORM(layer_norm, 1)
#undef NORM

const NAMED(row_norm_loop)
    NAMED(row_norm_loops)[] = {NAMED(rms_norm), NAMED(layer_norm)};
const NAMED(row_norm_gradient_loop) NAMED(row_norm_gradient_loops)[] = {
    NAMED(rms_norm_gradient), NAMED(layer_norm_gradient)};

#endif
