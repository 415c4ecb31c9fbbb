#ifndef REAL
#include "ops/batch_norm/batch_norm.h"
#include "base/compiler.h"

/* So many numbers are worked on together: they stay in the first-level cache between the
   mean and the deviations from it, and sums of a few rows are summed up, which loses fewer
   digits than one long sum. */
enum { ROWS_TOGETHER = 64, COLUMNS_TOGETHER = 64 };

#define BODY "ops/batch_norm/batch_norm.c"
#include "base/each_level.h"
#else

#include "ops/batch_norm/batch_norm_formulas.h"

/* The sums of some columns, over m rows that lie lead apart. */
HOST_DEVICE void NAMED(sum_rows)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t lead,
                                 const REAL *x, REAL *sum) {
    ptrdiff_t i = 0;
    for (ptrdiff_t j = 0; j < n; j++) sum[j] = 0;
    for (; i + 4 <= m; i += 4, x += 4 * lead) {
        const REAL *a = x, *b = x + lead, *c = x + 2 * lead, *d = x + 3 * lead;
        SIMD
        for (ptrdiff_t j = 0; j < n; j++) sum[j] += (a[j] + b[j]) + (c[j] + d[j]);
    }
    for (; i < m; i++, x += lead) {
        SIMD
        for (ptrdiff_t j = 0; j < n; j++) sum[j] += x[j];
    }
}

/* The sums of the squared deviations from the means. */
HOST_DEVICE void NAMED(sum_squares)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t lead,
                                    const REAL *x, const REAL *mean, REAL *sum) {
    ptrdiff_t i = 0;
    for (ptrdiff_t j = 0; j < n; j++) sum[j] = 0;
    for (; i + 4 <= m; i += 4, x += 4 * lead) {
        const REAL *a = x, *b = x + lead, *c = x + 2 * lead, *d = x + 3 * lead;
        SIMD
        for (ptrdiff_t j = 0; j < n; j++)
            sum[j] +=
                (NAMED(square_of)(a[j] - mean[j]) + NAMED(square_of)(b[j] - mean[j])) +
                (NAMED(square_of)(c[j] - mean[j]) + NAMED(square_of)(d[j] - mean[j]));
    }
    for (; i < m; i++, x += lead) {
        SIMD
        for (ptrdiff_t j = 0; j < n; j++) sum[j] += NAMED(square_of)(x[j] - mean[j]);
    }
}

HOST_DEVICE void NAMED(join)(ptrdiff_t n, ptrdiff_t rows, REAL *mean, REAL *square,
                             ptrdiff_t other_rows, const REAL *other_mean,
                             const REAL *other_square) {
    REAL share = (REAL)other_rows / (REAL)(rows + other_rows);
    REAL weight = (REAL)rows * share;
    SIMD
    for (ptrdiff_t j = 0; j < n; j++)
        NAMED(join_column)(&mean[j], &square[j], other_mean[j], other_square[j], share,
                           weight);
}

LOOP void NAMED(join_moments_loop)(ptrdiff_t n, ptrdiff_t rows, REAL *moments,
                                   ptrdiff_t other_rows, const REAL *others) {
    NAMED(join)(n, rows, moments + MOMENT_MEAN * n, moments + MOMENT_SQUARE * n,
                other_rows, others + MOMENT_MEAN * n, others + MOMENT_SQUARE * n);
}
CHOOSE(join_moments_loop)

