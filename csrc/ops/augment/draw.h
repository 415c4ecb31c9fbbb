/* What random words become. */
#ifndef FASTNN_DRAW_H
#define FASTNN_DRAW_H

#include <math.h>

#include "base/random.h"

/* A number from low on, below high unless both are one. */
HOST_DEVICE double draw_between(uint32_t word, double low, double high) {
    return low + (high - low) * ((double)word * 0x1p-32);
}

/* Cosine and sine of so many quarter turns, by their Taylor series up to half of one: a
   whole number of them has no error. */
HOST_DEVICE void draw_turned(double quarters, double *cosine, double *sine) {
    double whole = floor(quarters + 0.5);
    double x = (quarters - whole) * 1.57079632679489661923, y = x * x;
    double c = 1, s = 1;
    /* From the last of the factors 1 - y / (n (n + 1)) (1 - ...) to the first. */
    for (int n = 17; n > 0; n -= 2) {
        c = 1 - y / (double)(n * (n + 1)) * c;
        s = 1 - y / (double)((n + 1) * (n + 2)) * s;
    }
    s *= x;
    int quadrant = (int)(whole - 4 * floor(whole / 4));
    double turned_c = quadrant & 1 ? s : c, turned_s = quadrant & 1 ? c : s;
    *cosine = quadrant == 1 || quadrant == 2 ? -turned_c : turned_c;
    *sine = quadrant >= 2 ? -turned_s : turned_s;
}

#endif
