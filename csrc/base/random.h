/* Philox4x32-10: random numbers as a function of a key and a counter, so that any of
   them can be had at any time, on any device, whatever the number of threads.

   Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. */
#ifndef FASTNN_RANDOM_H
#define FASTNN_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

typedef struct {
    uint32_t word[4];
} philox_t;

/* What the key grows by from round to round. */
#define PHILOX_KEY_0 0x9E3779B9u
#define PHILOX_KEY_1 0xBB67AE85u
enum { PHILOX_ROUNDS = 10 };

HOST_DEVICE void philox_round(uint32_t *c0, uint32_t *c1, uint32_t *c2, uint32_t *c3,
                              uint32_t k0, uint32_t k1) {
    uint64_t p0 = (uint64_t)0xD2511F53u * *c0;
    uint64_t p1 = (uint64_t)0xCD9E8D57u * *c2;
    *c0 = (uint32_t)(p1 >> 32) ^ *c1 ^ k0;
    *c1 = (uint32_t)p1;
    *c2 = (uint32_t)(p0 >> 32) ^ *c3 ^ k1;
    *c3 = (uint32_t)p0;
}

HOST_DEVICE philox_t philox(uint64_t key, uint64_t stream, uint64_t position) {
    uint32_t c0 = (uint32_t)position, c1 = (uint32_t)(position >> 32);
    uint32_t c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        philox_round(&c0, &c1, &c2, &c3, k0, k1);
        k0 += PHILOX_KEY_0;
        k1 += PHILOX_KEY_1;
    }
    philox_t out = {{c0, c1, c2, c3}};
    return out;
}

/* Random numbers for tables: block b of a row of Philox blocks holds those of the columns
   b, b + B, b + 2 B, ... (its lanes), where B is the number of blocks a row, so that
   neighbours in a row are neighbours in each lane and no bits are shuffled. */
enum { BLOCKS_AT_ONCE = 128 };

/* Consecutive blocks of one row. */
typedef struct {
    ptrdiff_t row, first, count;
} run_t;

/* Those from block on, before end, of rows of so many blocks. */
HOST_DEVICE run_t run_from(ptrdiff_t block, ptrdiff_t end, ptrdiff_t blocks) {
    ptrdiff_t first = block % blocks;
    ptrdiff_t count = blocks - first < end - block ? blocks - first : end - block;
    run_t run = {block / blocks, first, count};
    return run;
}

/* Of count columns from this one on, how many a row of n has; the last lane lacks some. */
HOST_DEVICE ptrdiff_t columns_within(ptrdiff_t n, ptrdiff_t column, ptrdiff_t count) {
    return n - column < count ? n - column : count;
}

#endif
