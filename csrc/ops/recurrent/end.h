/* Forgets what sums.h and step.h have defined, before they are for another REAL. */
#undef LANES
#undef UNROLL
