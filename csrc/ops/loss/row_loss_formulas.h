/* Losses of one row of n raw outputs z, and the softmax of one.

   Each returns the loss times w, and writes its gradient times w to d, unless that is NULL.
   d may be z. target is a row of n, or holds a class number. */
#include "base/lanes.h"
#include "base/scalar.h"

#define ROW_ARGUMENTS(REAL) \
    ptrdiff_t n, const REAL *z, const REAL *target, REAL w, const REAL *option, REAL *d

/* The largest element. It may pass over a NaN, but the sums of exponentials do not. */
HOST_DEVICE REAL NAMED(row_max)(ptrdiff_t n, const REAL *z) {
    REAL highest = z[0];
    SIMD_MAX(highest)
    EACH_COLUMN(j, 1, n) highest = z[j] > highest ? z[j] : highest;
    return MAX_OF_LANES(highest);
}

HOST_DEVICE REAL NAMED(exp_sum)(ptrdiff_t n, const REAL *z, REAL highest) {
    REAL sum = 0;
    SIMD_SUM(sum)
    EACH_COLUMN(j, 0, n) sum += NAMED(exp)(z[j] - highest);
    return SUM_OF_LANES(sum);
}

/* y may be z. */
HOST_DEVICE void NAMED(softmax_row)(ptrdiff_t n, const REAL *z, REAL *y) {
    REAL highest = NAMED(row_max)(n, z);
    REAL sum = 0;
    SIMD_SUM(sum)
    EACH_COLUMN(j, 0, n) {
        REAL e = NAMED(exp)(z[j] - highest);
        y[j] = e;
        sum += e;
    }
    REAL scale = 1 / SUM_OF_LANES(sum);
    SIMD
    EACH_COLUMN(j, 0, n) y[j] *= scale;
}

/* dz = y (dy - sum(dy y)) */
HOST_DEVICE void NAMED(softmax_gradient_row)(ptrdiff_t n, const REAL *dy, const REAL *y,
                                             REAL *dz) {
    REAL sum = 0;
    SIMD_SUM(sum)
    EACH_COLUMN(j, 0, n) sum += dy[j] * y[j];
    sum = SUM_OF_LANES(sum);
    SIMD
    EACH_COLUMN(j, 0, n) dz[j] = y[j] * (dy[j] - sum);
}

/* -log softmax(z)[label] = log(sum(exp(z - max))) - (z[label] - max), and its gradient
   softmax(z) - onehot(label). The share option[0] of the label is spread over all classes
   alike: Szegedy et al., "Rethinking the Inception architecture", CVPR 2016. */
HOST_DEVICE double NAMED(cross_entropy_row)(ROW_ARGUMENTS(REAL)) {
    REAL spread = option[0] / (REAL)n;
    ptrdiff_t k = (ptrdiff_t)target[0];
    REAL right = z[k]; /* read before the lanes meet: d may be z */
    REAL highest = NAMED(row_max)(n, z);
    REAL margin = right - highest;
    REAL sum = 0;
    if (spread > 0) {
        REAL margins = 0;
        SIMD_SUM(margins)
        EACH_COLUMN(j, 0, n) margins += z[j] - highest;
        margin = (1 - option[0]) * margin + spread * SUM_OF_LANES(margins);
    }
    if (d) {
        SIMD_SUM(sum)
        EACH_COLUMN(j, 0, n) {
            REAL e = NAMED(exp)(z[j] - highest);
            d[j] = e;
            sum += e;
        }
        sum = SUM_OF_LANES(sum);
        REAL factor = w / sum, everywhere = w * spread;
        SIMD
        EACH_COLUMN(j, 0, n) d[j] = d[j] * factor - everywhere;
        if (HAS_COLUMN(k)) d[k] -= w * (1 - option[0]);
    } else {
        sum = NAMED(exp_sum)(n, z, highest);
    }
    return (double)w * (log((double)sum) - (double)margin);
}

/* sum(-y log softmax(z)), and its gradient softmax(z) sum(y) - y, for shares y of the
   classes, of which option[0] is spread over all classes alike. */
HOST_DEVICE double NAMED(soft_cross_entropy_row)(ROW_ARGUMENTS(REAL)) {
    REAL keep = 1 - option[0], spread = option[0] / (REAL)n;
    REAL highest = NAMED(row_max)(n, z);
    REAL sum = 0, mass = 0, margin = 0;
    SIMD_SUM(sum, mass, margin)
    EACH_COLUMN(j, 0, n) {
        REAL y = keep * target[j] + spread;
        sum += NAMED(exp)(z[j] - highest);
        mass += y;
        margin += y * (z[j] - highest);
    }
    sum = SUM_OF_LANES(sum);
    mass = SUM_OF_LANES(mass);
    margin = SUM_OF_LANES(margin);
    if (d) {
        REAL factor = mass / sum;
        SIMD
        EACH_COLUMN(j, 0, n)
        d[j] = w * (NAMED(exp)(z[j] - highest) * factor - (keep * target[j] + spread));
    }
    return (double)w * ((double)mass * log((double)sum) - (double)margin);
}

