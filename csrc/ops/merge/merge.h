/* Two values made one, number by number, each of them broadcast along the other, and the
   adjoint; and one value scaled and shifted. */
#ifndef FASTNN_MERGE_H
#define FASTNN_MERGE_H

#include "ops/rows.h"

/* ROW(name, value, slope): what becomes of a and b, which may change places, and the
   derivative with respect to a. NaN comes out as NaN; numbers that are both the largest
   share the gradient. The place is the code. */
#define MERGE_TABLE(ROW)     \
    ROW(sum, a + b, 1)       \
    ROW(product, (a * b), b) \
    ROW(maximum, a > b || a != a ? a : b, a > b ? 1 : a == b ? (REAL)0.5 : 0)

/* The others that go along with the result y, or with its gradient dy, are a and b.

   merge_loop: y may be one of them.
   merge_gradient_loop: the gradients d of a and b, of which one may be NULL, from their
   values. Those that sum add dy * slope(a, b) to the places that were broadcast; others
   are as large as dy, which the first may be.
   scale_loop: y = factor * x + shift; y may be x. */
#define DECLARE(REAL, NAMED)                                                           \
    typedef void (*NAMED(merge_loop))(const paired_axes_t *axes, const REAL *a,        \
                                      const REAL *b, REAL *y);                         \
    typedef void (*NAMED(merge_gradient_loop))(                                        \
        const paired_axes_t *axes, const REAL *dy, const REAL *const *values,          \
        const int *sums, REAL *const *d);                                              \
    extern const NAMED(merge_loop) CHOSEN_TABLE(NAMED(merge_loops));                   \
    extern const NAMED(merge_gradient_loop) CHOSEN_TABLE(NAMED(merge_gradient_loops)); \
    extern void CHOSEN(NAMED(scale_loop))(ptrdiff_t n, const REAL *x, REAL factor,     \
                                          REAL shift, REAL *y);

#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
