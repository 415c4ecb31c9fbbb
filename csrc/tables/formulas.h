/* Formulas of elementwise.h that take more than a line, value and slope side by side. */
#if (REAL_IS_DOUBLE && !defined(FASTNN_FORMULAS_F64)) || \
    (!REAL_IS_DOUBLE && !defined(FASTNN_FORMULAS_F32))
#if REAL_IS_DOUBLE
#define FASTNN_FORMULAS_F64
#else
#define FASTNN_FORMULAS_F32
#endif

#include "base/scalar.h"

HOST_DEVICE REAL NAMED(positive_part)(REAL x) { return x < 0 ? 0 : x; }

/* ------------------------------------------------------------------ activations */

/* The argument of the logistic function in the tanh form of gelu, and its slope:
   2 sqrt(2 / pi) (x + 0.044715 x^3). Beyond x = 1e4 the function is 0 or x to rounding,
   whatever the argument, and a bounded square keeps its slope finite. */
HOST_DEVICE REAL NAMED(bounded_square)(REAL x) {
    REAL q = x * x;
    return q > (REAL)1e8 ? (REAL)1e8 : q;
}

HOST_DEVICE REAL NAMED(gelu_argument)(REAL x) {
    return x * ((REAL)1.59576912160573071176 +
                (REAL)0.07135481627260025177 * NAMED(bounded_square)(x));
}

HOST_DEVICE REAL NAMED(gelu_tanh_value)(REAL x) {
    return x * NAMED(logistic)(NAMED(gelu_argument)(x));
}

HOST_DEVICE REAL NAMED(gelu_tanh_slope)(REAL x) {
    REAL v = NAMED(gelu_argument)(x);
    REAL dv = (REAL)1.59576912160573071176 +
              3 * (REAL)0.07135481627260025177 * NAMED(bounded_square)(x);
    return NAMED(logistic)(v) + x * NAMED(logistic_slope)(v) * dv;
}

/* tanh(log(1 + exp(x))) is n / (n + r): of e = exp(x), n = e (e + 2) and r = 2 where x is
   negative, and of e = exp(-x), n = 1 + 2e and r = 2e^2 elsewhere. */
HOST_DEVICE REAL NAMED(mish_value)(REAL x) {
    REAL e = NAMED(exp)(x < 0 ? x : -x);
    REAL n = x < 0 ? e * (e + 2) : 1 + 2 * e;
    REAL r = x < 0 ? 2 : 2 * e * e;
    return x * (n / (n + r));
}

HOST_DEVICE REAL NAMED(mish_slope)(REAL x) {
    REAL e = NAMED(exp)(x < 0 ? x : -x);
    REAL n = x < 0 ? e * (e + 2) : 1 + 2 * e;
    REAL r = x < 0 ? 2 : 2 * e * e;
    REAL d = n + r;
    REAL square_rest = r * (n + d) / (d * d); /* 1 - tanh^2 */
    return n / d + x * square_rest * ((x < 0 ? e : (REAL)1) / (1 + e));
}

/* ----------------------------------------------------------------------- losses */

/* The derivative of positive_part(margin) where the margin falls by sign: at 0 it is 0. */
HOST_DEVICE REAL NAMED(hinge_gradient)(REAL sign, REAL margin) {
    return margin > 0 ? -sign : (margin < 0 ? 0 : margin);
}

/* log(cosh(d)): of a small d by tanh, as -log(1 - tanh^2) / 2, which keeps its digits;
   of a large one as |d| + log(1 + exp(-2 |d|)) - log(2). Both logarithms are one series. */
HOST_DEVICE REAL NAMED(log_cosh)(REAL d) {
    REAL a = d < 0 ? -d : d;
    REAL q = NAMED(expm1_negative)(-2 * a);
    REAL t = q / (q + 2);
    REAL u = t * t, e = q + 1;
    REAL near = u < (REAL)0.5 ? u : e;
    REAL l = NAMED(log_ratio)(near / (u < (REAL)0.5 ? 2 - u : 2 + e));
    return u < (REAL)0.5 ? (REAL)0.5 * l : l + (a - (REAL)0.69314718055994530942);
}

/* Half the Tweedie deviance with mean exp(z), of powers p > 1 but 2:
   exp(c z) / c + y exp(-b z) / b - y^c / (b c) with b = p - 1 and c = 2 - p, the larger
   exponential of the first two factored out. */
HOST_DEVICE REAL NAMED(tweedie_value)(REAL z, REAL y, REAL power) {
    REAL b = power - 1, c = 2 - power;
    int rare = (z < 0) & (y > 0);
    REAL e = NAMED(exp)(z < 0 ? z : -z);
    REAL common = NAMED(exp)(rare ? -b * z : c * z);
    REAL sum = rare ? e / c + y / b : 1 / c + y * e / b;
    return common * sum - (y > 0 ? NAMED(exp)(c * NAMED(log)(y)) / (b * c) : 0);
}

HOST_DEVICE REAL NAMED(tweedie_gradient)(REAL z, REAL y, REAL power) {
    int rare = (z < 0) & (y > 0);
    REAL e = NAMED(exp)(z < 0 ? z : -z);
    REAL common = NAMED(exp)((rare ? 1 - power : 2 - power) * z);
    return common * (rare ? e - y : 1 - y * e);
}

/* With x = s z for the sign s = 2y - 1 of the target: q = logistic(x) is the probability
   of the right label, log(1 + exp(-x)) its negative logarithm, and (1 - q)^power is
   exp(-power log(1 + exp(x))). */
HOST_DEVICE REAL NAMED(softplus)(REAL x) {
    return NAMED(positive_part)(x) + NAMED(log1p_exp_negative)(x < 0 ? x : -x);
}

HOST_DEVICE REAL NAMED(focal_value)(REAL z, REAL y, REAL power, REAL weight_of_1) {
    REAL x = (2 * y - 1) * z;
    REAL weight = y * weight_of_1 + (1 - y) * (1 - weight_of_1);
    return weight * NAMED(exp)(-power * NAMED(softplus)(x)) * NAMED(softplus)(-x);
}

HOST_DEVICE REAL NAMED(focal_gradient)(REAL z, REAL y, REAL power, REAL weight_of_1) {
    REAL x = (2 * y - 1) * z;
    REAL weight = y * weight_of_1 + (1 - y) * (1 - weight_of_1);
    REAL inner = power * NAMED(logistic)(x) * NAMED(softplus)(-x) + NAMED(logistic)(-x);
    return (1 - 2 * y) * weight * NAMED(exp)(-power * NAMED(softplus)(x)) * inner;
}

#endif
