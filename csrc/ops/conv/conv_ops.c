/* Convolutions by products over shifted rows: the places that a window reads along its
   last axis lie side by side, with all channels, and so are the columns of a matrix
   whose rows overlap. Nothing is copied but samples that are padded. */
#ifndef REAL

#include "ops/call.h"
#include "ops/conv/conv.h"
#include "ops/conv/depthwise_ops.h"
#include "ops/conv/gathered_product.h"

/* Places whose offsets are computed together, a multiple of what a tile has of them, runs
   of columns, and channels of a block: as many as a tile has rows. */
enum { PLACES = 192, RUNS = 64, CHANNELS = 8 };

/* A product whose rows are places of rectangles and whose columns are runs of numbers,
   for which there is a rectangle too. */
typedef struct {
    ptrdiff_t samples, rows, columns;
    /* Numbers from one to the next. */
    ptrdiff_t a_sample, a_row, a_column, c_sample, c_row, c_column;
    ptrdiff_t run_rows, run_columns, run_row, run_column;
    ptrdiff_t depth, step;
    int adds;
} gather_t;

/* Where the image, or what is summed over, has a place for each of what is read. */
typedef struct {
    ptrdiff_t row, column; /* numbers from one place to the next */
    ptrdiff_t sample;
} pitch_t;

static int is_within(const conv_axis_t *axis, ptrdiff_t length) {
    return axis->first >= 0 && axis->first + axis->extent <= length;
}

/* Windows along the last axis are one run where neighbours are read, of all channels. */
static int is_joined(const conv_t *conv) {
    return conv->column.dilation == 1 && conv->groups == 1;
}

/* Windows: where their samples begin, and the places where they do, some outside. */
typedef struct {
    ptrdiff_t at[PLACES], row[PLACES], column[PLACES];
} spread_t;

static ptrdiff_t at_most(ptrdiff_t most, ptrdiff_t n) { return n < most ? n : most; }

/* Channels that are read together, of those of a group: all where they are fewer. */
static ptrdiff_t block_width(const conv_t *conv) {
    return at_most(CHANNELS, channels_of_group(conv));
}

static ptrdiff_t aligned(ptrdiff_t n) {
    return (n + BLOCK_ALIGNMENT - 1) / BLOCK_ALIGNMENT * BLOCK_ALIGNMENT;
}

#define BODY "ops/conv/conv_ops.c"
#include "base/each_real.h"

#else

