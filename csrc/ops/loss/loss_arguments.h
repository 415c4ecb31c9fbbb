/* What every kernel of a loss takes: csrc/ops/loss/loss.h tells it. Each share, or row,
   has the sum of its losses in its own number of partial. */
#ifndef FASTNN_LOSS_ARGUMENTS_H
#define FASTNN_LOSS_ARGUMENTS_H

#include "base/cuda/block.h"

#define LOSS_ARGUMENTS(REAL)                                                       \
    ptrdiff_t m, ptrdiff_t n, const REAL *z, ptrdiff_t z_lead, const REAL *target, \
        ptrdiff_t target_lead, const REAL *weight, ptrdiff_t rows_per_weight,      \
        REAL scale, REAL option0, REAL option1, REAL *dz, double *partial

#endif
