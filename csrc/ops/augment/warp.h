/* Samples of shape (height, width, channels) under an affine map of their places, which is
   drawn for each, and the adjoint.

   Coordinates are integers, in units of 2^-40 pixels: where a pixel is read from depends
   neither on the precision that is computed in nor on how a compiler joins products and
   sums, and a map of whole pixels is an exact copy. */
#ifndef FASTNN_WARP_H
#define FASTNN_WARP_H

#include "ops/augment/draw.h"

/* Which maps are drawn. */
enum warp_kind {
    WARP_FLIP,     /* option 0, 2: whether rows, and columns, may change places */
    WARP_SHIFT,    /* to read further down by option 0 to 1, to the right by 2 to 3 */
    WARP_ROTATION, /* counterclockwise, by option 0 to 1 quarter turns */
    WARP_ZOOM,     /* to read lines so many times as far apart: of the height by option
                      0 to 1, of the width by option 2 to 3 */
    WARP_EVEN_ZOOM /* of both by one number, from option 0 to 1 */
};

/* What stands beyond the edges of d samples a b c d: k k|a b c d|k k; a a|a b c d|d d;
   b a|a b c d|d c; c d|a b c d|a b. */
enum fill_mode { FILL_CONSTANT, FILL_NEAREST, FILL_REFLECT, FILL_WRAP };

enum { WARP_DIGITS = 40 };

/* The integers of an op; behind them are the bits of the constant, a double. */
typedef struct {
    ptrdiff_t kind, height, width, channels, out_height, out_width, interpolates, fill;
} warped_t;
enum { WARP_PARAMS = 8 };

HOST_DEVICE warped_t warped_by(const int64_t *params) {
    warped_t by = {
        (ptrdiff_t)params[0], (ptrdiff_t)params[1], (ptrdiff_t)params[2],
        (ptrdiff_t)params[3], (ptrdiff_t)params[4], (ptrdiff_t)params[5],
        (ptrdiff_t)params[6], (ptrdiff_t)params[7],
    };
    return by;
}

/* Where row i and column j of the output are read: at start + i by_row + j by_column. */
typedef struct {
    int64_t start, by_row, by_column;
} warp_axis_t;

typedef struct {
    warp_axis_t y, x;
    int interpolates; /* whether pixels are read between others */
} warp_t;

HOST_DEVICE int64_t warp_digits(double value) {
    return (int64_t)floor(value * 0x1p40 + 0.5);
}

HOST_DEVICE int between_pixels(const warp_axis_t *axis) {
    int64_t all = axis->start | axis->by_row | axis->by_column;
    return (all & (((int64_t)1 << WARP_DIGITS) - 1)) != 0;
}

/* The map of one sample, from four words and four options. */
HOST_DEVICE warp_t draw_warp(const warped_t *by, const double *option, philox_t bits) {
    double first = draw_between(bits.word[0], option[0], option[1]);
    double second = draw_between(bits.word[1], option[2], option[3]);
    /* y is read at yy i + yx j, and x at xy i + xx j, from the centre or the corner. */
    double yy = 1, yx = 0, xy = 0, xx = 1;
    double centre_y = (double)(by->height - 1) / 2;
    double centre_x = (double)(by->width - 1) / 2;
    double start_y = 0, start_x = 0;
    if (by->kind == WARP_FLIP) {
        yy = option[0] != 0 && bits.word[0] >> 31 ? -1 : 1;
        xx = option[2] != 0 && bits.word[1] >> 31 ? -1 : 1;
    } else if (by->kind == WARP_ROTATION) {
        draw_turned(first, &yy, &yx);
        xx = yy;
        xy = -yx;
    } else if (by->kind != WARP_SHIFT) {
        yy = first;
        xx = by->kind == WARP_EVEN_ZOOM ? first : second;
    }
    if (by->kind == WARP_SHIFT) {
        start_y = first;
        start_x = second;
    } else {
        start_y = centre_y - (yy * centre_y + yx * centre_x);
        start_x = centre_x - (xy * centre_y + xx * centre_x);
    }
    warp_t warp = {
        {warp_digits(start_y), warp_digits(yy), warp_digits(yx)},
        {warp_digits(start_x), warp_digits(xy), warp_digits(xx)},
        0,
    };
    warp.interpolates =
        by->interpolates && (between_pixels(&warp.y) || between_pixels(&warp.x));
    return warp;
}

