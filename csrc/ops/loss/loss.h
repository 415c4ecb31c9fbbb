/* Losses over m rows of n raw outputs z, with their gradients, and the softmax.

   Rows of z and of the target are z_lead and target_lead numbers long, of which the loss
   looks at the first: n of z, and of the target n, or one that holds a class number
   0 <= label < n, which the caller has checked. weight holds one weight for a sample of
   rows_per_weight rows, or is NULL. Rows of dz are dz_lead apart; it may be z, and is NULL
   when only the value is asked for. A loop returns the weighted sum of the losses, times scale.
   option: N_LOSS_OPTIONS parameters of the loss' own. */
#ifndef FASTNN_LOSS_H
#define FASTNN_LOSS_H

#include "base/compiler.h"
#include "tables/elementwise.h"

/* What every loss takes. */
#define LOSS_ARGUMENTS(REAL)                                                       \
    ptrdiff_t m, ptrdiff_t n, const REAL *z, ptrdiff_t z_lead, const REAL *target, \
        ptrdiff_t target_lead, const REAL *weight, ptrdiff_t rows_per_weight,      \
        REAL scale, const REAL *option, REAL *dz, ptrdiff_t dz_lead

#define DECLARE(REAL, NAMED)                                                         \
    typedef double (*NAMED(loss_loop))(LOSS_ARGUMENTS(REAL));                        \
    /* The rows of LOSS_TABLE, then those of ROW_LOSS_TABLE. */                      \
    extern const NAMED(loss_loop) CHOSEN_TABLE(NAMED(loss_loops));                   \
    extern void CHOSEN(NAMED(softmax_loop))(ptrdiff_t m, ptrdiff_t n, const REAL *z, \
                                            ptrdiff_t z_lead, REAL *y,               \
                                            ptrdiff_t y_lead);                       \
    extern void CHOSEN(NAMED(softmax_gradient_loop))(                                \
        ptrdiff_t m, ptrdiff_t n, const REAL *dy, ptrdiff_t dy_lead, const REAL *y,  \
        ptrdiff_t y_lead, REAL *dz, ptrdiff_t dz_lead);

#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
