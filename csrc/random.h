/* Philox4x32-10: random numbers as a function of a key and a counter, so that any of
   them can be had at any time, on any device, whatever the number of threads.

   Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. */
#ifndef FASTNN_RANDOM_H
#define FASTNN_RANDOM_H

#include <stdint.h>

#include "compiler.h"

typedef struct {
    uint32_t word[4];
} philox_t;

HOST_DEVICE philox_t philox(uint64_t key, uint64_t stream, uint64_t position) {
    uint32_t c0 = (uint32_t)position, c1 = (uint32_t)(position >> 32);
    uint32_t c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0;
        uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    philox_t out = {{c0, c1, c2, c3}};
    return out;
}

#endif
