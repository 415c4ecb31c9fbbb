#ifndef REAL
#include "base/cuda/axes.h"

#include "tables/elementwise.h"
#define BODY "ops/broadcast/broadcast.cu"
#include "base/each_real.h"
#else

#include "ops/broadcast/broadcast_formulas.h"

/* y = value(a + b), with b broadcast or absent; y may be a. da = dy * slope(saved); da may
   be dy. Rows of the last axis lie a lead apart. */
#define ROW(name, reads, default, value, slope)                                     \
    KERNEL(NAMED(add_##name), ptrdiff_t size, const REAL *a, ptrdiff_t a_lead,      \
           const REAL *b, AXES_ARGUMENTS, REAL option, REAL *y, ptrdiff_t y_lead) { \
        axes_t axes = AXES;                                                         \
        EACH_NUMBER(i, size) {                                                      \
            REAL x = a[in_rows(i, dim3, a_lead)];                                   \
            if (b) x += b[place_of(axes, i)];                                       \
            y[in_rows(i, dim3, y_lead)] = NAMED(value_of_##name)(x, option);        \
        }                                                                           \
    }                                                                               \
    KERNEL(NAMED(slope_##name), ptrdiff_t size, ptrdiff_t n, const REAL *dy,        \
           ptrdiff_t dy_lead, const REAL *saved, ptrdiff_t saved_lead, REAL option, \
           REAL *da, ptrdiff_t da_lead) {                                           \
        EACH_NUMBER(i, size) {                                                      \
            REAL own = saved[in_rows(i, n, saved_lead)];                            \
            da[in_rows(i, n, da_lead)] =                                            \
                dy[in_rows(i, n, dy_lead)] * NAMED(slope_of_##name)(own, option);   \
        }                                                                           \
    }
ACTIVATION_TABLE(ROW)
#undef ROW

/* db = [db +] the sum of d over the axes along which b was broadcast. */
KERNEL(NAMED(reduce), const REAL *d, ptrdiff_t d_lead, AXES_ARGUMENTS,
       ptrdiff_t accumulate, REAL *db) {
    axes_t axes = AXES;
    sum_to_places(SHARE, SHARES, axes, accumulate, db,
                  [=](ptrdiff_t i) { return d[in_rows(i, dim3, d_lead)]; });
}

#endif
