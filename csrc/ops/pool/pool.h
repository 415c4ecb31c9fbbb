/* The largest, the mean or the sum of the numbers in each window over the places of a
   sample, channel by channel, and the adjoints. */
#ifndef FASTNN_POOL_H
#define FASTNN_POOL_H

#include "base/compiler.h"

/* Codes of what is made of a window. */
enum { POOL_MEAN, POOL_SUM, POOL_MAX };

/* One axis of a sample: its places, and the windows over it, of which each has a place
   or more. Both come in their order, so that the windows over a place are neighbours. */
typedef struct {
    ptrdiff_t length, count;
    const int64_t *begin,
        *end; /* of each window: its first place, and behind its last */
    const int64_t *first,
        *last; /* of each place: its first window, and behind its last */
} pooled_axis_t;

/* Rows and columns of places, each with so many channels side by side. */
typedef struct {
    ptrdiff_t channels;
    pooled_axis_t rows, columns;
} pooled_t;

/* The integers of the op: channels, and for rows and columns in turn what is above. */
HOST_DEVICE pooled_axis_t pooled_axis(const int64_t *params) {
    ptrdiff_t length = params[0], count = params[1];
    const int64_t *begin = params + 2, *first = begin + 2 * count;
    pooled_axis_t axis = {length, count, begin, begin + count, first, first + length};
    return axis;
}

HOST_DEVICE pooled_t pooled_by(const int64_t *params) {
    pooled_axis_t rows = pooled_axis(params + 1);
    pooled_t pooled = {params[0], rows, pooled_axis(rows.last + rows.length)};
    return pooled;
}

/* Numbers of a sample, and of its result. */
HOST_DEVICE ptrdiff_t pooled_size(const pooled_t *pooled) {
    return pooled->rows.length * pooled->columns.length * pooled->channels;
}

HOST_DEVICE ptrdiff_t pooled_results(const pooled_t *pooled) {
    return pooled->rows.count * pooled->columns.count * pooled->channels;
}

#define DECLARE(REAL, REAL_INT, NAMED)                                                   \
    /* largest, of maxima only, which may be NULL: which place of its window, counted  \
       in C order, each is from. That is the first of those that are equal. */ \
    extern void CHOSEN(NAMED(pool_sample))(int code, const pooled_t *pooled,             \
                                           const REAL *x, REAL *y, REAL_INT *largest);   \
    /* dx from dy, and of maxima from their places: each is written once. */             \
    extern void CHOSEN(NAMED(pool_gradient_sample))(                                     \
        int code, const pooled_t *pooled, const REAL *dy, const REAL_INT *largest,       \
        REAL *dx);
#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, int32_t, NAMED_F32)
DECLARE(double, int64_t, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
