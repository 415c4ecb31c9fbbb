#ifndef REAL
#include "base/cuda/device.h"

#include "tables/elementwise.h"
#define BODY "ops/columns/columns.cu"
#include "base/each_real.h"
#else

#include "ops/broadcast/broadcast_formulas.h"

/* y = value(x), of n columns of m rows; y may be x. */
#define ROW(name, reads, default, value, slope)                                 \
    KERNEL(NAMED(copy_columns_##name), ptrdiff_t m, ptrdiff_t n, const REAL *x, \
           ptrdiff_t x_lead, REAL option, REAL *y, ptrdiff_t y_lead) {          \
        EACH_NUMBER(i, m * n) {                                                 \
            ptrdiff_t row = quotient(i, n), column = i - row * n;               \
            y[row * y_lead + column] =                                          \
                NAMED(value_of_##name)(x[row * x_lead + column], option);       \
        }                                                                       \
    }
ACTIVATION_TABLE(ROW)
#undef ROW

#endif
