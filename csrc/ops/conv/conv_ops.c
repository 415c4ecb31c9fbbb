/* Convolutions by products over shifted rows: the places that a window reads along its
   last axis lie side by side, with all channels, and so are the columns of a matrix
   whose rows overlap. No window is copied. */
#ifndef REAL

#include "ops/call.h"
#include "ops/conv/depthwise_ops.h"
#include "ops/conv/gather.h"

#define BODY "ops/conv/conv_ops.c"
#include "base/each_real.h"

#else

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
    ptrdiff_t channels = channels_of_group(conv), width = conv->block;
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
                    else if (n == 8) /* as most are: no call */
                        memcpy(to, block + j * conv->channels, sizeof(REAL) * 8);
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
    ptrdiff_t width = conv->block;
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

#endif
