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

#define DECLARE(REAL, NAMED)                                                               \
    /* The others that go along with y are a and b. y may be one of them. */               \
    typedef void (*NAMED(merge_loop))(const paired_axes_t *axes, const REAL *a,            \
                                      const REAL *b, REAL *y);                             \
    /* The gradient d of the operand of this number, 0 or 1, whose value is a; b is that \
       of the other. Where it sums, it adds dy * slope(a, b) to the places of d that     \
       were broadcast; else d is as large as dy, and may be dy. */ \
    typedef void (*NAMED(merge_gradient_loop))(const paired_axes_t *axes, int operand,     \
                                               int sums, const REAL *dy,                   \
                                               const REAL *a, const REAL *b, REAL *d);     \
    extern const NAMED(merge_loop) CHOSEN_TABLE(NAMED(merge_loops));                       \
    extern const NAMED(merge_gradient_loop) CHOSEN_TABLE(NAMED(merge_gradient_loops));     \
    /* y = factor * x + shift; y may be x. */                                              \
    extern void CHOSEN(NAMED(scale_loop))(ptrdiff_t n, const REAL *x, REAL factor,         \
                                          REAL shift, REAL *y);

#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
