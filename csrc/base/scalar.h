/* exp, expm1, tanh, logistic, log, sine, cosine and the normal distribution for one REAL,
   as branch-free code that vectorises.

   The C library's own functions are scalar calls unless -ffast-math is given, which we
   never do (NaN must stay NaN). Errors are about one unit in the last place.
   Range reduction: Cody and Waite, "Software Manual for the Elementary Functions", 1980:
   x = n ln 2 + r, |r| <= ln(2) / 2. The float polynomial of exp is Cephes' (S. Moshier);
   the others are the Taylor series, cut where the next term is below rounding, and for the
   normal distribution a Chebyshev series, which is described there. */
#if (REAL_IS_DOUBLE && !defined(FASTNN_SCALAR_F64)) || \
    (!REAL_IS_DOUBLE && !defined(FASTNN_SCALAR_F32))
#if REAL_IS_DOUBLE
#define FASTNN_SCALAR_F64
#else
#define FASTNN_SCALAR_F32
#endif

#include "base/compiler.h"

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
#define LOG_OFFSET 1023
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
#define LOG_OFFSET 127
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
    return NAMED(from_bits)(
        (REAL_INT)((REAL_UINT)(n + EXPONENT_BIAS) << MANTISSA_BITS));
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

/* exp(t) - 1 for |t| <= 2 TANH_SATURATES, with all digits of small t. */
HOST_DEVICE REAL NAMED(expm1_bounded)(REAL t) {
    REAL n = NAMED(binary_exponent)(t);
    REAL r = (t - n * LN2_HIGH) - n * LN2_LOW;
    REAL_INT k = NAMED(to_bits)(t * (REAL)1.44269504088896340736 + ROUND_MAGIC) -
                 NAMED(to_bits)(ROUND_MAGIC);
    REAL scale = NAMED(power_of_two)(k);
    return scale * NAMED(expm1_reduced)(r) + (scale - 1);
}

/* exp(x) - 1 for x <= 0: below the bound it is -1 to rounding. */
HOST_DEVICE REAL NAMED(expm1_negative)(REAL x) {
    return NAMED(expm1_bounded)(x < -2 * TANH_SATURATES ? -2 * TANH_SATURATES : x);
}

/* tanh(a) = q / (q + 2) with q = exp(2a) - 1, which keeps all digits of small a. */
HOST_DEVICE REAL NAMED(tanh)(REAL x) {
    REAL a = x < 0 ? -x : x;
    a = a > TANH_SATURATES ? TANH_SATURATES : a;
    REAL q = NAMED(expm1_bounded)(a + a);
    REAL y = q / (q + 2);
    return x < 0 ? -y : y;
}

/* 1 / (1 + exp(-x)), from exp(-|x|), which cannot overflow. */
HOST_DEVICE REAL NAMED(logistic)(REAL x) {
    REAL e = NAMED(exp)(x < 0 ? x : -x);
    return (x < 0 ? e : (REAL)1) / (1 + e);
}

