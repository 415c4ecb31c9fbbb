#include "shuffle.h"

#include "random.h"

/* The stream of random words that belongs to one seed. */
typedef struct {
    uint64_t seed, position;
    philox_t block;
    int used;
} stream_t;

static uint32_t next_word(stream_t *stream) {
    if (stream->used == 4) {
        stream->block = philox(stream->seed, 0, stream->position++);
        stream->used = 0;
    }
    return stream->block.word[stream->used++];
}

/* A number below range, all equally likely: Lemire, "Fast random integer generation in
   an interval", ACM TOMACS 2019. */
static uint32_t below(stream_t *stream, uint32_t range) {
    uint64_t product = (uint64_t)next_word(stream) * range;
    if ((uint32_t)product < range) {
        uint32_t threshold = (0u - range) % range;
        while ((uint32_t)product < threshold)
            product = (uint64_t)next_word(stream) * range;
    }
    return (uint32_t)(product >> 32);
}

static uint64_t below_large(stream_t *stream, uint64_t range) {
    uint64_t threshold = (UINT64_C(0) - range) % range, word;
    do {
        word = next_word(stream);
        word = word << 32 | next_word(stream);
    } while (word < threshold);
    return word % range;
}

void shuffle(ptrdiff_t n, ptrdiff_t *order, uint64_t seed) {
    stream_t stream = {seed, 0, {{0, 0, 0, 0}}, 4};
    for (ptrdiff_t i = 0; i < n; i++) order[i] = i;
    for (ptrdiff_t i = n - 1; i > 0; i--) {
        uint64_t range = (uint64_t)i + 1;
        ptrdiff_t j = range <= UINT32_MAX ? (ptrdiff_t)below(&stream, (uint32_t)range)
                                          : (ptrdiff_t)below_large(&stream, range);
        ptrdiff_t swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
    }
}
