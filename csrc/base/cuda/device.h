/* What every kernel is written in. It is included first: it makes the shared headers those
   of a GPU. A kernel's arguments are pointers, ptrdiff_t, REAL and double.

   Sums are taken in an order that depends on sizes alone, and nothing is added to by
   several blocks: the same call gives the same bits. */
#ifndef FASTNN_DEVICE_H
#define FASTNN_DEVICE_H

#define FASTNN_CUDA
#define HOST_DEVICE static __device__ __forceinline__

/* Threads of a block, of which there are always a power of two. */
#define MAX_THREADS 256

/* One block at a time is enough on a processor of the card: without that ptxas spills a few
   numbers of double precision, to have more of them. */
#ifndef KERNEL
#define KERNEL(name, ...) \
    extern "C" __global__ void __launch_bounds__(MAX_THREADS, 1) name(__VA_ARGS__)
#endif

#include "base/compiler.h"

/* What a kernel does is shared out among the blocks of threads of its launch: the share of
   this one, and theirs. */
#define SHARE ((ptrdiff_t)blockIdx.x)
#define SHARES ((ptrdiff_t)gridDim.x)

/* This thread's number within its block, and theirs. */
#define THREAD ((int)(threadIdx.x + blockDim.x * threadIdx.y))
#define THREADS ((int)(blockDim.x * blockDim.y))

/* Where the numbers of a whole step are summed up. */
enum {
    SUM_LOSS,     /* what is minimised */
    SUM_REPORTED, /* what is reported */
    SUM_WEIGHT,   /* weights of the samples */
    SUM_PENALTY,  /* of the regularizers */
    SUM_SCALE,    /* what gradients are multiplied by */
    SUM_EPOCH,    /* over the steps of an epoch: rows times mean loss */
    /* Of each loss of the plan, what is reported and its weights; behind those of all
       the same over the steps of an epoch. */
    SUM_REPORTS
};

/* This thread's share of a loop over so many numbers. */
#define EACH_NUMBER(i, size) \
    for (ptrdiff_t i = SHARE * THREADS + THREAD; i < (size); i += SHARES * THREADS)

/* This thread's share of a loop over rows, of which each has blockDim.x threads: a warp. */
#define EACH_ROW(row, m)                                              \
    for (ptrdiff_t row = SHARE * blockDim.y + threadIdx.y; row < (m); \
         row += SHARES * blockDim.y)

/* a / b for a, b >= 0: a division of 64 bits takes several times as long. */
HOST_DEVICE ptrdiff_t quotient(ptrdiff_t a, ptrdiff_t b) {
    return (a | b) >> 31 ? a / b : (ptrdiff_t)((uint32_t)a / (uint32_t)b);
}

/* Where number i of rows of n lies, whose first numbers are lead apart. */
HOST_DEVICE ptrdiff_t in_rows(ptrdiff_t i, ptrdiff_t n, ptrdiff_t lead) {
    return lead == n ? i : i + quotient(i, n) * (lead - n);
}

#endif
