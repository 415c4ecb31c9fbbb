/* What becomes of one column, or of one number, in batch normalisation. */
#include "base/scalar.h"

HOST_DEVICE REAL NAMED(square_of)(REAL x) { return x * x; }

/* Chan, Golub and LeVeque, "Algorithms for computing the sample variance", The American
   Statistician 1983, equations 2.1. share: the others' part of all rows;
   weight: the number of these rows times share. */
HOST_DEVICE void NAMED(join_column)(REAL *mean, REAL *square, REAL other_mean,
                                    REAL other_square, REAL share, REAL weight) {
    REAL apart = other_mean - *mean;
    *square += other_square + apart * apart * weight;
    *mean += apart * share;
}

HOST_DEVICE REAL NAMED(inverse_deviation)(REAL square, REAL rows, REAL epsilon) {
    return 1 / NAMED(sqrt)(square / rows + epsilon);
}

HOST_DEVICE REAL NAMED(moved)(REAL gradient, REAL keep, REAL x, REAL part) {
    return keep * gradient + part * x;
}

/* The deviation from the mean is taken first: a factor of x by itself would lose the digits
   of a column whose mean is large beside its spread. */
HOST_DEVICE REAL NAMED(normalised)(REAL x, REAL mean, REAL factor, REAL offset) {
    return (x - mean) * factor + offset;
}

/* What the adjoint takes off, from sums over the rows of the batch. */
HOST_DEVICE REAL NAMED(mean_of_gradient)(REAL sum, REAL rows) { return sum / rows; }

HOST_DEVICE REAL NAMED(slope_of_gradient)(REAL product, REAL rows, REAL inverse) {
    return product / rows * inverse;
}

/* factor (dy - mean(dy) - xhat mean(dy xhat)), the means over the batch. */
HOST_DEVICE REAL NAMED(corrected)(REAL dy, REAL x, REAL mean, REAL factor, REAL shift,
                                  REAL slope) {
    return (dy - shift - (x - mean) * slope) * factor;
}
