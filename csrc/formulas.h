/* Formulas of elementwise.h that take more than a line, value and slope side by side. */
#include "scalar.h"

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
