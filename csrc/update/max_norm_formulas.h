#include "base/scalar.h"

/* What a column of this squared norm is scaled by. Of a square that overflows this makes
   NaN, where max_norm / norm would make zeros of its column. */
HOST_DEVICE REAL NAMED(max_norm_factor)(REAL square, REAL max_norm) {
    return square > max_norm * max_norm ? max_norm * (NAMED(sqrt)(square) / square)
                                        : (REAL)1;
}
