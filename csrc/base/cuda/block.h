/* Sums and maxima of what the threads of a block or of a warp have, which all of them meet
   for: as a tree, whose shape depends on the number of threads alone. */
#ifndef FASTNN_BLOCK_H
#define FASTNN_BLOCK_H

#include "base/cuda/device.h"

/* Threads that run together: those of one threadIdx.y, in blocks of as many columns. */
enum { WARP = 32 };

/* Halves are joined until one number is left; every thread gets it. */
#define JOIN_BLOCK(name, JOINED)                             \
    template <typename T> static __device__ T name(T mine) { \
        __shared__ T part[MAX_THREADS];                      \
        int me = THREAD;                                     \
        part[me] = mine;                                     \
        __syncthreads();                                     \
        for (int half = THREADS / 2; half; half /= 2) {      \
            if (me < half) {                                 \
                T a = part[me], b = part[me + half];         \
                part[me] = JOINED;                           \
            }                                                \
            __syncthreads();                                 \
        }                                                    \
        T all = part[0];                                     \
        __syncthreads(); /* part is free again */            \
        return all;                                          \
    }
JOIN_BLOCK(block_sum, a + b)
JOIN_BLOCK(block_max, b > a ? b : a)
#undef JOIN_BLOCK

/* Pairs of threads of a warp swap what they have: every thread gets the same bits. Past it
   they see what the others have written. */
#define JOIN_WARP(name, JOINED)                           \
    template <typename T> static __device__ T name(T a) { \
        for (int apart = WARP / 2; apart; apart /= 2) {   \
            T b = __shfl_xor_sync(0xffffffffu, a, apart); \
            a = JOINED;                                   \
        }                                                 \
        __syncwarp();                                     \
        return a;                                         \
    }
JOIN_WARP(warp_sum, a + b)
JOIN_WARP(warp_max, b > a ? b : a)
#undef JOIN_WARP

/* The sum over every so-manyth thread: a power of two. */
template <typename T> static __device__ T column_sum(T mine, int columns) {
    __shared__ T part[MAX_THREADS];
    int me = THREAD;
    part[me] = mine;
    __syncthreads();
    for (int half = THREADS / 2; half >= columns; half /= 2) {
        if (me < half) part[me] += part[me + half];
        __syncthreads();
    }
    T all = part[me % columns];
    __syncthreads();
    return all;
}

#endif
