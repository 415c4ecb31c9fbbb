/* A random order of n rows: Fisher and Yates' shuffle, in Durstenfeld's form. */
#ifndef FASTNN_SHUFFLE_H
#define FASTNN_SHUFFLE_H

#include <stddef.h>
#include <stdint.h>

/* order becomes a permutation of 0 .. n - 1 that depends on the seed alone. */
void shuffle(ptrdiff_t n, ptrdiff_t *order, uint64_t seed);

#endif
