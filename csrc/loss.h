/* Losses over m rows of n raw outputs z, with their gradients, and the softmax.

   weight holds one weight a row, or is NULL. dz may be z, or NULL when only the value is
   asked for. A loop returns the weighted sum of the losses. option is the loss' own
   parameter, if it has one. */
#ifndef FASTNN_LOSS_H
#define FASTNN_LOSS_H

#include <stddef.h>

#define DECLARE(REAL, NAMED)                                                                 \
    typedef double (*NAMED(loss_loop))(ptrdiff_t m, ptrdiff_t n, const REAL *z,              \
                                       const REAL *target, const REAL *weight,               \
                                       REAL scale, REAL option, REAL *dz);                   \
    extern const NAMED(loss_loop) NAMED(loss_loops)[];                                       \
    /* n columns of rows that are z_lead and label_lead numbers long; dz is laid out as z. \
       label holds class numbers 0 <= label < n: the caller has checked them. \
       rows_per_weight rows of a sample share its weight. */ \
    double NAMED(cross_entropy_loop)(ptrdiff_t m, ptrdiff_t n, const REAL *z,                \
                                     ptrdiff_t z_lead, const REAL *label,                    \
                                     ptrdiff_t label_lead, const REAL *weight,               \
                                     ptrdiff_t rows_per_weight, REAL scale, REAL *dz);       \
    void NAMED(softmax_loop)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t lead, const REAL *z,        \
                             REAL *y);                                                       \
    void NAMED(softmax_gradient_loop)(ptrdiff_t m, ptrdiff_t n, const REAL *dy,              \
                                      const REAL *y, REAL *dz);

#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
