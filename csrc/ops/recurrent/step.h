/* Who takes a step of a group, by a mask of REALs. */

/* Step t, as they are taken, of all that are so long. */
static inline void NAMED(begin_step)(group_t *group, ptrdiff_t t, const REAL *mask) {
    group->active = group->waiting = 0;
    for (ptrdiff_t i = 0; i < group->count; i++) {
        if (t >= group->length[i]) continue;
        ptrdiff_t taken = group->begin[i] + t;
        ptrdiff_t at =
            group->backwards ? group->begin[i] + group->length[i] - 1 - t : taken;
        if (mask && mask[at] == 0) {
            ptrdiff_t n = group->waiting++;
            group->waiting_slot[n] = i;
            group->waiting_at[n] = at;
            group->waiting_taken[n] = taken;
        } else {
            ptrdiff_t n = group->active++;
            group->slot[n] = i;
            group->at[n] = at;
            group->taken[n] = taken;
        }
    }
}

/* So many numbers, which do not overlap others. */
HOST_DEVICE void NAMED(copy_row)(ptrdiff_t n, const REAL *from, REAL *to) {
    SIMD
    for (ptrdiff_t j = 0; j < n; j++) to[j] = from[j];
}
