#ifndef REAL
#include "ops/loss/loss_arguments.h"

#include "tables/elementwise.h"
#include "base/lanes.h"

#define BODY "ops/loss/row_loss.cu"
#include "base/each_real.h"
#else

#include "ops/loss/row_loss_formulas.h"

/* sum(y log(y / softmax(z))): see csrc/ops/loss/row_loss.h. */
HOST_DEVICE double NAMED(kl_divergence_row)(ROW_ARGUMENTS(REAL)) {
    return NAMED(negative_entropy_row)(n, z, target, w, option, NULL) +
           NAMED(soft_cross_entropy_row)(n, z, target, w, option, d);
}

#define ROW(name, link)                                                               \
    KERNEL(NAMED(loss_##name), LOSS_ARGUMENTS(REAL)) {                                \
        REAL option[N_LOSS_OPTIONS] = {option0, option1};                             \
        EACH_ROW(row, m) {                                                            \
            REAL w = weight ? scale * weight[quotient(row, rows_per_weight)] : scale; \
            REAL *d = dz ? dz + row * dz_lead : NULL;                                 \
            double loss = 0;                                                          \
            if (weight && w == 0) {                                                   \
                if (d) {                                                              \
                    EACH_COLUMN(j, 0, n) d[j] = 0;                                    \
                }                                                                     \
            } else {                                                                  \
                loss = NAMED(name##_row)(n, z + row * z_lead, TARGET_ROW(row), w,     \
                                         option, d);                                  \
            }                                                                         \
            if (threadIdx.x == 0) partial[row] = loss;                                \
        }                                                                             \
    }
ROW_LOSS_TABLE(ROW)
#undef ROW

KERNEL(NAMED(softmax), ptrdiff_t m, ptrdiff_t n, const REAL *z, ptrdiff_t z_lead,
       REAL *y, ptrdiff_t y_lead) {
    EACH_ROW(row, m) NAMED(softmax_row)(n, z + row * z_lead, y + row * y_lead);
}

KERNEL(NAMED(softmax_gradient), ptrdiff_t m, ptrdiff_t n, const REAL *dy,
       ptrdiff_t dy_lead, const REAL *y, ptrdiff_t y_lead, REAL *dz,
       ptrdiff_t dz_lead) {
    EACH_ROW(row, m)
    NAMED(softmax_gradient_row)(n, dy + row * dy_lead, y + row * y_lead,
                                dz + row * dz_lead);
}

#endif
