#ifndef REAL
#include "ops/pool/pool.h"

enum { FEW_CHANNELS = 16 };

/* Whether no place of an axis has two windows. */
static int are_apart(const pooled_axis_t *axis) {
    for (ptrdiff_t i = 1; i < axis->count; i++)
        if (axis->begin[i] < axis->end[i - 1]) return 0;
    return 1;
}

#define BODY "ops/pool/pool.c"
#include "base/each_level.h"
#else

/* A window, or a place of a sample, is a row of n channels; all loops run over these. */

/* One more place of a window, its number k. A NaN wins, and of equals the first. */
static void NAMED(max_place)(ptrdiff_t n, const REAL *x, REAL_INT k, REAL *y,
                             REAL_INT *largest) {
    if (largest) {
        SIMD
        for (ptrdiff_t c = 0; c < n; c++) {
            int wins = (x[c] > y[c]) | (x[c] != x[c]);
            y[c] = wins ? x[c] : y[c];
            largest[c] = wins ? k : largest[c];
        }
    } else {
        SIMD
        for (ptrdiff_t c = 0; c < n; c++)
            y[c] = (x[c] > y[c]) | (x[c] != x[c]) ? x[c] : y[c];
    }
}

/* The same of all places of a window of 2 x 2 in one go, which most are. */
static void NAMED(max_of_four)(ptrdiff_t n, const REAL *a, const REAL *b, const REAL *c,
                               const REAL *d, REAL *y, REAL_INT *largest) {
    if (largest) {
        SIMD
        for (ptrdiff_t i = 0; i < n; i++) {
            REAL best = a[i];
            REAL_INT k = 0;
            int wins = (b[i] > best) | (b[i] != b[i]);
            best = wins ? b[i] : best;
            k = wins ? 1 : k;
            wins = (c[i] > best) | (c[i] != c[i]);
            best = wins ? c[i] : best;
            k = wins ? 2 : k;
            wins = (d[i] > best) | (d[i] != d[i]);
            y[i] = wins ? d[i] : best;
            largest[i] = wins ? 3 : k;
        }
    } else {
        SIMD
        for (ptrdiff_t i = 0; i < n; i++) {
            REAL best = a[i];
            best = (b[i] > best) | (b[i] != b[i]) ? b[i] : best;
            best = (c[i] > best) | (c[i] != c[i]) ? c[i] : best;
            y[i] = (d[i] > best) | (d[i] != d[i]) ? d[i] : best;
        }
    }
}

static void NAMED(add_place)(ptrdiff_t n, const REAL *x, REAL *y) {
    SIMD
    for (ptrdiff_t c = 0; c < n; c++) y[c] += x[c];
}

static void NAMED(scale_window)(ptrdiff_t n, REAL factor, REAL *y) {
    SIMD
    for (ptrdiff_t c = 0; c < n; c++) y[c] *= factor;
}

static void NAMED(sum_of_four)(ptrdiff_t n, const REAL *a, const REAL *b, const REAL *c,
                               const REAL *d, REAL factor, REAL *y) {
    SIMD
    for (ptrdiff_t i = 0; i < n; i++) y[i] = factor * (a[i] + b[i] + c[i] + d[i]);
}

LOOP void NAMED(pool_sample)(int code, const pooled_t *pooled, const REAL *x, REAL *y,
                             REAL_INT *largest) {
    const pooled_axis_t *rows = &pooled->rows, *columns = &pooled->columns;
    ptrdiff_t n = pooled->channels, width = columns->length * n;
    for (ptrdiff_t i = 0; i < rows->count; i++) {
        ptrdiff_t high = rows->end[i] - rows->begin[i];
        for (ptrdiff_t j = 0; j < columns->count; j++) {
            ptrdiff_t wide = columns->end[j] - columns->begin[j];
            const REAL *from = x + rows->begin[i] * width + columns->begin[j] * n;
            REAL factor = code == POOL_MEAN ? 1 / (REAL)(high * wide) : 1;
            if (high == 2 && wide == 2) {
                const REAL *below = from + width;
                if (code == POOL_MAX)
                    NAMED(max_of_four)(n, from, from + n, below, below + n, y, largest);
                else
                    NAMED(sum_of_four)(n, from, from + n, below, below + n, factor, y);
            } else {
                memcpy(y, from, (size_t)n * sizeof(REAL));
                if (largest) memset(largest, 0, (size_t)n * sizeof(REAL_INT));
                for (ptrdiff_t k = 1; k < high * wide; k++) {
                    const REAL *place = from + k / wide * width + k % wide * n;
                    if (code == POOL_MAX)
                        NAMED(max_place)(n, place, (REAL_INT)k, y, largest);
                    else
                        NAMED(add_place)(n, place, y);
                }
                if (code == POOL_MEAN) NAMED(scale_window)(n, factor, y);
            }
            y += n;
            if (largest) largest += n;
        }
    }
}
CHOOSE(pool_sample)

