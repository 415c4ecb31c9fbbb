/* y = activation(a + broadcast(b)) and its adjoint, over a block of m rows by n columns.

   Rows of an array lie its lead apart. b's element for row i and column j is
   b[i * b_row + j * b_column]; b_column is 0 or 1.
   option is the activation's own parameter, if it has one. */
#ifndef FASTNN_BROADCAST_H
#define FASTNN_BROADCAST_H

#include "base/compiler.h"

enum { IDENTITY = 0 }; /* the first row of the table of activations */

#define DECLARE(REAL, NAMED)                                                          \
    /* b may be NULL (nothing is added); y may be a. */                               \
    typedef void (*NAMED(add_loop))(                                                  \
        ptrdiff_t m, ptrdiff_t n, const REAL *a, ptrdiff_t a_lead, const REAL *b,     \
        ptrdiff_t b_row, ptrdiff_t b_column, REAL option, REAL *y, ptrdiff_t y_lead); \
    /* da = dy * slope(saved); da may be dy. */                                       \
    typedef void (*NAMED(slope_loop))(ptrdiff_t m, ptrdiff_t n, const REAL *dy,       \
                                      ptrdiff_t dy_lead, const REAL *saved,           \
                                      ptrdiff_t saved_lead, REAL option, REAL *da,    \
                                      ptrdiff_t da_lead);                             \
    extern const NAMED(add_loop) CHOSEN_TABLE(NAMED(add_loops));                      \
    extern const NAMED(slope_loop) CHOSEN_TABLE(NAMED(slope_loops));                  \
    /* Adds the numbers of d to those of db that were broadcast to their places. */   \
    extern void CHOSEN(NAMED(reduce))(ptrdiff_t m, ptrdiff_t n, const REAL *d,        \
                                      ptrdiff_t d_lead, REAL *db, ptrdiff_t b_row,    \
                                      ptrdiff_t b_column);

#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
