#ifndef REAL
#include "ops/loss/loss.h"
#define BODY "ops/loss/loss.c"
#include "base/each_level.h"
#else

#include "tables/formulas.h"
#include "ops/loss/row_loss.h"

/* Rows that share a weight join into one long row, so that narrow outputs vectorise. */
#define ROW(name, link, value, gradient)                                           \
    static double NAMED(loss_##name)(LOSS_ARGUMENTS(REAL)) {                       \
        double total = 0;                                                          \
        REAL own[N_LOSS_OPTIONS];                                                  \
        memcpy(own, option, sizeof own);                                           \
        option = own;                                                              \
        if (z_lead == n && target_lead == n && dz_lead == n) {                     \
            ptrdiff_t joined = weight ? rows_per_weight : m;                       \
            m = n && m ? m / joined : 0;                                           \
            n *= joined;                                                           \
            z_lead = target_lead = dz_lead = n;                                    \
            rows_per_weight = 1;                                                   \
        }                                                                          \
        for (ptrdiff_t i = 0; i < m; i++) {                                        \
            const REAL *z_row = z + i * z_lead, *y_row = target + i * target_lead; \
            REAL w = weight ? scale * weight[i / rows_per_weight] : scale;         \
            REAL sum = 0;                                                          \
            if (dz) {                                                              \
                REAL *d = dz + i * dz_lead;                                        \
                SIMD_SUM(sum)                                                      \
                for (ptrdiff_t j = 0; j < n; j++) {                                \
                    REAL z = z_row[j], y = y_row[j];                               \
                    sum += value;                                                  \
                    d[j] = w * (gradient);                                         \
                }                                                                  \
            } else {                                                               \
                SIMD_SUM(sum)                                                      \
                for (ptrdiff_t j = 0; j < n; j++) {                                \
                    REAL z = z_row[j], y = y_row[j];                               \
                    sum += value;                                                  \
                }                                                                  \
            }                                                                      \
            total += (double)w * sum;                                              \
        }                                                                          \
        return total;                                                              \
    }
LOSS_TABLE(ROW)
#undef ROW

#define ROW(name, link, ...) NAMED(loss_##name),
TABLE(loss_loop, loss_loops) = {LOSS_TABLE(ROW) ROW_LOSS_TABLE(ROW)};
#undef ROW
CHOOSE(loss_loops)

#endif
