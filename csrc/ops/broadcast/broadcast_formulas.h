/* The rows of the table of activations as functions: value_of_relu(x, option), and
   slope_of_relu(saved, option) of what the row reads. */
#include "tables/formulas.h"

#define NOTHING (void)saved
#define OUTPUT REAL y = saved
#define INPUT REAL x = saved
#define ROW(name, reads, default, value, slope)                        \
    HOST_DEVICE REAL NAMED(value_of_##name)(REAL x, REAL option) {     \
        (void)option;                                                  \
        return value;                                                  \
    }                                                                  \
    HOST_DEVICE REAL NAMED(slope_of_##name)(REAL saved, REAL option) { \
        (void)option;                                                  \
        reads;                                                         \
        return slope;                                                  \
    }
ACTIVATION_TABLE(ROW)
#undef ROW
#undef NOTHING
#undef OUTPUT
#undef INPUT
