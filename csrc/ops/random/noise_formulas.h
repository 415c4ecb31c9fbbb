#include "base/scalar.h"

/* Two words become a point of the plane whose coordinates are independent and normal: Box
   and Muller, "A note on the generation of random normal deviates", Annals of Mathematical
   Statistics 29, 1958.

   Its distance from the origin is sqrt(-2 log u), for u in (0, 1] with 24 digits that are
   exact in both precisions, so that the noise of both is the same: multiples of 2^-32 up
   to 2^-8, for the sake of the tails, which reach to 6.66, and of 2^-24 above. Its angle
   is quarter turns, from the other word's upper two bits, and up to half a quarter. */
HOST_DEVICE void NAMED(normal_pair)(uint32_t radial, uint32_t angular, REAL *first,
                                    REAL *second) {
    int coarse = radial >> 24 != 0;
    REAL digits = (REAL)(int32_t)((coarse ? radial >> 8 : radial) + 1);
    REAL u = digits * (coarse ? (REAL)0x1p-24 : (REAL)0x1p-32);
    REAL radius = NAMED(sqrt)(-2 * NAMED(log)(u));
    REAL rest =
        (REAL)(int32_t)(angular << 2) * (REAL)(1.57079632679489661923 * 0x1p-32);
    REAL s = NAMED(sin_octant)(rest), c = NAMED(cos_octant)(rest);
    int odd = (angular & 0x40000000u) != 0;
    radius = angular & 0x80000000u ? -radius : radius;
    *first = radius * (odd ? -s : c);
    *second = radius * (odd ? c : s);
}
