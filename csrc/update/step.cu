/* What a step adds up: the sums of its losses, and what they make of its row of the
   optimizer's table. It runs in a single block. */
#include "base/cuda/device.h"

#include "update/block_scalars.h"
#include "base/lanes.h"

/* What the update of a step depends on, in one number each or for each block of
   parameters; and the end of the step, for the sums of its epoch.

   squares: n_squares parts of the sum of the gradients' squares, where they are clipped to
   a norm. penalties: n_penalties parts of what regularizers add. cursor: the number of the
   present mini-batch, and of its row of the table. count: rows of the mini-batch.
   n_reports: numbers that are reported of the losses. */
KERNEL(settle, ptrdiff_t n_squares, const double *squares, ptrdiff_t n_penalties,
       const double *penalties, const block_t *blocks, ptrdiff_t n_blocks,
       ptrdiff_t count, const double *scalars, ptrdiff_t n_reports, double *sums,
       block_scalars_t *own, int64_t *cursor) {
    double weight = sums[SUM_WEIGHT], reported = sums[SUM_REPORTED], mine = 0;
    EACH_COLUMN(i, 0, n_squares) mine += squares[i];
    double total = block_sum(mine), scale = 1 / weight;
    if (n_squares && scalars[CLIP_NORM] > 0)
        scale *= clipping_factor(total, scale, scalars[CLIP_NORM]);
    mine = 0;
    EACH_COLUMN(i, 0, n_penalties) mine += penalties[i];
    double penalty = block_sum(mine);
    EACH_COLUMN(i, 0, n_blocks)
    own[i] = block_scalars(blocks + i, scalars, scale, weight);
    double *reports = sums + SUM_REPORTS;
    if (weight > 0) {
        EACH_COLUMN(i, 0, n_reports) reports[n_reports + i] += reports[i];
    }
    if (threadIdx.x == 0) {
        sums[SUM_SCALE] = scale;
        sums[SUM_PENALTY] = penalty;
        if (weight > 0)
            sums[SUM_EPOCH] += (double)count * (reported + penalty) / weight;
        cursor[0]++;
        cursor[1]++;
    }
}
