/* x scaled and shifted, or value where it is dropped: where the upper half of its random
   word is below dropped. */
HOST_DEVICE REAL NAMED(dropout)(REAL x, uint32_t word, uint32_t dropped, REAL scale,
                                REAL shift, REAL value) {
    int drops = word < dropped << 16;
    return x * (drops ? 0 : scale) + (drops ? value : shift);
}
