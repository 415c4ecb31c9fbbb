#ifndef REAL
#include "loss.h"
#include <math.h>
#define BODY "row_loss.c"
#include "each_real.h"
#else

#include "row_loss_formulas.h"

CLONES void NAMED(softmax_loop)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t lead, const REAL *z,
                                REAL *y) {
    for (ptrdiff_t i = 0; i < m; i++) NAMED(softmax_row)(n, z + i * lead, y + i * lead);
}

CLONES void NAMED(softmax_gradient_loop)(ptrdiff_t m, ptrdiff_t n, const REAL *dy,
                                         const REAL *y, REAL *dz) {
    for (ptrdiff_t i = 0; i < m; i++)
        NAMED(softmax_gradient_row)(n, dy + i * n, y + i * n, dz + i * n);
}

#define LOOP(name, linkage)                                                            \
    CLONES linkage double NAMED(loss_##name)(LOSS_ARGUMENTS(REAL)) {                   \
        double total = 0;                                                              \
        for (ptrdiff_t i = 0; i < m; i++) {                                            \
            REAL w = weight ? scale * weight[i / rows_per_weight] : scale;             \
            total += NAMED(name##_row)(n, z + i * z_lead, target + i * target_lead, w, \
                                       option, dz ? dz + i * z_lead : NULL);           \
        }                                                                              \
        return total;                                                                  \
    }
LOOP(cross_entropy, )
LOOP(soft_cross_entropy, )
LOOP(focal, )
LOOP(multi_margin, )
LOOP(cosine_similarity, )
LOOP(negative_entropy, static)
#undef LOOP

/* sum(y log(y / softmax(z))): the cross-entropy less that of y itself, which no output
   changes. Kullback and Leibler, "On information and sufficiency", 1951. */
CLONES double NAMED(loss_kl_divergence)(LOSS_ARGUMENTS(REAL)) {
    return NAMED(loss_negative_entropy)(m, n, z, z_lead, target, target_lead, weight,
                                        rows_per_weight, scale, option, NULL) +
           NAMED(loss_soft_cross_entropy)(m, n, z, z_lead, target, target_lead, weight,
                                          rows_per_weight, scale, option, dz);
}

#endif