static void NAMED(gather)(const gather_t *by, ptrdiff_t n, const REAL *a, const REAL *b,
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

/* Some places of so many samples, zeros where there are none; x where that will do.
   rows, columns: places that a sample has. */
static const REAL *NAMED(cut)(const conv_t *conv, ptrdiff_t samples, ptrdiff_t rows,
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

/* Rows of n numbers with room behind each group of them, as products read them. */
static const REAL *NAMED(aligned_rows)(ptrdiff_t rows, ptrdiff_t n, ptrdiff_t groups,
                                       const REAL *from, REAL *scratch,
                                       ptrdiff_t *group, ptrdiff_t *row) {
    ptrdiff_t full = aligned(n);
    *group = n;
    *row = groups * n;
    if (full == n) return from;
    *group = full;
    *row = groups * full;
    for (ptrdiff_t i = 0; i < rows * groups; i++) {
        memcpy(scratch + i * full, from + i * n, sizeof(REAL) * (size_t)n);
        memset(scratch + i * full + n, 0, sizeof(REAL) * (size_t)(full - n));
    }
    return scratch;
}

void NAMED(op_conv)(const call_t *call) {
    conv_t conv = conv_of(params_of(call));
    if (is_depthwise(&conv)) {
        begin_sum(call, 0, sizeof(REAL));
        NAMED(depthwise_each_tap)(call, &conv, NAMED(depthwise_maps),
                                  (REAL *)call->input[0], (REAL *)call->input[1],
                                  (REAL *)call->output[0]);
        return;
    }
    const conv_axis_t *row = &conv.row, *column = &conv.column;
    const REAL *x = (const REAL *)call->input[0];
    REAL *y = (REAL *)call->output[0], *scratch = (REAL *)call->output[1];
    ptrdiff_t channels = channels_of_group(&conv), filters = filters_of_group(&conv);
    ptrdiff_t b_group, b_row;
    const REAL *kernel = NAMED(aligned_rows)(
        row->size * column->size * channels, filters, conv.groups,
        (const REAL *)call->input[1], scratch + conv.second, &b_group, &b_row);
    int joined = is_joined(&conv);
    for (ptrdiff_t i = 0; i < call->walk->count; i += conv.samples) {
        ptrdiff_t samples = at_most(conv.samples, call->walk->count - i);
        pitch_t pitch;
        const REAL *a =
            NAMED(cut)(&conv, samples, row->length, column->length, conv.channels,
                       x + i * image_size(&conv), scratch, &pitch);
        gather_t by = {
            .samples = samples,
            .rows = row->windows,
            .columns = column->windows,
            .a_sample = pitch.sample,
            .a_row = row->stride * pitch.row,
            .a_column = column->stride * pitch.column,
            .c_sample = maps_size(&conv),
            .c_row = column->windows * conv.filters,
            .c_column = conv.filters,
            .run_rows = row->size,
            .run_columns = joined ? 1 : column->size,
            .run_row = row->dilation * pitch.row,
            .run_column = column->dilation * pitch.column,
            .depth = joined ? column->size * channels : channels,
            .step = 1,
        };
        for (ptrdiff_t g = 0; g < conv.groups; g++)
            NAMED(gather)(&by, filters, a + g * channels, kernel + g * b_group, b_row,
                          y + i * maps_size(&conv) + g * filters);
    }
}

/* The same in blocks of channels, one after another for each row of places: the numbers
   that a tile reads at a place lie side by side, and beside those of the next place. */
static const REAL *NAMED(cut_in_blocks)(const conv_t *conv, ptrdiff_t samples,
                                        const REAL *x, REAL *scratch, pitch_t *pitch) {
    const conv_axis_t *row = &conv->row, *column = &conv->column;
    ptrdiff_t channels = channels_of_group(conv), width = block_width(conv);
    if (conv->channels == width)
        return NAMED(cut)(conv, samples, row->length, column->length, width, x, scratch,
                          pitch);
    ptrdiff_t blocks = (channels + width - 1) / width;
    pitch->column = width;
    pitch->row = conv->groups * blocks * column->extent * width;
    pitch->sample = row->extent * pitch->row;
    for (ptrdiff_t i = 0; i < samples * row->extent; i++) {
        ptrdiff_t sample = i / row->extent, from = row->first + i % row->extent;
        REAL *to = scratch + i * pitch->row;
        if (from < 0 || from >= row->length) {
            memset(to, 0, sizeof(REAL) * (size_t)pitch->row);
            continue;
        }
        const REAL *line =
            x + (sample * row->length + from) * column->length * conv->channels;
        for (ptrdiff_t g = 0; g < conv->groups; g++)
            for (ptrdiff_t first = 0; first < channels; first += width) {
                ptrdiff_t n = at_most(width, channels - first);
                const REAL *block = line + g * channels + first;
                for (ptrdiff_t j = column->first; j < column->first + column->extent;
                     j++, to += width) {
                    if (j < 0 || j >= column->length)
                        memset(to, 0, sizeof(REAL) * (size_t)width);
                    else if (n == CHANNELS)
                        memcpy(to, block + j * conv->channels, sizeof(REAL) * CHANNELS);
                    else
                        memcpy(to, block + j * conv->channels,
                               sizeof(REAL) * (size_t)n);
                }
            }
    }
    return scratch;
}

/* What some windows of some samples, or of one, add to the gradient of the kernel. */
static void NAMED(sum_windows)(const conv_t *conv, gather_t by, const REAL *a,
                               const REAL *b, ptrdiff_t b_group, ptrdiff_t b_row,
                               REAL *dk) {
    ptrdiff_t channels = channels_of_group(conv), filters = filters_of_group(conv);
    ptrdiff_t width = block_width(conv);
    for (ptrdiff_t g = 0; g < conv->groups; g++)
        for (ptrdiff_t first = 0; first < channels; first += width) {
            by.columns = at_most(width, channels - first);
            NAMED(gather)(&by, filters, a, b + g * b_group, b_row,
                          dk + first * conv->filters + g * filters);
            a += conv->column.extent * width;
        }
}

void NAMED(op_conv_kernel_gradient)(const call_t *call) {
    conv_t conv = conv_of(params_of(call));
    const conv_axis_t *row = &conv.row, *column = &conv.column;
    const REAL *x = (const REAL *)call->input[0], *dy = (const REAL *)call->input[1];
    REAL *dk = (REAL *)call->output[0], *scratch = (REAL *)call->output[1];
    ptrdiff_t channels = channels_of_group(&conv), filters = filters_of_group(&conv);
    begin_sum(call, 0, sizeof(REAL));
    if (is_depthwise(&conv)) {
        NAMED(depthwise_each_tap)(call, &conv, NAMED(depthwise_kernel),
                                  (REAL *)call->input[0], dk, (REAL *)call->input[1]);
        return;
    }
    for (ptrdiff_t first = 0; first < call->walk->count; first += conv.samples) {
        ptrdiff_t samples = at_most(conv.samples, call->walk->count - first);
        pitch_t pitch;
        const REAL *a = NAMED(cut_in_blocks)(
            &conv, samples, x + first * image_size(&conv), scratch, &pitch);
        ptrdiff_t b_group, b_row;
        const REAL *b = NAMED(aligned_rows)(
            samples * row->windows * column->windows, filters, conv.groups,
            dy + first * maps_size(&conv), scratch + conv.second, &b_group, &b_row);
        gather_t by = {
            .samples = row->size,
            .rows = column->size,
            .a_sample = row->dilation * pitch.row,
            .a_row = column->dilation * pitch.column,
            .a_column = 1,
            .c_sample = column->size * channels * conv.filters,
            .c_row = channels * conv.filters,
            .c_column = conv.filters,
            .run_rows = samples,
            .run_row = pitch.sample,
            .run_column = row->stride * pitch.row,
            .step = column->stride * pitch.column,
            .adds = 1,
        };
        ptrdiff_t down = samples > 1 ? row->windows : PLACES / column->windows;
        down = at_most(row->windows, down > 0 ? down : 1);
        ptrdiff_t parts = down > 1 ? 1 : (column->windows + PLACES - 1) / PLACES;
        ptrdiff_t along = (column->windows + parts - 1) / parts;
        for (ptrdiff_t i = 0; i < row->windows; i += down)
            for (ptrdiff_t j = 0; j < column->windows; j += along) {
                by.run_columns = at_most(down, row->windows - i);
                by.depth = at_most(along, column->windows - j);
                NAMED(sum_windows)(&conv, by, a + i * by.run_column + j * by.step,
                                   b + (i * column->windows + j) * b_row, b_group,
                                   b_row, dk);
            }
    }
}

/* to[j, i] = from[i, j], and zeros behind the i of each j. */
static void NAMED(turn)(ptrdiff_t m, ptrdiff_t n, const REAL *from, ptrdiff_t from_row,
                        REAL *to, ptrdiff_t to_row) {
    for (ptrdiff_t first = 0; first < to_row; first += BLOCK_ALIGNMENT) {
        ptrdiff_t count = at_most(BLOCK_ALIGNMENT, m - first);
        const REAL *block = from + first * from_row;
        for (ptrdiff_t j = 0; j < n; j++) {
            REAL *row = to + j * to_row + first;
            for (ptrdiff_t i = 0; i < count; i++) row[i] = block[i * from_row + j];
            for (ptrdiff_t i = count; i < BLOCK_ALIGNMENT; i++) row[i] = 0;
        }
    }
}

/* The kernel as its adjoint reads it: for each tap and group a row for each filter, with
   a number for each channel. */
static void NAMED(turn_kernel)(const conv_t *conv, const REAL *kernel, REAL *to) {
    ptrdiff_t channels = channels_of_group(conv), filters = filters_of_group(conv);
    ptrdiff_t full = aligned(channels), taps = conv->row.size * conv->column.size;
    for (ptrdiff_t tap = 0; tap < taps; tap++, kernel += channels * conv->filters)
        for (ptrdiff_t g = 0; g < conv->groups; g++, to += filters * full)
            NAMED(turn)(channels, filters, kernel + g * filters, conv->filters, to,
                        full);
}

/* Some windows of all samples, in their order: each tap of theirs adds to a place. */
static void NAMED(spread)(const conv_t *conv, ptrdiff_t m, const spread_t *from,
                          const REAL *dy, const REAL *turned, REAL *dx) {
    const conv_axis_t *row = &conv->row, *column = &conv->column;
    ptrdiff_t channels = channels_of_group(conv), filters = filters_of_group(conv);
    ptrdiff_t full = aligned(channels), start = 0, dy_at[PLACES], dx_at[PLACES];
    runs_t runs = {1, &start, filters, 1};
    for (ptrdiff_t r = 0; r < row->size; r++)
        for (ptrdiff_t s = 0; s < column->size; s++) {
            ptrdiff_t down = r * row->dilation, along = s * column->dilation, n = 0;
            for (ptrdiff_t i = 0; i < m; i++) {
                ptrdiff_t y = from->row[i] + down, x = from->column[i] + along;
                dy_at[n] = i * conv->filters;
                dx_at[n] = from->at[i] + (y * column->length + x) * conv->channels;
                n += (y >= 0) & (y < row->length) & (x >= 0) & (x < column->length);
            }
            for (ptrdiff_t g = 0; g < conv->groups; g++, turned += filters * full)
                NAMED(gathered_product)(n, channels, &runs, dy + g * filters, dy_at,
                                        turned, full, 1, dx + g * channels, dx_at);
        }
}

void NAMED(op_conv_transposed)(const call_t *call) {
    conv_t conv = conv_of(params_of(call));
    if (is_depthwise(&conv)) {
        begin_sum(call, 0, sizeof(REAL));
        NAMED(depthwise_each_tap)(call, &conv, NAMED(depthwise_image),
                                  (REAL *)call->output[0], (REAL *)call->input[1],
                                  (REAL *)call->input[0]);
        return;
    }
    const conv_axis_t *row = &conv.row, *column = &conv.column;
    const REAL *dy = (const REAL *)call->input[0];
    REAL *dx = (REAL *)call->output[0], *turned = (REAL *)call->output[1];
    NAMED(turn_kernel)(&conv, (const REAL *)call->input[1], turned);
    ptrdiff_t windows = call->walk->count * row->windows * column->windows;
    ptrdiff_t line = column->length * conv.channels, cleared = 0;
    spread_t from;
    ptrdiff_t sample = 0, i = 0, j = 0;
    for (ptrdiff_t first = 0; first < windows; first += PLACES) {
        ptrdiff_t m = at_most(PLACES, windows - first), reached = 0;
        for (ptrdiff_t at = 0; at < m; at++) {
            from.at[at] = sample * image_size(&conv);
            from.row[at] = i * row->stride - row->before;
            from.column[at] = j * column->stride - column->before;
            reached = from.row[at] + (row->size - 1) * row->dilation + 1;
            reached = sample * row->length + at_most(row->length, reached);
            if (++j < column->windows) continue;
            j = 0;
            if (++i < row->windows) continue;
            i = 0;
            sample++;
        }
        for (; cleared < reached; cleared++)
            memset(dx + cleared * line, 0, sizeof(REAL) * (size_t)line);
        NAMED(spread)(&conv, m, &from, dy + first * conv.filters, turned, dx);
    }
    for (; cleared < call->walk->count * row->length; cleared++)
        memset(dx + cleared * line, 0, sizeof(REAL) * (size_t)line);
}

#endif