/* What one window gives to a place: the first that does writes, others add. */
static void NAMED(give)(ptrdiff_t n, int writes, const REAL *dy, REAL factor,
                        REAL *dx) {
    if (writes) {
        SIMD
        for (ptrdiff_t c = 0; c < n; c++) dx[c] = factor * dy[c];
    } else {
        SIMD
        for (ptrdiff_t c = 0; c < n; c++) dx[c] += factor * dy[c];
    }
}

/* The same of a maximum, to its place k. */
static void NAMED(give_largest)(ptrdiff_t n, int writes, const REAL *dy,
                                const REAL_INT *largest, REAL_INT k, REAL *dx) {
    if (writes) {
        SIMD
        for (ptrdiff_t c = 0; c < n; c++) dx[c] = largest[c] == k ? dy[c] : 0;
    } else {
        SIMD
        for (ptrdiff_t c = 0; c < n; c++) dx[c] += largest[c] == k ? dy[c] : 0;
    }
}

/* To all places of a window of 2 x 2 that no other window has. */
static void NAMED(give_four)(ptrdiff_t n, const REAL *dy, REAL factor, REAL *a, REAL *b,
                             REAL *c, REAL *d) {
    SIMD
    for (ptrdiff_t i = 0; i < n; i++) {
        REAL each = factor * dy[i];
        a[i] = each;
        b[i] = each;
        c[i] = each;
        d[i] = each;
    }
}

static void NAMED(give_largest_of_four)(ptrdiff_t n, const REAL *dy,
                                        const REAL_INT *largest, REAL *a, REAL *b,
                                        REAL *c, REAL *d) {
    SIMD
    for (ptrdiff_t i = 0; i < n; i++) {
        a[i] = largest[i] == 0 ? dy[i] : 0;
        b[i] = largest[i] == 1 ? dy[i] : 0;
        c[i] = largest[i] == 2 ? dy[i] : 0;
        d[i] = largest[i] == 3 ? dy[i] : 0;
    }
}

/* Places of rows that lie width apart become zero. */
static void NAMED(clear_places)(ptrdiff_t rows, ptrdiff_t width, ptrdiff_t n,
                                REAL *dx) {
    if (!n) return;
    for (ptrdiff_t i = 0; i < rows; i++, dx += width)
        memset(dx, 0, (size_t)n * sizeof(REAL));
}

/* Where no place has two windows: window by window, and what is between them. */
static void NAMED(gradient_apart)(int code, const pooled_t *pooled, const REAL *dy,
                                  const REAL_INT *largest, REAL *dx) {
    const pooled_axis_t *rows = &pooled->rows, *columns = &pooled->columns;
    ptrdiff_t n = pooled->channels, width = columns->length * n, row = 0;
    for (ptrdiff_t i = 0; i < rows->count; i++) {
        ptrdiff_t high = rows->end[i] - rows->begin[i], column = 0;
        NAMED(clear_places)(1, 0, (rows->begin[i] - row) * width, dx + row * width);
        REAL *top = dx + rows->begin[i] * width;
        for (ptrdiff_t j = 0; j < columns->count; j++) {
            ptrdiff_t begin = columns->begin[j], wide = columns->end[j] - begin;
            NAMED(clear_places)(high, width, (begin - column) * n, top + column * n);
            REAL factor = code == POOL_MEAN ? 1 / (REAL)(high * wide) : 1;
            REAL *to = top + begin * n, *below = to + width;
            if (high == 2 && wide == 2 && code == POOL_MAX) {
                NAMED(give_largest_of_four)(n, dy, largest, to, to + n, below,
                                            below + n);
            } else if (high == 2 && wide == 2) {
                NAMED(give_four)(n, dy, factor, to, to + n, below, below + n);
            } else {
                for (ptrdiff_t k = 0; k < high * wide; k++) {
                    REAL *place = to + k / wide * width + k % wide * n;
                    if (code == POOL_MAX)
                        NAMED(give_largest)(n, 1, dy, largest, (REAL_INT)k, place);
                    else
                        NAMED(give)(n, 1, dy, factor, place);
                }
            }
            dy += n;
            if (largest) largest += n;
            column = columns->end[j];
        }
        NAMED(clear_places)(high, width, width - column * n, top + column * n);
        row = rows->end[i];
    }
    NAMED(clear_places)(1, 0, (rows->length - row) * width, dx + row * width);
}

