/* He et al., "Delving deep into rectifiers", ICCV 2015. */
HOST_DEVICE REAL NAMED(prelu)(REAL x, REAL slope) { return x < 0 ? slope * x : x; }

HOST_DEVICE REAL NAMED(prelu_slope)(REAL x, REAL slope) {
    return x > 0 ? (REAL)1 : slope;
}

/* The derivative with respect to the slope. */
HOST_DEVICE REAL NAMED(negative_part)(REAL x) { return x > 0 ? 0 : x; }
