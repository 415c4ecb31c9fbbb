#ifndef REAL
#include "loss.h"
#include "elementwise.h"
#define BODY "loss.c"
#include "each_real.h"
#else

#include "formulas.h"

/* Without weights the rows join into one long row, so that narrow outputs vectorise. */
#define ROW(name, link, value, gradient)                                          \
    CLONES double NAMED(loss_##name)(ptrdiff_t m, ptrdiff_t n, const REAL *z_row, \
                                     const REAL *target, const REAL *weight,      \
                                     REAL scale, REAL option, REAL *dz) {         \
        double total = 0;                                                         \
        (void)option;                                                             \
        if (!weight) {                                                            \
            n *= m;                                                               \
            m = n ? 1 : 0;                                                        \
        }                                                                         \
        for (ptrdiff_t i = 0; i < m; i++, z_row += n, target += n) {              \
            REAL w = weight ? scale * weight[i] : scale;                          \
            REAL sum = 0;                                                         \
            if (dz) {                                                             \
                SIMD_SUM(sum)                                                     \
                for (ptrdiff_t j = 0; j < n; j++) {                               \
                    REAL z = z_row[j], y = target[j];                             \
                    sum += value;                                                 \
                    dz[i * n + j] = w * (gradient);                               \
                }                                                                 \
            } else {                                                              \
                SIMD_SUM(sum)                                                     \
                for (ptrdiff_t j = 0; j < n; j++) {                               \
                    REAL z = z_row[j], y = target[j];                             \
                    sum += value;                                                 \
                }                                                                 \
            }                                                                     \
            total += (double)w * sum;                                             \
        }                                                                         \
        return total;                                                             \
    }
LOSS_TABLE(ROW)
#undef ROW

#define ROW(name, link, value, gradient) NAMED(loss_##name),
const NAMED(loss_loop) NAMED(loss_loops)[] = {LOSS_TABLE(ROW)};
#undef ROW

/* The largest element. It may pass over a NaN, but the sums of exponentials do not. */
HOST_DEVICE REAL NAMED(row_max)(ptrdiff_t n, const REAL *z) {
    REAL highest = z[0];
    SIMD_MAX(highest)
    for (ptrdiff_t j = 1; j < n; j++) highest = z[j] > highest ? z[j] : highest;
    return highest;
}

CLONES void NAMED(softmax_loop)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t lead, const REAL *z,
                                REAL *y) {
    for (ptrdiff_t i = 0; i < m; i++, z += lead, y += lead) {
        REAL highest = NAMED(row_max)(n, z);
        REAL sum = 0;
        SIMD_SUM(sum)
        for (ptrdiff_t j = 0; j < n; j++) {
            REAL e = NAMED(exp)(z[j] - highest);
            y[j] = e;
            sum += e;
        }
        REAL scale = 1 / sum;
        SIMD
        for (ptrdiff_t j = 0; j < n; j++) y[j] *= scale;
    }
}

/* dz = y (dy - sum(dy y)) */
CLONES void NAMED(softmax_gradient_loop)(ptrdiff_t m, ptrdiff_t n, const REAL *dy,
                                         const REAL *y, REAL *dz) {
    for (ptrdiff_t i = 0; i < m; i++, dy += n, y += n, dz += n) {
        REAL sum = 0;
        SIMD_SUM(sum)
        for (ptrdiff_t j = 0; j < n; j++) sum += dy[j] * y[j];
        SIMD
        for (ptrdiff_t j = 0; j < n; j++) dz[j] = y[j] * (dy[j] - sum);
    }
}

/* -log softmax(z)[label] = log(sum(exp(z - max))) - (z[label] - max), and its gradient
   softmax(z) - onehot(label). */
CLONES double NAMED(cross_entropy_loop)(ptrdiff_t m, ptrdiff_t n, const REAL *z,
                                        ptrdiff_t z_lead, const REAL *label,
                                        ptrdiff_t label_lead, const REAL *weight,
                                        ptrdiff_t rows_per_weight, REAL scale,
                                        REAL *dz) {
    double total = 0;
    for (ptrdiff_t i = 0; i < m; i++, z += z_lead) {
        REAL w = weight ? scale * weight[i / rows_per_weight] : scale;
        ptrdiff_t k = (ptrdiff_t)label[i * label_lead];
        REAL highest = NAMED(row_max)(n, z);
        REAL margin = z[k] - highest;
        REAL sum = 0;
        if (dz) {
            REAL *d = dz + i * z_lead;
            SIMD_SUM(sum)
            for (ptrdiff_t j = 0; j < n; j++) {
                REAL e = NAMED(exp)(z[j] - highest);
                d[j] = e;
                sum += e;
            }
            REAL factor = w / sum;
            SIMD
            for (ptrdiff_t j = 0; j < n; j++) d[j] *= factor;
            d[k] -= w;
        } else {
            SIMD_SUM(sum)
            for (ptrdiff_t j = 0; j < n; j++) sum += NAMED(exp)(z[j] - highest);
        }
        total += (double)w * (log((double)sum) - (double)margin);
    }
    return total;
}

#endif
