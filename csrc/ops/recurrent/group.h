/* Samples whose steps lie one after the other, and the groups that go through time
   together: those that are about as long. */
#ifndef FASTNN_RECURRENT_GROUP_H
#define FASTNN_RECURRENT_GROUP_H

#include "base/compiler.h"

/* Samples of a group at most, and those that are sorted together. */
enum { GROUP = 32, SORTED = 256 };

typedef struct {
    ptrdiff_t count;
    ptrdiff_t length;        /* steps of each, where all have as many */
    const ptrdiff_t *starts; /* else: where each begins, and where the last ends */
    int backwards;           /* steps are taken from the last to the first */
} samples_t;

HOST_DEVICE ptrdiff_t begin_of(const samples_t *samples, ptrdiff_t i) {
    return samples->starts ? samples->starts[i] : i * samples->length;
}

HOST_DEVICE ptrdiff_t length_of(const samples_t *samples, ptrdiff_t i) {
    return begin_of(samples, i + 1) - begin_of(samples, i);
}

typedef struct {
    ptrdiff_t count, longest;
    ptrdiff_t sample[GROUP], begin[GROUP], length[GROUP];
    int backwards;
    ptrdiff_t ahead; /* from a step to the one that this pass comes to after it */
    /* Those that take a step: their number within the group, where that step lies, and
       which one it is as steps are taken. */
    ptrdiff_t active, slot[GROUP], at[GROUP], taken[GROUP];
    /* Those that a mask keeps from it. */
    ptrdiff_t waiting, waiting_slot[GROUP], waiting_at[GROUP], waiting_taken[GROUP];
} group_t;

/* Numbers of so many samples from the first one on, longest first; in their order where
   they are equally long. */
static inline void sort_by_length(const samples_t *samples, ptrdiff_t first,
                                  ptrdiff_t count, ptrdiff_t *order) {
    ptrdiff_t other[SORTED], *from = order, *to = other;
    for (ptrdiff_t i = 0; i < count; i++) order[i] = first + i;
    if (!samples->starts) return;
    for (ptrdiff_t width = 1; width < count; width *= 2) {
        for (ptrdiff_t left = 0; left < count; left += 2 * width) {
            ptrdiff_t middle = left + width < count ? left + width : count;
            ptrdiff_t right = left + 2 * width < count ? left + 2 * width : count;
            ptrdiff_t i = left, j = middle;
            for (ptrdiff_t k = left; k < right; k++)
                to[k] = j >= right || (i < middle && length_of(samples, from[i]) >=
                                                         length_of(samples, from[j]))
                            ? from[i++]
                            : from[j++];
        }
        ptrdiff_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != order) memcpy(order, from, (size_t)count * sizeof *order);
}

/* How many samples make the next group of those that are left: groups are about as
   large. */
static inline ptrdiff_t group_size(ptrdiff_t left) {
    ptrdiff_t groups = (left + GROUP - 1) / GROUP;
    return (left + groups - 1) / groups;
}

static inline void begin_group(const samples_t *samples, ptrdiff_t count,
                               const ptrdiff_t *order, int is_way_back,
                               group_t *group) {
    group->count = count;
    group->ahead = samples->backwards == is_way_back ? 1 : -1;
    group->longest = 0;
    group->backwards = samples->backwards;
    for (ptrdiff_t i = 0; i < count; i++) {
        group->sample[i] = order[i];
        group->begin[i] = begin_of(samples, order[i]);
        group->length[i] = length_of(samples, order[i]);
        if (group->length[i] > group->longest) group->longest = group->length[i];
    }
}

#endif
