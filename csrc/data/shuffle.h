/* A random order of n rows: Fisher and Yates' shuffle, in Durstenfeld's form (CACM 1964,
   algorithm 235), drawing what NumPy's RandomState.shuffle draws, so that a seed means
   the same order here and there. */
#ifndef FASTNN_SHUFFLE_H
#define FASTNN_SHUFFLE_H

#include <stddef.h>
#include <stdint.h>

/* A source of random words, such as a bit generator of NumPy. */
typedef struct {
    void *state;
    uint32_t (*next_uint32)(void *state);
    uint64_t (*next_uint64)(void *state);
} word_source_t;

/* Fills the places from last down to first, but for 0, each with a row of those that stand
   up to it: a whole shuffle is one call from n - 1 to 0, or several that follow on. */
void shuffle(ptrdiff_t last, ptrdiff_t first, ptrdiff_t *order, word_source_t source);

#endif