LOOP void NAMED(batch_moments_loop)(ptrdiff_t m, ptrdiff_t n, const REAL *x,
                                    REAL *moments) {
    REAL own_mean[COLUMNS_TOGETHER], own_square[COLUMNS_TOGETHER];
    for (ptrdiff_t k = 0; k < n; k += COLUMNS_TOGETHER) {
        ptrdiff_t columns = n - k < COLUMNS_TOGETHER ? n - k : COLUMNS_TOGETHER;
        REAL *mean = moments + MOMENT_MEAN * n + k;
        REAL *square = moments + MOMENT_SQUARE * n + k;
        for (ptrdiff_t j = 0; j < columns; j++) mean[j] = square[j] = 0;
        for (ptrdiff_t i = 0; i < m; i += ROWS_TOGETHER) {
            ptrdiff_t rows = m - i < ROWS_TOGETHER ? m - i : ROWS_TOGETHER;
            const REAL *block = x + i * n + k;
            NAMED(sum_rows)(rows, columns, n, block, own_mean);
            for (ptrdiff_t j = 0; j < columns; j++) own_mean[j] /= (REAL)rows;
            NAMED(sum_squares)(rows, columns, n, block, own_mean, own_square);
            NAMED(join)(columns, i, mean, square, rows, own_mean, own_square);
        }
    }
}
CHOOSE(batch_moments_loop)

LOOP void NAMED(table_loop)(ptrdiff_t n, const REAL *mean, const REAL *square,
                            REAL rows, REAL epsilon, const REAL *scale,
                            const REAL *offset, REAL *table) {
    REAL *inverse = table + TABLE_INVERSE * n, *factor = table + TABLE_FACTOR * n;
    if (mean)
        memcpy(table + TABLE_MEAN * n, mean, (size_t)n * sizeof(REAL));
    else
        memset(table + TABLE_MEAN * n, 0, (size_t)n * sizeof(REAL));
    SIMD
    for (ptrdiff_t j = 0; j < n; j++)
        inverse[j] = NAMED(inverse_deviation)(square[j], rows, epsilon);
    memcpy(factor, inverse, (size_t)n * sizeof(REAL));
    if (scale) {
        SIMD
        for (ptrdiff_t j = 0; j < n; j++) factor[j] *= scale[j];
    }
    if (offset)
        memcpy(table + TABLE_OFFSET * n, offset, (size_t)n * sizeof(REAL));
    else
        memset(table + TABLE_OFFSET * n, 0, (size_t)n * sizeof(REAL));
}
CHOOSE(table_loop)

LOOP void NAMED(running_loop)(ptrdiff_t n, REAL keep, REAL part, const REAL *x,
                              REAL *gradient) {
    if (keep == 0) memset(gradient, 0, (size_t)n * sizeof(REAL)); /* it may be NaN */
    SIMD
    for (ptrdiff_t j = 0; j < n; j++)
        gradient[j] = NAMED(moved)(gradient[j], keep, x[j], part);
}
CHOOSE(running_loop)

LOOP void NAMED(batch_norm_loop)(ptrdiff_t m, ptrdiff_t n, const REAL *x,
                                 const REAL *table, REAL *y) {
    const REAL *mean = table + TABLE_MEAN * n, *factor = table + TABLE_FACTOR * n;
    const REAL *offset = table + TABLE_OFFSET * n;
    ptrdiff_t i = 0;
    for (; i + 2 <= m; i += 2, x += 2 * n, y += 2 * n) {
        const REAL *a = x, *b = x + n;
        REAL *c = y, *d = y + n;
        SIMD
        for (ptrdiff_t j = 0; j < n; j++) {
            c[j] = NAMED(normalised)(a[j], mean[j], factor[j], offset[j]);
            d[j] = NAMED(normalised)(b[j], mean[j], factor[j], offset[j]);
        }
    }
    for (; i < m; i++, x += n, y += n) {
        SIMD
        for (ptrdiff_t j = 0; j < n; j++)
            y[j] = NAMED(normalised)(x[j], mean[j], factor[j], offset[j]);
    }
}
CHOOSE(batch_norm_loop)

