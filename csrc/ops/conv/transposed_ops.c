/* The gradient of the image, in two forms. Either the windows that read a place are
   gathered, as windows gather places, or each tap of the windows is spread: what it gives
   is added to the places that it reads. */
#ifndef REAL

#include "ops/call.h"
#include "ops/conv/depthwise_ops.h"
#include "ops/conv/gather.h"
#include "ops/conv/gathered_product.h"

/* What a tile spends on adding to the image, as the filters that it would sum over
   meanwhile: measured. */
#define FILTERS_TO_ADD 12

/* Whether to spread: all taps of a few filters are better summed in the registers, but
   where there are more places than windows that is mostly of zeros. */
static int is_spread(const conv_t *conv) {
    const conv_axis_t *row = &conv->row, *column = &conv->column;
    double filters = (double)filters_of_group(conv);
    double places = (double)row->length / row->stride * column->length / column->stride;
    double windows = (double)row->windows * column->windows;
    return windows * (filters + FILTERS_TO_ADD) < places * filters;
}

/* The places of an image that are a stride apart read the same taps of the kernel: every
   stride-th, from number `phase` on. The first of them is `first`, and what it reads
   begins `from` places after the first that is read at all. */
typedef struct {
    ptrdiff_t taps, places, first, from;
} phase_t;

static phase_t phase_of(const conv_axis_t *axis, ptrdiff_t phase) {
    ptrdiff_t stride = axis->stride;
    phase_t of = {0, 0, (phase - axis->before) % stride, 0};
    if (of.first < 0) of.first += stride;
    if (of.first < axis->length)
        of.places = (axis->length - of.first + stride - 1) / stride;
    if (phase >= axis->size) return of;
    of.taps = (axis->size - phase + stride - 1) / stride;
    of.from = (of.first + axis->before - phase) / stride -
              (of.taps - 1) * axis->dilation - axis->first;
    return of;
}

/* Windows: where their samples begin, and the places where they do, some outside. */
typedef struct {
    ptrdiff_t at[PLACES], row[PLACES], column[PLACES];
} windows_t;

#define BODY "ops/conv/transposed_ops.c"
#include "base/each_real.h"

#else

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

/* The kernel as places gather, one phase and group after another: for each tap,
   from the last to the first, a row for each filter with a number for each channel. */
static void NAMED(turn_kernel)(const conv_t *conv, const REAL *kernel, REAL *to) {
    const conv_axis_t *row = &conv->row, *column = &conv->column;
    ptrdiff_t channels = channels_of_group(conv), filters = filters_of_group(conv);
    ptrdiff_t full = aligned(channels);
    ptrdiff_t tap_size = channels * conv->filters;
    for (ptrdiff_t r = 0; r < row->stride; r++)
        for (ptrdiff_t s = 0; s < column->stride; s++)
            for (ptrdiff_t g = 0; g < conv->groups; g++)
                for (ptrdiff_t i = phase_of(row, r).taps; i-- > 0;)
                    for (ptrdiff_t j = phase_of(column, s).taps; j-- > 0;) {
                        ptrdiff_t tap = (r + i * row->stride) * column->size + s +
                                        j * column->stride;
                        NAMED(turn)(channels, filters,
                                    kernel + tap * tap_size + g * filters,
                                    conv->filters, to, full);
                        to += filters * full;
                    }
}

