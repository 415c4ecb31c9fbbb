#ifndef REAL
#include "ops/conv/depthwise_ops.h"

/* The windows of which a tap is within an axis: from `first` on, so many. */
typedef struct {
    ptrdiff_t first, count;
} reached_t;

static reached_t reached_by(const conv_axis_t *axis, ptrdiff_t tap) {
    ptrdiff_t before = axis->before - tap * axis->dilation, stride = axis->stride;
    ptrdiff_t first = before > 0 ? (before + stride - 1) / stride : 0;
    ptrdiff_t room = axis->length - 1 + before;
    ptrdiff_t end = room < 0 ? 0 : room / stride + 1;
    if (end > axis->windows) end = axis->windows;
    reached_t reached = {first, end > first ? end - first : 0};
    return reached;
}

#define BODY "ops/conv/depthwise_ops.c"
#include "base/each_real.h"
#else

void NAMED(depthwise_each_tap)(const call_t *call, const conv_t *conv,
                               NAMED(depthwise_loop) loop, REAL *x, REAL *kernel,
                               REAL *y) {
    const conv_axis_t *row = &conv->row, *column = &conv->column;
    ptrdiff_t channels = conv->channels, filters = conv->filters;
    for (ptrdiff_t sample = 0; sample < call->walk->count; sample++) {
        for (ptrdiff_t i = 0; i < row->windows; i++)
            for (ptrdiff_t r = 0; r < row->size; r++) {
                ptrdiff_t down = i * row->stride - row->before + r * row->dilation;
                if (down < 0 || down >= row->length) continue;
                for (ptrdiff_t s = 0; s < column->size; s++) {
                    reached_t reached = reached_by(column, s);
                    if (!reached.count) continue;
                    ptrdiff_t along = reached.first * column->stride - column->before +
                                      s * column->dilation;
                    loop(reached.count, channels, filters / channels,
                         x + (down * column->length + along) * channels,
                         column->stride * channels,
                         kernel + (r * column->size + s) * filters,
                         y + (i * column->windows + reached.first) * filters, filters);
                }
            }
        x += image_size(conv);
        y += maps_size(conv);
    }
}

#endif
