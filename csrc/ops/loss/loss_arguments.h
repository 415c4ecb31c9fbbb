/* What every kernel of a loss takes: csrc/ops/loss/loss.h tells it. Each share, or row,
   has the sum of its losses in its own number of partial. target_apart: from one sample's
   target to the next one's, or 0 where its rows are side by side. The target of a sample
   without weight may be missing, and is not read. */
#ifndef FASTNN_LOSS_ARGUMENTS_H
#define FASTNN_LOSS_ARGUMENTS_H

#include "base/cuda/block.h"

#define LOSS_ARGUMENTS(REAL)                                                         \
    ptrdiff_t m, ptrdiff_t n, const REAL *z, ptrdiff_t z_lead, const REAL *target,   \
        ptrdiff_t target_lead, ptrdiff_t target_apart, const REAL *weight,           \
        ptrdiff_t rows_per_weight, REAL scale, REAL option0, REAL option1, REAL *dz, \
        ptrdiff_t dz_lead, double *partial

/* Where the target of a row begins. */
#define TARGET_ROW(row) \
    (target + target_place(row, rows_per_weight, target_lead, target_apart))

HOST_DEVICE ptrdiff_t target_place(ptrdiff_t row, ptrdiff_t rows_per_sample,
                                   ptrdiff_t lead, ptrdiff_t apart) {
    if (!apart) return row * lead;
    ptrdiff_t sample = quotient(row, rows_per_sample);
    return sample * apart + (row - sample * rows_per_sample) * lead;
}

#endif