static void NAMED(gather_windows)(const call_t *call, const conv_t *conv) {
    const conv_axis_t *row = &conv->row, *column = &conv->column;
    const REAL *dy = (const REAL *)call->input[0];
    REAL *dx = (REAL *)call->output[0], *scratch = (REAL *)call->output[1];
    REAL *turned = scratch + conv->second;
    ptrdiff_t channels = channels_of_group(conv), filters = filters_of_group(conv);
    ptrdiff_t full = aligned(channels), line = conv->column.length * conv->channels;
    NAMED(turn_kernel)(conv, (const REAL *)call->input[1], turned);
    int joined = is_joined(conv);
    for (ptrdiff_t i = 0; i < call->walk->count; i += conv->samples) {
        ptrdiff_t samples = at_most(conv->samples, call->walk->count - i);
        pitch_t pitch;
        const REAL *a =
            NAMED(cut)(conv, samples, row->windows, column->windows, conv->filters,
                       dy + i * maps_size(conv), scratch, &pitch);
        REAL *image = dx + i * image_size(conv);
        const REAL *b = turned;
        for (ptrdiff_t r = 0; r < row->stride; r++)
            for (ptrdiff_t s = 0; s < column->stride; s++) {
                phase_t down = phase_of(row, r), along = phase_of(column, s);
                gather_t by = {
                    .samples = samples,
                    .rows = down.places,
                    .columns = along.places,
                    .a_sample = pitch.sample,
                    .c_sample = image_size(conv),
                    .a_row = pitch.row,
                    .a_column = pitch.column,
                    .c_row = row->stride * line,
                    .c_column = column->stride * conv->channels,
                    .run_rows = down.taps,
                    .run_columns = joined && along.taps ? 1 : along.taps,
                    .run_row = row->dilation * pitch.row,
                    .run_column = column->dilation * pitch.column,
                    .depth = joined ? along.taps * filters : filters,
                    .step = 1,
                };
                for (ptrdiff_t g = 0; g < conv->groups; g++) {
                    NAMED(gather)(&by, channels,
                                  a + down.from * pitch.row +
                                      along.from * pitch.column + g * filters,
                                  b, full,
                                  image + down.first * line +
                                      along.first * conv->channels + g * channels);
                    b += down.taps * along.taps * filters * full;
                }
            }
    }
}

/* The kernel as taps are spread: for each tap and group a row for each filter, with
   a number for each channel. */
static void NAMED(turn_taps)(const conv_t *conv, const REAL *kernel, REAL *to) {
    ptrdiff_t channels = channels_of_group(conv), filters = filters_of_group(conv);
    ptrdiff_t full = aligned(channels), taps = conv->row.size * conv->column.size;
    for (ptrdiff_t tap = 0; tap < taps; tap++, kernel += channels * conv->filters)
        for (ptrdiff_t g = 0; g < conv->groups; g++, to += filters * full)
            NAMED(turn)(channels, filters, kernel + g * filters, conv->filters, to,
                        full);
}

/* Some windows of all samples, in their order: each tap of theirs adds to a place. */
static void NAMED(spread)(const conv_t *conv, ptrdiff_t m, const windows_t *from,
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

static void NAMED(spread_windows)(const call_t *call, const conv_t *conv) {
    const conv_axis_t *row = &conv->row, *column = &conv->column;
    const REAL *dy = (const REAL *)call->input[0];
    REAL *dx = (REAL *)call->output[0], *turned = (REAL *)call->output[1];
    NAMED(turn_taps)(conv, (const REAL *)call->input[1], turned);
    ptrdiff_t windows = call->walk->count * row->windows * column->windows;
    ptrdiff_t line = column->length * conv->channels, cleared = 0;
    windows_t from;
    ptrdiff_t sample = 0, i = 0, j = 0;
    for (ptrdiff_t first = 0; first < windows; first += PLACES) {
        ptrdiff_t m = at_most(PLACES, windows - first), reached = 0;
        for (ptrdiff_t at = 0; at < m; at++) {
            from.at[at] = sample * image_size(conv);
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
        NAMED(spread)(conv, m, &from, dy + first * conv->filters, turned, dx);
    }
    for (; cleared < call->walk->count * row->length; cleared++)
        memset(dx + cleared * line, 0, sizeof(REAL) * (size_t)line);
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
    if (is_spread(&conv))
        NAMED(spread_windows)(call, &conv);
    else
        NAMED(gather_windows)(call, &conv);
}

#endif
