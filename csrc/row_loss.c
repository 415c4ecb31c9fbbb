#ifndef REAL
#include "loss.h"
#define BODY "row_loss.c"
#include "each_real.h"
#else

#include "scalar.h"

/* The largest element. It may pass over a NaN, but the sums of exponentials do not. */
HOST_DEVICE REAL NAMED(row_max)(ptrdiff_t n, const REAL *z) {
    REAL highest = z[0];
    SIMD_MAX(highest)
    for (ptrdiff_t j = 1; j < n; j++) highest = z[j] > highest ? z[j] : highest;
    return highest;
}

HOST_DEVICE REAL NAMED(exp_sum)(ptrdiff_t n, const REAL *z, REAL highest) {
    REAL sum = 0;
    SIMD_SUM(sum)
    for (ptrdiff_t j = 0; j < n; j++) sum += NAMED(exp)(z[j] - highest);
    return sum;
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
   softmax(z) - onehot(label). The share option[0] of the label is spread over all classes
   alike: Szegedy et al., "Rethinking the Inception architecture", CVPR 2016. */
CLONES double NAMED(loss_cross_entropy)(LOSS_ARGUMENTS(REAL)) {
    double total = 0;
    REAL spread = option[0] / (REAL)n;
    for (ptrdiff_t i = 0; i < m; i++, z += z_lead) {
        REAL w = weight ? scale * weight[i / rows_per_weight] : scale;
        ptrdiff_t k = (ptrdiff_t)target[i * target_lead];
        REAL highest = NAMED(row_max)(n, z);
        REAL margin = z[k] - highest;
        REAL sum = 0;
        if (spread > 0) {
            REAL margins = 0;
            SIMD_SUM(margins)
            for (ptrdiff_t j = 0; j < n; j++) margins += z[j] - highest;
            margin = (1 - option[0]) * margin + spread * margins;
        }
        if (dz) {
            REAL *d = dz + i * z_lead;
            SIMD_SUM(sum)
            for (ptrdiff_t j = 0; j < n; j++) {
                REAL e = NAMED(exp)(z[j] - highest);
                d[j] = e;
                sum += e;
            }
            REAL factor = w / sum, everywhere = w * spread;
            SIMD
            for (ptrdiff_t j = 0; j < n; j++) d[j] = d[j] * factor - everywhere;
            d[k] -= w * (1 - option[0]);
        } else {
            sum = NAMED(exp_sum)(n, z, highest);
        }
        total += (double)w * (log((double)sum) - (double)margin);
    }
    return total;
}

/* sum(-y log softmax(z)), and its gradient softmax(z) sum(y) - y, for shares y of the
   classes, of which option[0] is spread over all classes alike. */
CLONES double NAMED(loss_soft_cross_entropy)(LOSS_ARGUMENTS(REAL)) {
    double total = 0;
    REAL keep = 1 - option[0], spread = option[0] / (REAL)n;
    for (ptrdiff_t i = 0; i < m; i++, z += z_lead, target += target_lead) {
        REAL w = weight ? scale * weight[i / rows_per_weight] : scale;
        REAL highest = NAMED(row_max)(n, z);
        REAL sum = 0, mass = 0, margin = 0;
        SIMD_SUM(sum, mass, margin)
        for (ptrdiff_t j = 0; j < n; j++) {
            REAL y = keep * target[j] + spread;
            sum += NAMED(exp)(z[j] - highest);
            mass += y;
            margin += y * (z[j] - highest);
        }
        if (dz) {
            REAL *d = dz + i * z_lead;
            REAL factor = mass / sum;
            SIMD
            for (ptrdiff_t j = 0; j < n; j++)
                d[j] = w * (NAMED(exp)(z[j] - highest) * factor -
                            (keep * target[j] + spread));
        }
        total += (double)w * ((double)mass * log((double)sum) - (double)margin);
    }
    return total;
}

/* sum(y log(y / softmax(z))): the cross-entropy less that of y itself, which no output
   changes. Kullback and Leibler, "On information and sufficiency", 1951. */
CLONES double NAMED(loss_kl_divergence)(LOSS_ARGUMENTS(REAL)) {
    double total = 0;
    for (ptrdiff_t i = 0; i < m; i++) {
        const REAL *y = target + i * target_lead;
        REAL w = weight ? scale * weight[i / rows_per_weight] : scale;
        REAL sum = 0;
        SIMD_SUM(sum)
        for (ptrdiff_t j = 0; j < n; j++) sum += y[j] > 0 ? y[j] * NAMED(log)(y[j]) : 0;
        total += (double)w * sum;
    }
    return total + NAMED(loss_soft_cross_entropy)(m, n, z, z_lead, target, target_lead,
                                                  weight, rows_per_weight, scale,
                                                  option, dz);
}

/* -(1 - p)^option[0] log(p) with p = softmax(z)[label]. With l = log(p) its gradient is
   that of l, onehot(label) - softmax(z), times
   (1 - p)^option[0] (option[0] p l / (1 - p) - 1), where l / (1 - p) tends to -1.
   Lin et al., "Focal loss for dense object detection", ICCV 2017. */
CLONES double NAMED(loss_focal)(LOSS_ARGUMENTS(REAL)) {
    double total = 0, power = (double)option[0];
    for (ptrdiff_t i = 0; i < m; i++, z += z_lead) {
        REAL w = weight ? scale * weight[i / rows_per_weight] : scale;
        ptrdiff_t k = (ptrdiff_t)target[i * target_lead];
        REAL highest = NAMED(row_max)(n, z);
        REAL margin = z[k] - highest;
        /* What the other classes have is summed up without the label's, which would
           swallow it. */
        REAL others = NAMED(exp_sum)(k, z, highest) +
                      NAMED(exp_sum)(n - k - 1, z + k + 1, highest);
        REAL sum = others + NAMED(exp)(margin);
        double wrong = (double)others / (double)sum, right = 1 - wrong;
        double log_right =
            right > 0.5 ? log1p(-wrong) : (double)margin - log((double)sum);
        double hardness = pow(wrong, power);
        if (dz) {
            double ratio = wrong > 0 ? log_right / wrong : -1.0;
            double p = exp(log_right);
            REAL slope = w * (REAL)(hardness * (power * p * ratio - 1));
            REAL factor = -slope / sum;
            REAL *d = dz + i * z_lead;
            SIMD
            for (ptrdiff_t j = 0; j < n; j++)
                d[j] = NAMED(exp)(z[j] - highest) * factor;
            d[k] = slope * (REAL)wrong;
        }
        total -= (double)w * hardness * log_right;
    }
    return total;
}

/* The mean over the classes of max(0, option[1] - z[label] + z)^option[0], the label's
   left out of the sum; option[0] is 1 or 2. Weston and Watkins, "Support vector machines
   for multi-class pattern recognition", ESANN 1999. */
CLONES double NAMED(loss_multi_margin)(LOSS_ARGUMENTS(REAL)) {
    double total = 0;
    REAL linear = option[0] == 1 ? 1 : 0, square = 1 - linear;
    for (ptrdiff_t i = 0; i < m; i++, z += z_lead) {
        REAL w = (weight ? scale * weight[i / rows_per_weight] : scale) / (REAL)n;
        ptrdiff_t k = (ptrdiff_t)target[i * target_lead];
        REAL base = option[1] - z[k];
        REAL own = option[1] * (linear + square * option[1]);
        REAL sum = 0, slopes = 0;
        SIMD_SUM(sum, slopes)
        for (ptrdiff_t j = 0; j < n; j++) {
            REAL t = base + z[j];
            t = t < 0 ? 0 : t;
            sum += t * (linear + square * t);
            slopes += t > 0 ? linear + 2 * square * t : t;
        }
        if (dz) {
            REAL *d = dz + i * z_lead;
            SIMD
            for (ptrdiff_t j = 0; j < n; j++) {
                REAL t = base + z[j];
                t = t < 0 ? 0 : t;
                d[j] = w * (t > 0 ? linear + 2 * square * t : t);
            }
            d[k] -= w * slopes;
        }
        total += (double)w * ((double)sum - (double)own);
    }
    return total;
}

/* 1 - z y / (|z| |y|), with norms of at least 1e-8. */
CLONES double NAMED(loss_cosine_similarity)(LOSS_ARGUMENTS(REAL)) {
    double total = 0;
    (void)option;
    for (ptrdiff_t i = 0; i < m; i++, z += z_lead, target += target_lead) {
        REAL w = weight ? scale * weight[i / rows_per_weight] : scale;
        REAL dot = 0, zz = 0, yy = 0;
        SIMD_SUM(dot, zz, yy)
        for (ptrdiff_t j = 0; j < n; j++) {
            dot += z[j] * target[j];
            zz += z[j] * z[j];
            yy += target[j] * target[j];
        }
        double norm = sqrt((double)zz), target_norm = sqrt((double)yy);
        double floor = 1e-8;
        int at_floor = norm < floor;
        norm = at_floor ? floor : norm;
        target_norm = target_norm < floor ? floor : target_norm;
        double cosine = (double)dot / (norm * target_norm);
        if (dz) {
            REAL *d = dz + i * z_lead;
            REAL along = (REAL)(-1 / (norm * target_norm)) * w;
            REAL back = at_floor ? 0 : (REAL)(cosine / (norm * norm)) * w;
            SIMD
            for (ptrdiff_t j = 0; j < n; j++) d[j] = along * target[j] + back * z[j];
        }
        total += (double)w * (1 - cosine);
    }
    return total;
}

#endif