LOOP void NAMED(batch_norm_sums_loop)(ptrdiff_t m, ptrdiff_t n, const REAL *dy,
                                      const REAL *x, const REAL *table, REAL *sum,
                                      REAL *product) {
    REAL own_sum[COLUMNS_TOGETHER], own_product[COLUMNS_TOGETHER];
    memset(sum, 0, (size_t)n * sizeof(REAL));
    memset(product, 0, (size_t)n * sizeof(REAL));
    for (ptrdiff_t k = 0; k < n; k += COLUMNS_TOGETHER) {
        ptrdiff_t columns = n - k < COLUMNS_TOGETHER ? n - k : COLUMNS_TOGETHER;
        const REAL *mean = table + TABLE_MEAN * n + k;
        const REAL *inverse = table + TABLE_INVERSE * n + k;
        for (ptrdiff_t first = 0; first < m; first += ROWS_TOGETHER) {
            ptrdiff_t end = m - first < ROWS_TOGETHER ? m : first + ROWS_TOGETHER;
            ptrdiff_t i = first;
            for (ptrdiff_t j = 0; j < columns; j++) own_sum[j] = own_product[j] = 0;
            for (; i + 2 <= end; i += 2) {
                const REAL *a = dy + i * n + k, *b = a + n;
                const REAL *p = x + i * n + k, *q = p + n;
                SIMD
                for (ptrdiff_t j = 0; j < columns; j++) {
                    own_sum[j] += a[j] + b[j];
                    own_product[j] += a[j] * (p[j] - mean[j]) + b[j] * (q[j] - mean[j]);
                }
            }
            if (i < end) {
                const REAL *a = dy + i * n + k, *p = x + i * n + k;
                SIMD
                for (ptrdiff_t j = 0; j < columns; j++) {
                    own_sum[j] += a[j];
                    own_product[j] += a[j] * (p[j] - mean[j]);
                }
            }
            SIMD
            for (ptrdiff_t j = 0; j < columns; j++) {
                sum[k + j] += own_sum[j];
                product[k + j] += own_product[j] * inverse[j];
            }
        }
    }
}
CHOOSE(batch_norm_sums_loop)

LOOP void NAMED(correction_loop)(ptrdiff_t n, REAL rows, const REAL *table,
                                 REAL *correction) {
    const REAL *inverse = table + TABLE_INVERSE * n;
    REAL *shift = correction + CORRECTION_SHIFT * n;
    REAL *slope = correction + CORRECTION_SLOPE * n;
    SIMD
    for (ptrdiff_t j = 0; j < n; j++) {
        shift[j] = NAMED(mean_of_gradient)(shift[j], rows);
        slope[j] = NAMED(slope_of_gradient)(slope[j], rows, inverse[j]);
    }
}
CHOOSE(correction_loop)

LOOP void NAMED(batch_norm_gradient_loop)(ptrdiff_t m, ptrdiff_t n, const REAL *dy,
                                          const REAL *x, const REAL *table,
                                          const REAL *correction, REAL *dx) {
    const REAL *mean = table + TABLE_MEAN * n, *factor = table + TABLE_FACTOR * n;
    const REAL *shift = correction + CORRECTION_SHIFT * n;
    const REAL *slope = correction + CORRECTION_SLOPE * n;
    ptrdiff_t i = 0;
    for (; i + 2 <= m; i += 2, dy += 2 * n, x += 2 * n, dx += 2 * n) {
        const REAL *a = dy, *b = dy + n, *p = x, *q = x + n;
        REAL *c = dx, *d = dx + n;
        SIMD
        for (ptrdiff_t j = 0; j < n; j++) {
            c[j] = NAMED(corrected)(a[j], p[j], mean[j], factor[j], shift[j], slope[j]);
            d[j] = NAMED(corrected)(b[j], q[j], mean[j], factor[j], shift[j], slope[j]);
        }
    }
    for (; i < m; i++, dy += n, x += n, dx += n) {
        SIMD
        for (ptrdiff_t j = 0; j < n; j++)
            dx[j] =
                NAMED(corrected)(dy[j], x[j], mean[j], factor[j], shift[j], slope[j]);
    }
}
CHOOSE(batch_norm_gradient_loop)

#endif
