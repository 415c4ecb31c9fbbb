/* Sums and maxima of what the threads of a block have, which all of them meet for: as a
   tree, whose shape depends on the number of threads alone. */
#ifndef FASTNN_BLOCK_H
#define FASTNN_BLOCK_H

#include "cuda/device.h"

/* Halves are joined until one number is left; every thread gets it. */
#define JOIN_BLOCK(name, JOINED)                                        \
    template <typename T> static __device__ T name(T mine) {            \
        __shared__ T part[MAX_THREADS];                                 \
        int me = threadIdx.x + blockDim.x * threadIdx.y;                \
        part[me] = mine;                                                \
        __syncthreads();                                                \
        for (int half = blockDim.x * blockDim.y / 2; half; half /= 2) { \
            if (me < half) {                                            \
                T a = part[me], b = part[me + half];                    \
                part[me] = JOINED;                                      \
            }                                                           \
            __syncthreads();                                            \
        }                                                               \
        T all = part[0];                                                \
        __syncthreads(); /* part is free again */                       \
        return all;                                                     \
    }
JOIN_BLOCK(block_sum, a + b)
JOIN_BLOCK(block_max, b > a ? b : a)
#undef JOIN_BLOCK

/* The sum over threads of the same threadIdx.x, for each of these. */
template <typename T> static __device__ T column_sum(T mine) {
    __shared__ T part[MAX_THREADS];
    int me = threadIdx.x + blockDim.x * threadIdx.y;
    part[me] = mine;
    __syncthreads();
    for (int half = blockDim.y / 2; half; half /= 2) {
        if ((int)threadIdx.y < half) part[me] += part[me + half * blockDim.x];
        __syncthreads();
    }
    T all = part[threadIdx.x];
    __syncthreads();
    return all;
}

#endif