HOST_DEVICE int64_t warp_place(const warp_axis_t *axis, ptrdiff_t i, ptrdiff_t j) {
    return axis->start + i * axis->by_row + j * axis->by_column;
}

/* The pixel at a coordinate or before it; the nearest one at half a pixel more. */
HOST_DEVICE ptrdiff_t whole_pixels(int64_t place) {
    return (ptrdiff_t)(place >> WARP_DIGITS);
}

HOST_DEVICE ptrdiff_t nearest_pixel(int64_t place) {
    return whole_pixels(place + ((int64_t)1 << (WARP_DIGITS - 1)));
}

/* How far beyond that pixel. */
HOST_DEVICE double part_of_pixel(int64_t place) {
    return (double)(place & (((int64_t)1 << WARP_DIGITS) - 1)) * 0x1p-40;
}

/* Along an axis of n pixels: what stands at a place i that lies before them, and beyond, is
   the pixel at below, or above, + slope i; -1 for the constant. */
typedef struct {
    ptrdiff_t n, below, above, slope;
} edges_t;

HOST_DEVICE edges_t edges_of(ptrdiff_t n, ptrdiff_t fill) {
    edges_t edges = {n, -1, -1, 0};
    if (fill == FILL_NEAREST) {
        edges.below = 0;
        edges.above = n - 1;
    } else if (fill == FILL_REFLECT) {
        edges.above = 2 * n - 1;
        edges.slope = -1;
    } else if (fill == FILL_WRAP) {
        edges.below = n;
        edges.above = -n;
        edges.slope = 1;
    }
    return edges;
}

/* The pixel that stands at a place, or a place nearer to them where it lies n beyond. */
HOST_DEVICE ptrdiff_t filled_once(ptrdiff_t i, const edges_t *edges) {
    ptrdiff_t beyond = (i < 0 ? edges->below : edges->above) + edges->slope * i;
    return (size_t)i < (size_t)edges->n ? i : beyond;
}

/* The pixel that stands there. */
HOST_DEVICE ptrdiff_t filled_from(ptrdiff_t i, const edges_t *edges) {
    ptrdiff_t near = filled_once(i, edges);
    if (!edges->slope || (size_t)near < (size_t)edges->n) return near;
    /* They come again, mirrored or not. */
    ptrdiff_t period = edges->slope > 0 ? edges->n : 2 * edges->n;
    i %= period;
    return filled_once(i < 0 ? i + period : i, edges);
}

/* How many pixels one of the output is made of. */
HOST_DEVICE int warp_taps(const warp_t *warp) { return warp->interpolates ? 4 : 1; }

/* One of those of pixel (i, j): where its numbers begin, -1 for the constant; its weight is
   1 where it is the only one. */
HOST_DEVICE ptrdiff_t warp_tap(const warped_t *by, const warp_t *warp, ptrdiff_t i,
                               ptrdiff_t j, int tap, double *weight) {
    int64_t y = warp_place(&warp->y, i, j), x = warp_place(&warp->x, i, j);
    edges_t rows = edges_of(by->height, by->fill);
    edges_t columns = edges_of(by->width, by->fill);
    ptrdiff_t row = nearest_pixel(y), column = nearest_pixel(x);
    *weight = 1;
    if (warp->interpolates) {
        double down = part_of_pixel(y), right = part_of_pixel(x);
        row = whole_pixels(y) + (tap >> 1);
        column = whole_pixels(x) + (tap & 1);
        *weight = (tap >> 1 ? down : 1 - down) * (tap & 1 ? right : 1 - right);
    }
    row = filled_from(row, &rows);
    column = filled_from(column, &columns);
    return (row | column) < 0 ? -1 : (row * by->width + column) * by->channels;
}

#define DECLARE(REAL, NAMED)                                                       \
    extern void CHOSEN(NAMED(warp_sample))(const warped_t *by, const warp_t *warp, \
                                           const REAL *x, REAL constant, REAL *y); \
    extern void CHOSEN(NAMED(warp_gradient_sample))(                               \
        const warped_t *by, const warp_t *warp, const REAL *dy, REAL *dx);
#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