/* sum(y log y) */
HOST_DEVICE double NAMED(negative_entropy_row)(ROW_ARGUMENTS(REAL)) {
    (void)z, (void)option, (void)d;
    REAL sum = 0;
    SIMD_SUM(sum)
    EACH_COLUMN(j, 0, n)
    sum += target[j] > 0 ? target[j] * NAMED(log)(target[j]) : 0;
    return (double)w * SUM_OF_LANES(sum);
}

/* -(1 - p)^option[0] log(p) with p = softmax(z)[label]. With l = log(p) its gradient is
   that of l, onehot(label) - softmax(z), times
   (1 - p)^option[0] (option[0] p l / (1 - p) - 1), where l / (1 - p) tends to -1.
   Lin et al., "Focal loss for dense object detection", ICCV 2017. */
HOST_DEVICE double NAMED(focal_row)(ROW_ARGUMENTS(REAL)) {
    double power = (double)option[0];
    ptrdiff_t k = (ptrdiff_t)target[0];
    REAL highest = NAMED(row_max)(n, z);
    REAL margin = z[k] - highest;
    /* What the other classes have is summed up without the label's, which would
       swallow it. */
    REAL others =
        NAMED(exp_sum)(k, z, highest) + NAMED(exp_sum)(n - k - 1, z + k + 1, highest);
    REAL sum = others + NAMED(exp)(margin);
    double wrong = (double)others / (double)sum, right = 1 - wrong;
    double log_right = right > 0.5 ? log1p(-wrong) : (double)margin - log((double)sum);
    double hardness = pow(wrong, power);
    if (d) {
        double ratio = wrong > 0 ? log_right / wrong : -1.0;
        double p = exp(log_right);
        REAL slope = w * (REAL)(hardness * (power * p * ratio - 1));
        REAL factor = -slope / sum;
        SIMD
        EACH_COLUMN(j, 0, n) d[j] = NAMED(exp)(z[j] - highest) * factor;
        if (HAS_COLUMN(k)) d[k] = slope * (REAL)wrong;
    }
    return -((double)w * hardness * log_right);
}

/* The mean over the classes of max(0, option[1] - z[label] + z)^option[0], the label's
   left out of the sum; option[0] is 1 or 2. Weston and Watkins, "Support vector machines
   for multi-class pattern recognition", ESANN 1999. */
HOST_DEVICE double NAMED(multi_margin_row)(ROW_ARGUMENTS(REAL)) {
    REAL linear = option[0] == 1 ? 1 : 0, square = 1 - linear;
    ptrdiff_t k = (ptrdiff_t)target[0];
    REAL base = option[1] - z[k];
    REAL own = option[1] * (linear + square * option[1]);
    REAL sum = 0, slopes = 0;
    w /= (REAL)n;
    SIMD_SUM(sum, slopes)
    EACH_COLUMN(j, 0, n) {
        REAL t = base + z[j];
        t = t < 0 ? 0 : t;
        sum += t * (linear + square * t);
        slopes += t > 0 ? linear + 2 * square * t : t;
    }
    sum = SUM_OF_LANES(sum);
    slopes = SUM_OF_LANES(slopes);
    if (d) {
        SIMD
        EACH_COLUMN(j, 0, n) {
            REAL t = base + z[j];
            t = t < 0 ? 0 : t;
            d[j] = w * (t > 0 ? linear + 2 * square * t : t);
        }
        if (HAS_COLUMN(k)) d[k] -= w * slopes;
    }
    return (double)w * ((double)sum - (double)own);
}

/* 1 - z y / (|z| |y|), with norms of at least 1e-8. */
HOST_DEVICE double NAMED(cosine_similarity_row)(ROW_ARGUMENTS(REAL)) {
    (void)option;
    REAL dot = 0, zz = 0, yy = 0;
    SIMD_SUM(dot, zz, yy)
    EACH_COLUMN(j, 0, n) {
        dot += z[j] * target[j];
        zz += z[j] * z[j];
        yy += target[j] * target[j];
    }
    dot = SUM_OF_LANES(dot);
    zz = SUM_OF_LANES(zz);
    yy = SUM_OF_LANES(yy);
    double norm = sqrt((double)zz), target_norm = sqrt((double)yy);
    double floor = 1e-8;
    int at_floor = norm < floor;
    norm = at_floor ? floor : norm;
    target_norm = target_norm < floor ? floor : target_norm;
    double cosine = (double)dot / (norm * target_norm);
    if (d) {
        REAL along = (REAL)(-1 / (norm * target_norm)) * w;
        REAL back = at_floor ? 0 : (REAL)(cosine / (norm * norm)) * w;
        SIMD
        EACH_COLUMN(j, 0, n) d[j] = along * target[j] + back * z[j];
    }
    return (double)w * (1 - cosine);
}
