#ifndef REAL
#include "base/cuda/axes.h"

#include "tables/elementwise.h"
#define BODY "ops/broadcast/broadcast.cu"
#include "base/each_real.h"
#else

#include "ops/broadcast/broadcast_formulas.h"

/* y = value(a + b), with b broadcast or absent; y may be a. da = dy * slope(saved); da may
   be dy. */
#define ROW(name, reads, default, value, slope)                                        \
    KERNEL(NAMED(add_##name), ptrdiff_t size, const REAL *a, const REAL *b,            \
           AXES_ARGUMENTS, REAL option, REAL *y) {                                     \
        axes_t axes = AXES;                                                            \
        EACH_NUMBER(i, size) {                                                         \
            REAL x = b ? a[i] + b[place_of(axes, i)] : a[i];                           \
            y[i] = NAMED(value_of_##name)(x, option);                                  \
        }                                                                              \
    }                                                                                  \
    KERNEL(NAMED(slope_##name), ptrdiff_t size, const REAL *dy, const REAL *saved,     \
           REAL option, REAL *da) {                                                    \
        EACH_NUMBER(i, size) da[i] = dy[i] * NAMED(slope_of_##name)(saved[i], option); \
    }
ACTIVATION_TABLE(ROW)
#undef ROW

/* db = [db +] the sum of d over the axes along which b was broadcast. */
KERNEL(NAMED(reduce), const REAL *d, AXES_ARGUMENTS, ptrdiff_t accumulate, REAL *db) {
    axes_t axes = AXES;
    sum_to_places(SHARE, SHARES, axes, accumulate, db,
                  [=](ptrdiff_t i) { return d[i]; });
}

#endif
