#ifndef REAL
#include "ops/augment/warp.h"

/* Whether all that a pixel is made of lies within the edges: of a row of the output that
   holds for pixels side by side, because coordinates change evenly along it. */
static int is_inside(const warped_t *by, const warp_t *warp, ptrdiff_t i, ptrdiff_t j) {
    int64_t y = warp_place(&warp->y, i, j), x = warp_place(&warp->x, i, j);
    int more = warp->interpolates;
    size_t row = (size_t)(more ? whole_pixels(y) : nearest_pixel(y));
    size_t column = (size_t)(more ? whole_pixels(x) : nearest_pixel(x));
    return row < (size_t)(by->height - more) && column < (size_t)(by->width - more);
}

#define BODY "ops/augment/warp.c"
#include "base/each_level.h"
#else

/* Pixels of row i from column j to before end, wherever they are read. */
static void NAMED(warp_pixels)(const warped_t *by, const warp_t *warp, ptrdiff_t i,
                               ptrdiff_t j, ptrdiff_t end, const REAL *x, REAL constant,
                               REAL *y) {
    for (; j < end; j++) {
        REAL *to = y + j * by->channels;
        for (int tap = 0; tap < warp_taps(warp); tap++) {
            double share;
            ptrdiff_t place = warp_tap(by, warp, i, j, tap, &share);
            REAL weight = (REAL)share;
            for (ptrdiff_t c = 0; c < by->channels; c++) {
                REAL value = place < 0 ? constant : x[place + c];
                to[c] = tap ? to[c] + weight * value : weight * value;
            }
        }
    }
}

/* The same of those that lie within the edges, for so many channels. */
HOST_DEVICE void NAMED(warp_inside)(const warped_t *by, const warp_t *warp, ptrdiff_t i,
                                    ptrdiff_t j, ptrdiff_t end, ptrdiff_t channels,
                                    const REAL *x, REAL *y) {
    int64_t start_y = warp_place(&warp->y, i, 0), step_y = warp->y.by_column;
    int64_t start_x = warp_place(&warp->x, i, 0), step_x = warp->x.by_column;
    ptrdiff_t width = by->width, below = width * channels;
    if (!warp->interpolates) {
        for (; j < end; j++) {
            ptrdiff_t row = nearest_pixel(start_y + j * step_y);
            ptrdiff_t column = nearest_pixel(start_x + j * step_x);
            const REAL *from = x + (row * width + column) * channels;
            for (ptrdiff_t c = 0; c < channels; c++) y[j * channels + c] = from[c];
        }
        return;
    }
    for (; j < end; j++) {
        int64_t at_y = start_y + j * step_y, at_x = start_x + j * step_x;
        ptrdiff_t pixel = whole_pixels(at_y) * width + whole_pixels(at_x);
        REAL down = (REAL)part_of_pixel(at_y), right = (REAL)part_of_pixel(at_x);
        const REAL *from = x + pixel * channels;
        for (ptrdiff_t c = 0; c < channels; c++) {
            REAL upper = (1 - right) * from[c] + right * from[channels + c];
            REAL lower =
                (1 - right) * from[below + c] + right * from[below + channels + c];
            y[j * channels + c] = (1 - down) * upper + down * lower;
        }
    }
}

LOOP void NAMED(warp_sample)(const warped_t *by, const warp_t *warp, const REAL *x,
                             REAL constant, REAL *y) {
    ptrdiff_t width = by->out_width, channels = by->channels;
    for (ptrdiff_t i = 0; i < by->out_height; i++, y += width * channels) {
        ptrdiff_t first = 0, last = width;
        while (first < width && !is_inside(by, warp, i, first)) first++;
        while (last > first && !is_inside(by, warp, i, last - 1)) last--;
        NAMED(warp_pixels)(by, warp, i, 0, first, x, constant, y);
        if (channels == 1)
            NAMED(warp_inside)(by, warp, i, first, last, 1, x, y);
        else if (channels == 3)
            NAMED(warp_inside)(by, warp, i, first, last, 3, x, y);
        else
            NAMED(warp_inside)(by, warp, i, first, last, channels, x, y);
        NAMED(warp_pixels)(by, warp, i, last, width, x, constant, y);
    }
}
CHOOSE(warp_sample)

LOOP void NAMED(warp_gradient_sample)(const warped_t *by, const warp_t *warp,
                                      const REAL *dy, REAL *dx) {
    ptrdiff_t channels = by->channels, size = by->height * by->width * channels;
    memset(dx, 0, (size_t)size * sizeof(REAL));
    for (ptrdiff_t i = 0; i < by->out_height; i++)
        for (ptrdiff_t j = 0; j < by->out_width; j++, dy += channels)
            for (int tap = 0; tap < warp_taps(warp); tap++) {
                double share;
                ptrdiff_t place = warp_tap(by, warp, i, j, tap, &share);
                if (place < 0) continue;
                REAL *to = dx + place, weight = (REAL)share;
                for (ptrdiff_t c = 0; c < channels; c++) to[c] += weight * dy[c];
            }
}
CHOOSE(warp_gradient_sample)

#endif
