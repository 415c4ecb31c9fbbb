/* Who works on a row of numbers: one thread on the CPU, whose loops become vectors, and a
   warp on a GPU, where each thread is a lane and has every so-manyth column.

   A function that is written in these words serves both. On a GPU a lane sees what others
   have written to memory only past a sum or a maximum, where all lanes meet. */
#ifndef FASTNN_LANES_H
#define FASTNN_LANES_H

#ifdef FASTNN_CUDA
#include "base/cuda/block.h"

/* The columns from first on, before end, that this lane has. */
#define EACH_COLUMN(j, first, end) \
    for (ptrdiff_t j = (first) + threadIdx.x; j < (end); j += blockDim.x)
#define HAS_COLUMN(j) ((j) % blockDim.x == threadIdx.x)
/* What the lanes have together. */
#define SUM_OF_LANES(x) warp_sum(x)
#define MAX_OF_LANES(x) warp_max(x)
#else
#include "base/compiler.h"

#define EACH_COLUMN(j, first, end) for (ptrdiff_t j = first; j < (end); j++)
#define HAS_COLUMN(j) 1
#define SUM_OF_LANES(x) (x)
#define MAX_OF_LANES(x) (x)
#endif

#endif
