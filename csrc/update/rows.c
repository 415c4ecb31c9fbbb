#include "update/rows.h"

/* Counts for so many bits of the place at a time stay in the first-level cache. */
enum { BITS = 9, BUCKETS = 1 << BITS };

row_t *sort_rows(ptrdiff_t n, row_t *rows, row_t *other) {
    ptrdiff_t last = 0;
    for (ptrdiff_t i = 0; i < n; i++)
        if (rows[i].place > last) last = rows[i].place;
    for (int shift = 0; last >> shift; shift += BITS) {
        ptrdiff_t starts[BUCKETS] = {0}, sum = 0;
        for (ptrdiff_t i = 0; i < n; i++)
            starts[rows[i].place >> shift & (BUCKETS - 1)]++;
        for (int bucket = 0; bucket < BUCKETS; bucket++) {
            ptrdiff_t count = starts[bucket];
            starts[bucket] = sum;
            sum += count;
        }
        for (ptrdiff_t i = 0; i < n; i++)
            other[starts[rows[i].place >> shift & (BUCKETS - 1)]++] = rows[i];
        row_t *sorted = other;
        other = rows;
        rows = sorted;
    }
    return rows;
}
