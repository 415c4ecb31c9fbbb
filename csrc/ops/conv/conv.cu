#ifndef REAL
#include "base/cuda/device.h"
#include "ops/conv/conv.h"

#define BODY "ops/conv/conv.cu"
#include "base/each_real.h"
#else

/* Each number of the output by one thread, whose neighbours have the next filters, or
   channels; size: of all samples. */
KERNEL(NAMED(conv), ptrdiff_t size, const int64_t *params, const REAL *x,
       const REAL *kernel, REAL *y) {
    conv_t conv = conv_of(params);
    conv_axis_t row = conv.row, column = conv.column;
    ptrdiff_t channels = channels_of_group(&conv);
    EACH_NUMBER(at, size) {
        ptrdiff_t filter = at % conv.filters, window = at / conv.filters;
        ptrdiff_t j = window % column.windows, i = window / column.windows;
        ptrdiff_t sample = i / row.windows;
        i -= sample * row.windows;
        ptrdiff_t group = filter / filters_of_group(&conv);
        const REAL *image = x + sample * image_size(&conv) + group * channels;
        REAL sum = 0;
        for (ptrdiff_t r = 0; r < row.size; r++) {
            ptrdiff_t down = i * row.stride - row.before + r * row.dilation;
            if (down < 0 || down >= row.length) continue;
            for (ptrdiff_t s = 0; s < column.size; s++) {
                ptrdiff_t along =
                    j * column.stride - column.before + s * column.dilation;
                if (along < 0 || along >= column.length) continue;
                const REAL *from =
                    image + (down * column.length + along) * conv.channels;
                const REAL *tap =
                    kernel + (r * column.size + s) * channels * conv.filters + filter;
                for (ptrdiff_t c = 0; c < channels; c++)
                    sum += from[c] * tap[c * conv.filters];
            }
        }
        y[at] = sum;
    }
}

/* The window that reads a place by tap number `tap` of an axis; -1 where there is none. */
static __device__ ptrdiff_t NAMED(window_at)(const conv_axis_t &axis, ptrdiff_t place,
                                             ptrdiff_t tap) {
    ptrdiff_t first = place + axis.before - tap * axis.dilation;
    ptrdiff_t window = first / axis.stride;
    bool is_one = first >= 0 && window < axis.windows && window * axis.stride == first;
    return is_one ? window : -1;
}

KERNEL(NAMED(conv_transposed), ptrdiff_t size, const int64_t *params, const REAL *dy,
       const REAL *kernel, REAL *dx) {
    conv_t conv = conv_of(params);
    conv_axis_t row = conv.row, column = conv.column;
    ptrdiff_t channels = channels_of_group(&conv);
    ptrdiff_t filters = filters_of_group(&conv);
    EACH_NUMBER(at, size) {
        ptrdiff_t channel = at % conv.channels, place = at / conv.channels;
        ptrdiff_t along = place % column.length, down = place / column.length;
        ptrdiff_t sample = down / row.length;
        down -= sample * row.length;
        ptrdiff_t group = channel / channels;
        const REAL *maps = dy + sample * maps_size(&conv) + group * filters;
        REAL sum = 0;
        for (ptrdiff_t r = 0; r < row.size; r++) {
            ptrdiff_t i = NAMED(window_at)(row, down, r);
            if (i < 0) continue;
            for (ptrdiff_t s = 0; s < column.size; s++) {
                ptrdiff_t j = NAMED(window_at)(column, along, s);
                if (j < 0) continue;
                const REAL *from = maps + (i * column.windows + j) * conv.filters;
                ptrdiff_t tap = r * column.size + s;
                const REAL *to_filter =
                    kernel +
                    (tap * channels + channel - group * channels) * conv.filters +
                    group * filters;
                for (ptrdiff_t f = 0; f < filters; f++) sum += from[f] * to_filter[f];
            }
        }
        dx[at] = sum;
    }
}

/* size: numbers of the kernel. */
KERNEL(NAMED(conv_kernel_gradient), ptrdiff_t size, const int64_t *params,
       ptrdiff_t samples, const REAL *x, const REAL *dy, ptrdiff_t adds, REAL *dk) {
    conv_t conv = conv_of(params);
    conv_axis_t row = conv.row, column = conv.column;
    ptrdiff_t channels = channels_of_group(&conv);
    EACH_NUMBER(at, size) {
        ptrdiff_t filter = at % conv.filters, input = at / conv.filters;
        ptrdiff_t tap = input / channels, channel = input - tap * channels;
        ptrdiff_t r = tap / column.size, s = tap - r * column.size;
        channel += filter / filters_of_group(&conv) * channels;
        REAL sum = 0;
        for (ptrdiff_t sample = 0; sample < samples; sample++) {
            const REAL *image = x + sample * image_size(&conv) + channel;
            const REAL *maps = dy + sample * maps_size(&conv) + filter;
            for (ptrdiff_t i = 0; i < row.windows; i++) {
                ptrdiff_t down = i * row.stride - row.before + r * row.dilation;
                if (down < 0 || down >= row.length) continue;
                for (ptrdiff_t j = 0; j < column.windows; j++) {
                    ptrdiff_t along =
                        j * column.stride - column.before + s * column.dilation;
                    if (along < 0 || along >= column.length) continue;
                    sum += image[(down * column.length + along) * conv.channels] *
                           maps[(i * column.windows + j) * conv.filters];
                }
            }
        }
        dk[at] = adds ? dk[at] + sum : sum;
    }
}

#endif
