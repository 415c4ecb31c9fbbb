/* Normalisation of rows and its adjoint, with and without the mean, by whoever has a row:
   see lanes.h. */
/* What is known of a row. The mean is a rounded one, which of rows far from 0 has too few
   digits: the rest is what it lacks, the mean of x - mean. */
typedef struct {
    REAL mean, rest, inverse;
} NAMED(statistics);

HOST_DEVICE REAL NAMED(normalized)(NAMED(statistics) row, REAL x) {
    return (x - row.mean - row.rest) * row.inverse;
}

/* The variance takes a second pass over the row, corrected for the rest: Chan, Golub and
   LeVeque, "Algorithms for computing the sample variance", The American Statistician 37,
   1983. */
HOST_DEVICE NAMED(statistics)
    NAMED(statistics_of)(int centered, ptrdiff_t n, const REAL *x, double epsilon) {
    NAMED(statistics) row = {0, 0, 0};
    if (centered) {
#define TERMS(j, sum, nothing) sum += x[j];
        REAL sum = 0, nothing = 0;
        SUM_TWO(n, TERMS, sum, nothing);
        (void)nothing;
        row.mean = sum / (REAL)n;
#undef TERMS
    }
#define TERMS(j, rest, squares) \
    REAL d = x[j] - row.mean;   \
    if (centered) rest += d;    \
    squares += d * d;
    REAL rest = 0, squares = 0;
    SUM_TWO(n, TERMS, rest, squares);
    row.rest = rest / (REAL)n;
#undef TERMS
    double variance = (double)squares / (double)n - (double)row.rest * (double)row.rest;
    double inverse = 1 / sqrt((variance < 0 ? 0 : variance) + epsilon);
    row.inverse = (REAL)(inverse > 1e38 ? 1e38 : inverse); /* 0 times it must be 0 */
    /* Where the squares overflow it must not be 0 but NaN, which is noticed. */
    row.inverse += 0 * squares;
    return row;
}

HOST_DEVICE void NAMED(norm)(int centered, ptrdiff_t m, ptrdiff_t n, const REAL *x,
                             const REAL *scale, const REAL *offset, double epsilon,
                             REAL *y, REAL *saved) {
    for (ptrdiff_t i = 0; i < m; i++, x += n, y += n) {
        NAMED(statistics) row = NAMED(statistics_of)(centered, n, x, epsilon);
        SIMD
        EACH_COLUMN(j, 0, n) {
            REAL h = NAMED(normalized)(row, x[j]);
            if (scale) h *= scale[j];
            if (offset) h += offset[j];
            y[j] = h;
        }
        if (centered) {
            *saved++ = row.mean;
            *saved++ = row.rest;
        }
        *saved++ = row.inverse;
    }
}

/* What was saved of row i. */
HOST_DEVICE NAMED(statistics)
    NAMED(statistics_from)(int centered, const REAL *saved, ptrdiff_t i) {
    NAMED(statistics) row = {0, 0, 0};
    if (centered) {
        row.mean = saved[3 * i];
        row.rest = saved[3 * i + 1];
        row.inverse = saved[3 * i + 2];
    } else {
        row.inverse = saved[i];
    }
    return row;
}

/* With g = dy * scale, h as above and means over the row:
   dx = (g - mean(g) - h mean(g h)) / sqrt(variance + epsilon), where only a row that was
   centered has mean(g). */
HOST_DEVICE void NAMED(norm_gradient)(int centered, ptrdiff_t m, ptrdiff_t n,
                                      const REAL *dy, const REAL *x, const REAL *scale,
                                      const REAL *saved, REAL *dx, REAL *dscale,
                                      REAL *doffset) {
    for (ptrdiff_t i = 0; i < m; i++, dy += n, x += n) {
        NAMED(statistics) row = NAMED(statistics_from)(centered, saved, i);
#define TERMS(j, sum, along)               \
    REAL g = dy[j];                        \
    REAL h = NAMED(normalized)(row, x[j]); \
    if (doffset) doffset[j] += g;          \
    if (dscale) dscale[j] += g * h;        \
    if (scale) g *= scale[j];              \
    if (centered) sum += g;                \
    along += g * h;
        REAL sum = 0, along = 0;
        SUM_TWO(n, TERMS, sum, along);
#undef TERMS
        if (!dx) continue;
        sum /= (REAL)n;
        along /= (REAL)n;
        SIMD
        EACH_COLUMN(j, 0, n) {
            REAL g = dy[j];
            if (scale) g *= scale[j];
            dx[j] = (g - sum - NAMED(normalized)(row, x[j]) * along) * row.inverse;
        }
        dx += n;
    }
}
