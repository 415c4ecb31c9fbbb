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
            REAL *d = dz ? dz + row * dz_lead + column : NULL;                        \
            if (weight && w == 0) {                                                   \
                if (d) *d = 0;                                                        \
                continue;                                                             \
            }                                                                         \
            REAL z_own = z[row * z_lead + column];                                    \
            REAL y = TARGET_ROW(row)[column];                                         \
            mine += NAMED(loss_of_##name)(z_own, y, w, option, d);                    \
        }                                                                             \
        mine = block_sum(mine);                                                       \
        if (THREAD == 0) partial[SHARE] = mine;                                       \
    }
LOSS_TABLE(ROW)
#undef ROW

/* The sum of count weights, of which each is 1 where weight is absent. */
HOST_DEVICE double NAMED(weight_sum)(ptrdiff_t count, const REAL *weight) {
    double mine = 0;
    EACH_NUMBER(i, count) mine += weight ? (double)weight[i] : 1.0;
    return block_sum(mine);
}

/* Adds the loss of one op, from n partial sums, all in one share. The first op of a loss
   adds up its weights of count samples as well, the first of all those that a mean is over.
   Either may be absent: each is 1. */
KERNEL(NAMED(finish_loss), ptrdiff_t n, const double *partial, double report,
       ptrdiff_t count, const REAL *own_weight, ptrdiff_t is_first, const REAL *weight,
       double *sums, ptrdiff_t loss_number) {
    double mine = 0;
    EACH_NUMBER(i, n) mine += partial[i];
    double loss = block_sum(mine);
    double own = NAMED(weight_sum)(count, own_weight), all = own;
    if (is_first && weight != own_weight) all = NAMED(weight_sum)(count, weight);
    if (THREAD == 0) {
        double *reports = sums + SUM_REPORTS + 2 * loss_number;
        sums[SUM_LOSS] += loss;
        sums[SUM_REPORTED] += report * loss;
        if (is_first) sums[SUM_WEIGHT] += all;
        reports[0] += report * loss;
        reports[1] += own;
    }
}

#endif
