/* The numbers of a sample at other places: axes in another order, with zeros around what
   there is or without its edges. Its adjoint is of the same kind. */
#ifndef FASTNN_MOVE_H
#define FASTNN_MOVE_H

#include "base/compiler.h"

/* The axes of the result y, whose numbers lie side by side. Along each, x begins before
   places behind the edge of y, ends after inside places, and moves by stride from one to
   the next; where it is not y is 0. */
typedef struct {
    ptrdiff_t rank;
    /* Above -1: the axis along which the numbers of x lie side by side. It is none where
       it is the last one, or y has zeros. */
    ptrdiff_t across;
    const int64_t *length, *before, *inside, *stride;
    const int64_t *step; /* of y */
} moved_axes_t;

/* The integers of the op: numbers of a sample of x and of y, then what is above. */
HOST_DEVICE moved_axes_t moved_by(const int64_t *params) {
    ptrdiff_t rank = params[2];
    const int64_t *length = params + 4;
    moved_axes_t axes = {rank,
                         params[3],
                         length,
                         length + rank,
                         length + 2 * rank,
                         length + 3 * rank,
                         length + 4 * rank};
    return axes;
}

#define DECLARE(REAL, NAMED)                                                        \
    extern void CHOSEN(NAMED(move_sample))(const moved_axes_t *axes, const REAL *x, \
                                           REAL *y);
#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
