/* The losses of whole rows over many of them, and the softmax. */
#include "ops/loss/row_loss_formulas.h"

LOOP void NAMED(softmax_loop)(ptrdiff_t m, ptrdiff_t n, const REAL *z, ptrdiff_t z_lead,
                              REAL *y, ptrdiff_t y_lead) {
    for (ptrdiff_t i = 0; i < m; i++)
        NAMED(softmax_row)(n, z + i * z_lead, y + i * y_lead);
}
CHOOSE(softmax_loop)

LOOP void NAMED(softmax_gradient_loop)(ptrdiff_t m, ptrdiff_t n, const REAL *dy,
                                       ptrdiff_t dy_lead, const REAL *y,
                                       ptrdiff_t y_lead, REAL *dz, ptrdiff_t dz_lead) {
    for (ptrdiff_t i = 0; i < m; i++)
        NAMED(softmax_gradient_row)(n, dy + i * dy_lead, y + i * y_lead,
                                    dz + i * dz_lead);
}
CHOOSE(softmax_gradient_loop)

#define ROW_LOSS(name)                                                                 \
    static double NAMED(loss_##name)(LOSS_ARGUMENTS(REAL)) {                           \
        double total = 0;                                                              \
        for (ptrdiff_t i = 0; i < m; i++) {                                            \
            REAL w = weight ? scale * weight[i / rows_per_weight] : scale;             \
            total += NAMED(name##_row)(n, z + i * z_lead, target + i * target_lead, w, \
                                       option, dz ? dz + i * dz_lead : NULL);          \
        }                                                                              \
        return total;                                                                  \
    }
ROW_LOSS(cross_entropy)
ROW_LOSS(soft_cross_entropy)
ROW_LOSS(focal)
ROW_LOSS(multi_margin)
ROW_LOSS(cosine_similarity)
ROW_LOSS(negative_entropy)
#undef ROW_LOSS

/* sum(y log(y / softmax(z))): the cross-entropy less that of y itself, which no output
   changes. Kullback and Leibler, "On information and sufficiency", 1951. */
static double NAMED(loss_kl_divergence)(LOSS_ARGUMENTS(REAL)) {
    return NAMED(loss_negative_entropy)(m, n, z, z_lead, target, target_lead, weight,
                                        rows_per_weight, scale, option, NULL, dz_lead) +
           NAMED(loss_soft_cross_entropy)(m, n, z, z_lead, target, target_lead, weight,
                                          rows_per_weight, scale, option, dz, dz_lead);
}
