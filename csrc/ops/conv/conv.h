/* What the ops of convolutions know of their windows, on the CPU and on a GPU. */
#ifndef FASTNN_CONV_H
#define FASTNN_CONV_H

#include "base/compiler.h"

/* Along one axis: windows of `size` places that are `dilation` apart, of which the first
   begins `before` places in front of the axis, and the next ones `stride` further. */
typedef struct {
    ptrdiff_t length, windows; /* places of the image, and how many windows there are */
    ptrdiff_t size, stride, dilation, before;
    /* What an op reads along the axis, in its scratch where some of it is outside. */
    ptrdiff_t first, extent;
} conv_axis_t;

/* channels: of the image; filters: what becomes of a window. Each group of channels
   leads to a group of filters. */
typedef struct {
    conv_axis_t row, column;
    ptrdiff_t channels, filters, groups;
    ptrdiff_t samples; /* that scratch has room for, of sums over all samples */
    ptrdiff_t second;  /* numbers of scratch before its second part */
    ptrdiff_t block;   /* channels that the gradient of a kernel has side by side */
} conv_t;

enum { CONV_AXIS_PARAMS = 8 };

HOST_DEVICE conv_axis_t conv_axis_of(const int64_t *params) {
    conv_axis_t axis = {params[0], params[1], params[2], params[3],
                        params[4], params[5], params[6], params[7]};
    return axis;
}

HOST_DEVICE conv_t conv_of(const int64_t *params) {
    const int64_t *rest = params + 2 * CONV_AXIS_PARAMS;
    conv_t conv = {conv_axis_of(params),
                   conv_axis_of(params + CONV_AXIS_PARAMS),
                   rest[0],
                   rest[1],
                   rest[2],
                   rest[3],
                   rest[4],
                   rest[5]};
    return conv;
}

/* Numbers of an image, and of what its windows lead to. */
HOST_DEVICE ptrdiff_t image_size(const conv_t *conv) {
    return conv->row.length * conv->column.length * conv->channels;
}
HOST_DEVICE ptrdiff_t maps_size(const conv_t *conv) {
    return conv->row.windows * conv->column.windows * conv->filters;
}

/* Of one group. */
HOST_DEVICE ptrdiff_t channels_of_group(const conv_t *conv) {
    return conv->channels / conv->groups;
}
HOST_DEVICE ptrdiff_t filters_of_group(const conv_t *conv) {
    return conv->filters / conv->groups;
}

#endif
