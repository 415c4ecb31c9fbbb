#include "data/shuffle.h"

static ptrdiff_t draw(word_source_t source, ptrdiff_t most, uint64_t mask) {
    uint64_t word = (uint64_t)most <= UINT32_MAX ? source.next_uint32(source.state)
                                                 : source.next_uint64(source.state);
    return (ptrdiff_t)(word & mask);
}

void shuffle(ptrdiff_t last, ptrdiff_t first, ptrdiff_t *order, word_source_t source) {
    uint64_t mask = 0; /* the smallest of the form 2^k - 1 that is at least last */
    while (mask < (uint64_t)(last > 0 ? last : 0)) mask = mask << 1 | 1;
    while (last > 0 && last >= first) {
        ptrdiff_t drawn = draw(source, last, mask);
        /* A number too large is drawn again. A row is then swapped with itself, in place
           of a jump that no processor can predict. */
        ptrdiff_t accepted = drawn <= last;
        ptrdiff_t chosen = accepted ? drawn : last;
        ptrdiff_t row = order[last];
        order[last] = order[chosen];
        order[chosen] = row;
        last -= accepted;
        mask = (uint64_t)last <= mask >> 1 ? mask >> 1 : mask;
    }
}
