/* A rectangle of a sample of shape (height, width, channels), in which other numbers stand:
   Zhong, Zheng, Kang, Li and Yang, "Random erasing data augmentation", AAAI 2020. */
#ifndef FASTNN_ERASE_H
#define FASTNN_ERASE_H

#include "ops/augment/draw.h"

/* Blocks of random words that a sample's rectangle takes, in front of those of its noise,
   and numbers that a block of noise is for. */
enum { ERASE_BLOCKS = 2, ERASE_LANES = 4 };

/* Rows and columns from the first to before the last. */
typedef struct {
    ptrdiff_t top, bottom, left, right;
} rectangle_t;

/* Blocks of random words for a sample of n numbers. */
HOST_DEVICE uint64_t erase_blocks(ptrdiff_t n) {
    return ERASE_BLOCKS + (uint64_t)((n + ERASE_LANES - 1) / ERASE_LANES);
}

/* Of so many pixels in a line, those whose middles lie within a length: a share of all that
   is the root of a number between two, and begins anywhere. */
HOST_DEVICE void draw_erased(ptrdiff_t pixels, uint32_t size, uint32_t place,
                             double low, double high, ptrdiff_t *first,
                             ptrdiff_t *last) {
    double length = sqrt(draw_between(size, low, high)) * (double)pixels;
    double start = draw_between(place, 0, (double)pixels - length);
    *first = (ptrdiff_t)ceil(start - 0.5);
    *last = (ptrdiff_t)ceil(start + length - 0.5);
    if (*last > pixels) *last = pixels;
}

/* The rectangle of one sample, of which chances in 2^32 have one; position: its first
   block of random words. */
HOST_DEVICE rectangle_t draw_rectangle(ptrdiff_t height, ptrdiff_t width,
                                       uint64_t chances, double low, double high,
                                       uint64_t seed, uint64_t stream,
                                       uint64_t position) {
    rectangle_t erased = {0, 0, 0, 0};
    philox_t bits = philox(seed, stream, position);
    philox_t chance = philox(seed, stream, position + 1);
    if (chance.word[0] >= chances) return erased;
    draw_erased(height, bits.word[0], bits.word[1], low, high, &erased.top,
                &erased.bottom);
    draw_erased(width, bits.word[2], bits.word[3], low, high, &erased.left,
                &erased.right);
    return erased;
}

#endif