/* Where windows overlap: place by place, so that each is written while it is in the
   first-level cache. */
static void NAMED(gradient_of_places)(int code, const pooled_t *pooled, const REAL *dy,
                                      const REAL_INT *largest, REAL *dx) {
    const pooled_axis_t *rows = &pooled->rows, *columns = &pooled->columns;
    ptrdiff_t n = pooled->channels;
    for (ptrdiff_t h = 0; h < rows->length; h++) {
        for (ptrdiff_t w = 0; w < columns->length; w++, dx += n) {
            int writes = 1;
            for (ptrdiff_t i = rows->first[h]; i < rows->last[h]; i++) {
                ptrdiff_t high = rows->end[i] - rows->begin[i];
                for (ptrdiff_t j = columns->first[w]; j < columns->last[w]; j++) {
                    ptrdiff_t wide = columns->end[j] - columns->begin[j];
                    ptrdiff_t at = (i * columns->count + j) * n;
                    ptrdiff_t k = (h - rows->begin[i]) * wide + w - columns->begin[j];
                    REAL factor = code == POOL_MEAN ? 1 / (REAL)(high * wide) : 1;
                    if (code == POOL_MAX)
                        NAMED(give_largest)(n, writes, dy + at, largest + at,
                                            (REAL_INT)k, dx);
                    else
                        NAMED(give)(n, writes, dy + at, factor, dx);
                    writes = 0;
                }
            }
            if (writes) memset(dx, 0, (size_t)n * sizeof(REAL));
        }
    }
}

/* The same of maxima of few channels, where a loop over these is over before it has begun:
   each number goes by itself to where it was the largest. */
static void NAMED(gradient_of_numbers)(const pooled_t *pooled, const REAL *dy,
                                       const REAL_INT *largest, REAL *dx) {
    const pooled_axis_t *rows = &pooled->rows, *columns = &pooled->columns;
    ptrdiff_t n = pooled->channels, width = columns->length * n;
    memset(dx, 0, sizeof(REAL) * (size_t)pooled_size(pooled));
    for (ptrdiff_t i = 0; i < rows->count; i++)
        for (ptrdiff_t j = 0; j < columns->count; j++, dy += n, largest += n) {
            uint32_t wide = (uint32_t)(columns->end[j] - columns->begin[j]);
            REAL *to = dx + rows->begin[i] * width + columns->begin[j] * n;
            for (ptrdiff_t c = 0; c < n; c++) {
                uint32_t k = (uint32_t)largest[c];
                to[k / wide * width + k % wide * n + c] += dy[c];
            }
        }
}

LOOP void NAMED(pool_gradient_sample)(int code, const pooled_t *pooled, const REAL *dy,
                                      const REAL_INT *largest, REAL *dx) {
    if (are_apart(&pooled->rows) && are_apart(&pooled->columns))
        NAMED(gradient_apart)(code, pooled, dy, largest, dx);
    else if (code == POOL_MAX && pooled->channels < FEW_CHANNELS)
        NAMED(gradient_of_numbers)(pooled, dy, largest, dx);
    else
        NAMED(gradient_of_places)(code, pooled, dy, largest, dx);
}
CHOOSE(pool_gradient_sample)

#endif
