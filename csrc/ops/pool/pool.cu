#ifndef REAL
#include "base/cuda/device.h"
#include "ops/pool/pool.h"

/* Which sample a number is of, and where it lies there: a place, or a window. */
typedef struct {
    ptrdiff_t sample, row, column, channel;
} pooled_place_t;

static __device__ pooled_place_t pooled_place(ptrdiff_t i, ptrdiff_t rows,
                                              ptrdiff_t columns, ptrdiff_t channels) {
    ptrdiff_t place = quotient(i, channels), row = quotient(place, columns);
    ptrdiff_t sample = quotient(row, rows);
    return {sample, row - sample * rows, place - row * columns, i - place * channels};
}

#define BODY "ops/pool/pool.cu"
#include "base/each_real.h"
#else

/* Each result by one thread; size: results of all samples. */
KERNEL(NAMED(pool_windows), ptrdiff_t size, ptrdiff_t code, const int64_t *params,
       const REAL *x, REAL *y, REAL_INT *largest) {
    pooled_t by = pooled_by(params);
    ptrdiff_t n = by.channels, width = by.columns.length * n;
    EACH_NUMBER(i, size) {
        pooled_place_t at = pooled_place(i, by.rows.count, by.columns.count, n);
        ptrdiff_t top = by.rows.begin[at.row], left = by.columns.begin[at.column];
        ptrdiff_t high = by.rows.end[at.row] - top;
        ptrdiff_t wide = by.columns.end[at.column] - left;
        const REAL *from =
            x + (at.sample * by.rows.length + top) * width + left * n + at.channel;
        REAL result = from[0];
        REAL_INT winner = 0, k = 1;
        for (ptrdiff_t row = 0; row < high; row++) {
            for (ptrdiff_t column = row ? 0 : 1; column < wide; column++, k++) {
                REAL value = from[row * width + column * n];
                if (code != POOL_MAX) {
                    result += value;
                } else if (value > result || value != value) {
                    result = value;
                    winner = k;
                }
            }
        }
        y[i] = code == POOL_MEAN ? result * (1 / (REAL)(high * wide)) : result;
        if (largest) largest[i] = winner;
    }
}

/* Each number of the gradient by one thread; size: those of all samples. */
KERNEL(NAMED(pool_windows_gradient), ptrdiff_t size, ptrdiff_t code,
       const int64_t *params, const REAL *dy, const REAL_INT *largest, REAL *dx) {
    pooled_t by = pooled_by(params);
    EACH_NUMBER(number, size) {
        pooled_place_t at =
            pooled_place(number, by.rows.length, by.columns.length, by.channels);
        REAL sum = 0;
        for (ptrdiff_t i = by.rows.first[at.row]; i < by.rows.last[at.row]; i++) {
            ptrdiff_t high = by.rows.end[i] - by.rows.begin[i];
            ptrdiff_t row = (at.sample * by.rows.count + i) * by.columns.count;
            for (ptrdiff_t j = by.columns.first[at.column];
                 j < by.columns.last[at.column]; j++) {
                ptrdiff_t wide = by.columns.end[j] - by.columns.begin[j];
                ptrdiff_t window = (row + j) * by.channels + at.channel;
                ptrdiff_t k = (at.row - by.rows.begin[i]) * wide + at.column -
                              by.columns.begin[j];
                if (code == POOL_MAX)
                    sum += largest[window] == k ? dy[window] : 0;
                else if (code == POOL_MEAN)
                    sum += dy[window] * (1 / (REAL)(high * wide));
                else
                    sum += dy[window];
            }
        }
        dx[number] = sum;
    }
}

#endif
