#ifndef REAL
#include "ops/loss/loss_arguments.h"

#include "tables/elementwise.h"

#define BODY "ops/loss/loss.cu"
#include "base/each_real.h"
#else

#include "tables/formulas.h"

#define ELEMENT(name, link, value, gradient)                                 \
    HOST_DEVICE double NAMED(loss_of_##name)(REAL z, REAL y, REAL w,         \
                                             const REAL *option, REAL *dz) { \
        (void)option;                                                        \
        if (dz) *dz = w * (gradient);                                        \
        return (double)w * (value);                                          \
    }
LOSS_TABLE(ELEMENT)
#undef ELEMENT

#define ROW(name, link, value, gradient)                                              \
    KERNEL(NAMED(loss_##name), LOSS_ARGUMENTS(REAL)) {                                \
        REAL option[N_LOSS_OPTIONS] = {option0, option1};                             \
        (void)option;                                                                 \
        double mine = 0;                                                              \
        EACH_NUMBER(i, m * n) {                                                       \
            ptrdiff_t row = quotient(i, n), column = i - row * n;                     \
            REAL w = weight ? scale * weight[quotient(row, rows_per_weight)] : scale; \
            REAL z_own = z[row * z_lead + column];                                    \
            REAL y = target[row * target_lead + column];                              \
            mine += NAMED(loss_of_##name)(z_own, y, w, option,                        \
                                          dz ? dz + row * z_lead + column : NULL);    \
        }                                                                             \
        mine = block_sum(mine);                                                       \
        if (THREAD == 0) partial[SHARE] = mine;                                       \
    }
LOSS_TABLE(ROW)
#undef ROW

/* Adds the loss of one op, from n partial sums, and the weights of so many samples, all in
   one share. weight may be absent: each is 1. */
KERNEL(NAMED(finish_loss), ptrdiff_t n, const double *partial, double report,
       ptrdiff_t count, const REAL *weight, double *sums) {
    double mine = 0;
    EACH_NUMBER(i, n) mine += partial[i];
    double loss = block_sum(mine);
    mine = 0;
    EACH_NUMBER(i, count) mine += weight ? (double)weight[i] : 1.0;
    double weights = block_sum(mine);
    if (THREAD == 0) {
        sums[SUM_LOSS] += loss;
        sums[SUM_REPORTED] += report * loss;
        sums[SUM_WEIGHT] += weights;
    }
}

#endif
