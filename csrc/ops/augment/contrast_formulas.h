/* x drawn away from the mean of its channel; a NaN stays one. */
HOST_DEVICE REAL NAMED(contrast)(REAL x, REAL mean, REAL factor, REAL low, REAL high) {
    REAL y = mean + factor * (x - mean);
    y = y < low ? low : y;
    return y > high ? high : y;
}

/* What comes back through it: nothing where the range ends. */
HOST_DEVICE REAL NAMED(contrast_passed)(REAL dy, REAL x, REAL mean, REAL factor,
                                        REAL low, REAL high) {
    REAL y = mean + factor * (x - mean);
    return y < low || y > high ? 0 : dy;
}
