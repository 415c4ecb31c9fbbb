#ifndef REAL
#include "ops/conv/gather.h"

#include "ops/conv/gathered_product.h"

/* Runs of columns whose offsets are computed together. */
enum { RUNS = 64 };

static int is_within(const conv_axis_t *axis, ptrdiff_t length) {
    return axis->first >= 0 && axis->first + axis->extent <= length;
}

#define BODY "ops/conv/gather.c"
#include "base/each_real.h"

#else

void NAMED(gather)(const gather_t *by, ptrdiff_t n, const REAL *a, const REAL *b,
                   ptrdiff_t b_row, REAL *c) {
    ptrdiff_t a_at[PLACES], c_at[PLACES], run[RUNS];
    ptrdiff_t places = by->samples * by->rows * by->columns;
    ptrdiff_t count = by->run_rows * by->run_columns;
    ptrdiff_t sample = 0, row = 0, column = 0;
    for (ptrdiff_t first = 0; first < places; first += PLACES) {
        ptrdiff_t m = at_most(PLACES, places - first);
        for (ptrdiff_t i = 0; i < m; i++) {
            a_at[i] = sample * by->a_sample + row * by->a_row + column * by->a_column;
            c_at[i] = sample * by->c_sample + row * by->c_row + column * by->c_column;
            if (++column < by->columns) continue;
            column = 0;
            if (++row < by->rows) continue;
            row = 0;
            sample++;
        }
        ptrdiff_t run_row = 0, run_column = 0, t = 0;
        do {
            runs_t runs = {at_most(RUNS, count - t), run, by->depth, by->step};
            for (ptrdiff_t i = 0; i < runs.count; i++) {
                run[i] = run_row * by->run_row + run_column * by->run_column;
                if (++run_column == by->run_columns) {
                    run_column = 0;
                    run_row++;
                }
            }
            NAMED(gathered_product)(m, n, &runs, a, a_at, b + t * by->depth * b_row,
                                    b_row, by->adds || t, c, c_at);
            t += RUNS;
        } while (t < count);
    }
}

const REAL *NAMED(cut)(const conv_t *conv, ptrdiff_t samples, ptrdiff_t rows,
                       ptrdiff_t columns, ptrdiff_t channels, const REAL *x,
                       REAL *scratch, pitch_t *pitch) {
    const conv_axis_t *row = &conv->row, *column = &conv->column;
    pitch->column = channels;
    if (is_within(row, rows) && is_within(column, columns)) {
        pitch->row = columns * channels;
        pitch->sample = rows * pitch->row;
        return x + row->first * pitch->row + column->first * channels;
    }
    pitch->row = column->extent * channels;
    pitch->sample = row->extent * pitch->row;
    ptrdiff_t begin = column->first > 0 ? column->first : 0;
    ptrdiff_t end = column->first + column->extent;
    ptrdiff_t kept = at_most(columns, end) - begin;
    if (kept < 0) kept = 0;
    ptrdiff_t left = at_most(column->extent, begin - column->first);
    size_t item = sizeof(REAL) * (size_t)channels;
    for (ptrdiff_t i = 0; i < samples * row->extent; i++) {
        ptrdiff_t sample = i / row->extent, from = row->first + i % row->extent;
        REAL *to = scratch + i * pitch->row;
        if (from < 0 || from >= rows) {
            memset(to, 0, (size_t)column->extent * item);
            continue;
        }
        memset(to, 0, (size_t)left * item);
        memcpy(to + left * channels,
               x + ((sample * rows + from) * columns + begin) * channels,
               (size_t)kept * item);
        memset(to + (left + kept) * channels, 0,
               (size_t)(column->extent - left - kept) * item);
    }
    return scratch;
}

#endif