/* The derivative of the logistic function; with all digits where that is near 1. */
HOST_DEVICE REAL NAMED(logistic_slope)(REAL x) {
    REAL e = NAMED(exp)(x < 0 ? x : -x);
    return e / ((1 + e) * (1 + e));
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

/* log(1 + exp(x)) for x <= 0. */
HOST_DEVICE REAL NAMED(log1p_exp_negative)(REAL x) {
    return NAMED(log1p_unit)(NAMED(exp)(x));
}

/* log(x) for finite, normal x > 0: x = 2^k m with m between sqrt(1/2) and sqrt(2). k is
   shifted by LOG_OFFSET to be positive, because AVX2 has no signed shift of 64 bits, and
   becomes a REAL as the last digits of a large one, because it cannot convert them. */
HOST_DEVICE REAL NAMED(log)(REAL x) {
    REAL_INT offset = (REAL_INT)LOG_OFFSET << MANTISSA_BITS;
    REAL_INT shifted =
        (REAL_INT)((REAL_UINT)(NAMED(to_bits)(x) - SQRT_HALF_BITS + offset) >>
                   MANTISSA_BITS);
    REAL k = NAMED(from_bits)(NAMED(to_bits)(ROUND_MAGIC) + shifted) -
             (ROUND_MAGIC + LOG_OFFSET);
    REAL m =
        NAMED(from_bits)(NAMED(to_bits)(x) - ((shifted << MANTISSA_BITS) - offset));
    return k * LN2_HIGH + (k * LN2_LOW + NAMED(log_ratio)((m - 1) / (m + 1)));
}

/* sin(x) and cos(x) for |x| <= pi / 4. */
HOST_DEVICE REAL NAMED(sin_octant)(REAL x) {
    REAL q = x * x;
#if REAL_IS_DOUBLE
    REAL p = -1.0 / 1307674368000.0;
    p = p * q + 1.0 / 6227020800.0;
    p = p * q - 1.0 / 39916800.0;
    p = p * q + 1.0 / 362880.0;
#else
    REAL p = 1.0f / 362880.0f;
#endif
    p = p * q - (REAL)1 / 5040;
    p = p * q + (REAL)1 / 120;
    p = p * q - (REAL)1 / 6;
    return x + x * q * p;
}

HOST_DEVICE REAL NAMED(cos_octant)(REAL x) {
    REAL q = x * x;
#if REAL_IS_DOUBLE
    REAL p = 1.0 / 20922789888000.0;
    p = p * q - 1.0 / 87178291200.0;
    p = p * q + 1.0 / 479001600.0;
    p = p * q - 1.0 / 3628800.0;
    p = p * q + 1.0 / 40320.0;
#else
    REAL p = 1.0f / 40320.0f;
#endif
    p = p * q - (REAL)1 / 720;
    p = p * q + (REAL)1 / 24;
    p = p * q - (REAL)0.5;
    return 1 + q * p;
}

/* The density of the normal distribution. */
HOST_DEVICE REAL NAMED(normal_density)(REAL x) {
    return (REAL)0.39894228040143267794 * NAMED(exp)((REAL)-0.5 * x * x);
}

/* The probability that a normal variable is below x, with all digits where it is small.

   For x = -a it is exp(-a^2 / 2) t p(u) with t = 4 / (a + 4) and u = 1 - 2 t. p is a
   Chebyshev series in u, as Shepherd and Laframboise, "Chebyshev approximation of
   (1 + 2x) exp(x^2) erfc x in 0 <= x < infinity", Mathematics of Computation 36, 1981,
   have it for erfc; its coefficients were computed with 40 digits, and it is written here
   in powers of u. */
HOST_DEVICE REAL NAMED(normal_probability)(REAL x) {
    REAL a = x < 0 ? -x : x;
    REAL t = 4 / (a + 4);
    REAL u = 1 - 2 * t;
#if REAL_IS_DOUBLE
    REAL p = -4.2216442416966837970e-10;
    p = p * u - 3.1930878582394299868e-10;
    p = p * u + 4.0168467393323500552e-09;
    p = p * u + 4.8924022349935119154e-09;
    p = p * u - 1.9695900856734092724e-08;
    p = p * u - 4.0557908021339177359e-08;
    p = p * u + 6.6183432049496697680e-08;
    p = p * u + 2.5674601753579823175e-07;
    p = p * u - 1.5623877693912944502e-07;
    p = p * u - 1.4807234443854819279e-06;
    p = p * u + 1.7865053828168654498e-07;
    p = p * u + 8.7864005897611291706e-06;
    p = p * u - 4.7691900767977449567e-07;
    p = p * u - 5.7773784446822336412e-05;
    p = p * u + 3.3336052290036945439e-05;
    p = p * u + 4.0770462136839640465e-04;
    p = p * u - 8.6992308916287563580e-04;
    p = p * u - 1.8850472422229046492e-03;
    p = p * u + 1.5099143722590229605e-02;
    p = p * u - 4.6630464489894676849e-02;
    p = p * u + 9.6784350185556644597e-02;
    p = p * u - 1.5197416049297324259e-01;
    p = p * u + 1.8882128260393785113e-01;
#else
    REAL p = -4.3277057537e-07f;
    p = p * u - 3.9330142396e-05f;
    p = p * u + 3.3413346774e-05f;
    p = p * u + 3.9094672471e-04f;
    p = p * u - 8.6998865936e-04f;
    p = p * u - 1.8780578454e-03f;
    p = p * u + 1.5099162070e-02f;
    p = p * u - 4.6631677718e-02f;
    p = p * u + 9.6784348461e-02f;
    p = p * u - 1.5197410095e-01f;
    p = p * u + 1.8882128263e-01f;
#endif
    REAL tail = NAMED(exp)((REAL)-0.5 * a * a) * (t * p);
    return x < 0 ? tail : 1 - tail;
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
#undef LOG_OFFSET

#endif
