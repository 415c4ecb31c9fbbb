/* y = activation(a + broadcast(b)) and its adjoint, over a block of m rows by n columns.

   b's element for row i and column j is b[i * b_row + j * b_column]; b_column is 0 or 1. */
#ifndef FASTNN_BROADCAST_H
#define FASTNN_BROADCAST_H

#include <stddef.h>

enum { IDENTITY = 0 }; /* the first row of the table of activations */

#define DECLARE(REAL, NAMED)                                                               \
    /* b may be NULL (nothing is added); y may be a. */                                    \
    typedef void (*NAMED(add_loop))(ptrdiff_t m, ptrdiff_t n, const REAL *a,               \
                                    const REAL *b, ptrdiff_t b_row,                        \
                                    ptrdiff_t b_column, REAL *y);                          \
    /* da = dy * slope(saved) when da is given (it may be dy); then db, when given, gets \
       the sum of da, or of dy without one, over what b was broadcast over. */ \
    typedef void (*NAMED(add_gradient_loop))(ptrdiff_t m, ptrdiff_t n, const REAL *dy,     \
                                             const REAL *saved, REAL *da, REAL *db,        \
                                             ptrdiff_t b_row, ptrdiff_t b_column);         \
    extern const NAMED(add_loop) NAMED(add_loops)[];                                       \
    extern const NAMED(add_gradient_loop) NAMED(add_gradient_loops)[];

#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
