#include "ops/random/noise_formulas.h"

/* What stands in place of two numbers, from the two words of a block that are theirs:
   normal numbers times high, within low and high. */
HOST_DEVICE void NAMED(erased_pair)(uint32_t radial, uint32_t angular, REAL low,
                                    REAL high, REAL *first, REAL *second) {
    NAMED(normal_pair)(radial, angular, first, second);
    *first *= high;
    *second *= high;
    *first = *first < low ? low : *first;
    *second = *second < low ? low : *second;
    *first = *first > high ? high : *first;
    *second = *second > high ? high : *second;
}
