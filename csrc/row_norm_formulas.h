/* Normalisation of rows and its adjoint, with and without the mean, in strips.h's words. */
#ifdef NORMALISED
#undef NORMALISED
#endif

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
