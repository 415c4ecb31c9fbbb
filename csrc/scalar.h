/* exp, tanh, logistic and log for one REAL, as branch-free code that vectorises.

   The C library's own functions are scalar calls unless -ffast-math is given, which we
   never do (NaN must stay NaN). Errors are about one unit in the last place.
   Range reduction: Cody and Waite, "Software Manual for the Elementary Functions", 1980:
   x = n ln 2 + r, |r| <= ln(2) / 2. The float polynomial of exp is Cephes' (S. Moshier);
   the others are the Taylor series, cut where the next term is below rounding. */
#include "compiler.h"

#include <math.h>

HOST_DEVICE REAL NAMED(from_bits)(REAL_INT bits) {
    REAL x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

HOST_DEVICE REAL_INT NAMED(to_bits)(REAL x) {
    REAL_INT bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

#if REAL_IS_DOUBLE
#define MANTISSA_BITS 52
#define EXPONENT_BIAS 1023
#define ROUND_MAGIC 6755399441055744.0 /* 1.5 * 2^52: adding it rounds to integer */
#define LN2_HIGH 6.93147180369123816490e-01
#define LN2_LOW 1.90821492927058770002e-10
#define EXP_LOWEST -746.0
#define EXP_HIGHEST 710.0
#define TANH_SATURATES 20.0
#define SQRT_HALF_BITS 0x3fe6a09e667f3bcdLL
#else
#define MANTISSA_BITS 23
#define EXPONENT_BIAS 127
#define ROUND_MAGIC 12582912.0f
#define LN2_HIGH 0.693359375f
#define LN2_LOW -2.12194440e-4f
#define EXP_LOWEST -104.0f
#define EXP_HIGHEST 89.0f
#define TANH_SATURATES 10.0f
#define SQRT_HALF_BITS 0x3f3504f3
#endif

HOST_DEVICE REAL NAMED(sqrt)(REAL x) {
#if REAL_IS_DOUBLE
    return sqrt(x);
#else
    return sqrtf(x);
#endif
}

/* exp(r) - 1 for |r| <= ln(2) / 2. */
HOST_DEVICE REAL NAMED(expm1_reduced)(REAL r) {
#if REAL_IS_DOUBLE
    REAL p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
#else
    REAL p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
#endif
    return p * r * r + r;
}

/* The integer nearest to x / ln 2. A NaN gives some integer, and x spreads the NaN. */
HOST_DEVICE REAL NAMED(binary_exponent)(REAL x) {
    return (x * (REAL)1.44269504088896340736 + ROUND_MAGIC) - ROUND_MAGIC;
}

HOST_DEVICE REAL NAMED(power_of_two)(REAL_INT n) {
    return NAMED(from_bits)((n + EXPONENT_BIAS) << MANTISSA_BITS);
}

HOST_DEVICE REAL NAMED(exp)(REAL x) {
    x = x < EXP_LOWEST ? EXP_LOWEST : x;
    x = x > EXP_HIGHEST ? EXP_HIGHEST : x;
    REAL n = NAMED(binary_exponent)(x);
    REAL r = (x - n * LN2_HIGH) - n * LN2_LOW;
    /* Two factors: 2^n alone would overflow or underflow before the product does. */
    REAL_INT k = NAMED(to_bits)(x * (REAL)1.44269504088896340736 + ROUND_MAGIC) -
                 NAMED(to_bits)(ROUND_MAGIC);
    REAL_INT half = k >> 1;
    REAL e = 1 + NAMED(expm1_reduced)(r);
    return e * NAMED(power_of_two)(half) * NAMED(power_of_two)(k - half);
}

/* tanh(a) = q / (q + 2) with q = exp(2a) - 1, which keeps all digits of small a. */
HOST_DEVICE REAL NAMED(tanh)(REAL x) {
    REAL a = x < 0 ? -x : x;
    a = a > TANH_SATURATES ? TANH_SATURATES : a;
    REAL t = a + a;
    REAL n = NAMED(binary_exponent)(t);
    REAL r = (t - n * LN2_HIGH) - n * LN2_LOW;
    REAL_INT k = NAMED(to_bits)(t * (REAL)1.44269504088896340736 + ROUND_MAGIC) -
                 NAMED(to_bits)(ROUND_MAGIC);
    REAL scale = NAMED(power_of_two)(k);
    REAL q = scale * NAMED(expm1_reduced)(r) + (scale - 1);
    REAL y = q / (q + 2);
    return x < 0 ? -y : y;
}

/* 1 / (1 + exp(-x)), from exp(-|x|), which cannot overflow. */
HOST_DEVICE REAL NAMED(logistic)(REAL x) {
    REAL e = NAMED(exp)(x < 0 ? x : -x);
    return (x < 0 ? e : (REAL)1) / (1 + e);
}

/* 2 artanh(s) for |s| <= 1/3: log((1 + s) / (1 - s)). */
HOST_DEVICE REAL NAMED(log_ratio)(REAL s) {
    REAL q = s * s;
#if REAL_IS_DOUBLE
    REAL p = 1.0 / 31.0;
    p = p * q + 1.0 / 29.0;
    p = p * q + 1.0 / 27.0;
    p = p * q + 1.0 / 25.0;
    p = p * q + 1.0 / 23.0;
    p = p * q + 1.0 / 21.0;
    p = p * q + 1.0 / 19.0;
    p = p * q + 1.0 / 17.0;
    p = p * q + 1.0 / 15.0;
    p = p * q + 1.0 / 13.0;
    p = p * q + 1.0 / 11.0;
    p = p * q + 1.0 / 9.0;
    p = p * q + 1.0 / 7.0;
    p = p * q + 1.0 / 5.0;
    p = p * q + 1.0 / 3.0;
#else
    REAL p = 1.0f / 13.0f;
    p = p * q + 1.0f / 11.0f;
    p = p * q + 1.0f / 9.0f;
    p = p * q + 1.0f / 7.0f;
    p = p * q + 1.0f / 5.0f;
    p = p * q + 1.0f / 3.0f;
#endif
    return 2 * s + 2 * s * q * p;
}

/* log(1 + u) for 0 <= u <= 1. */
HOST_DEVICE REAL NAMED(log1p_unit)(REAL u) { return NAMED(log_ratio)(u / (2 + u)); }

/* log(x) for finite, normal x > 0: x = 2^k m with m between sqrt(1/2) and sqrt(2). */
HOST_DEVICE REAL NAMED(log)(REAL x) {
    REAL_INT k = (NAMED(to_bits)(x) - SQRT_HALF_BITS) >> MANTISSA_BITS;
    REAL m =
        NAMED(from_bits)(NAMED(to_bits)(x) - (REAL_INT)((uint64_t)k << MANTISSA_BITS));
    return (REAL)k * LN2_HIGH +
           ((REAL)k * LN2_LOW + NAMED(log_ratio)((m - 1) / (m + 1)));
}

#undef MANTISSA_BITS
#undef EXPONENT_BIAS
#undef ROUND_MAGIC
#undef LN2_HIGH
#undef LN2_LOW
#undef EXP_LOWEST
#undef EXP_HIGHEST
#undef TANH_SATURATES
#undef SQRT_HALF_BITS
