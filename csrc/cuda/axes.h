/* Up to four axes, along which a second array is broadcast: as OP_ADD of plan.h has it. */
#ifndef FASTNN_AXES_H
#define FASTNN_AXES_H

#include "cuda/block.h"

typedef struct {
    ptrdiff_t dim[4], stride[4];
} axes_t;

#define AXES_ARGUMENTS                                                                 \
    ptrdiff_t dim0, ptrdiff_t dim1, ptrdiff_t dim2, ptrdiff_t dim3, ptrdiff_t stride0, \
        ptrdiff_t stride1, ptrdiff_t stride2, ptrdiff_t stride3
#define AXES                                                             \
    {                                                                    \
        {dim0, dim1, dim2, dim3}, { stride0, stride1, stride2, stride3 } \
    }

/* Which number of the second array belongs to number i of the first. */
HOST_DEVICE ptrdiff_t place_of(const axes_t &axes, ptrdiff_t i) {
    ptrdiff_t place = 0;
    for (int k = 3; k > 0; k--) {
        ptrdiff_t rest = quotient(i, axes.dim[k]);
        place += (i - rest * axes.dim[k]) * axes.stride[k];
        i = rest;
    }
    return place + i * axes.stride[0];
}

/* sums[place] = [sums[place] +] the sum of term(i) over the numbers i of the first array
   that place belongs to. A block has places side by side, threadIdx.x, and each thread
   some of the terms, threadIdx.y. */
template <typename T, typename TERM>
static __device__ void sum_to_places(const axes_t &axes, ptrdiff_t accumulate, T *sums,
                                     TERM term) {
    ptrdiff_t places = 1, terms = 1;
    for (int k = 0; k < 4; k++) {
        if (axes.stride[k])
            places *= axes.dim[k];
        else
            terms *= axes.dim[k];
    }
    ptrdiff_t rest = (ptrdiff_t)blockIdx.x * blockDim.x + threadIdx.x;
    bool exists = rest < places;
    ptrdiff_t first = 0, place = 0, step = 1;
    for (int k = 3; k >= 0; k--) {
        if (axes.stride[k]) {
            ptrdiff_t above = quotient(rest, axes.dim[k]),
                      i = rest - above * axes.dim[k];
            first += i * step;
            place += i * axes.stride[k];
            rest = above;
        }
        step *= axes.dim[k];
    }
    T sum = 0;
    if (exists) {
        for (ptrdiff_t j = threadIdx.y; j < terms; j += blockDim.y) {
            ptrdiff_t at = first, left = j;
            step = 1;
            for (int k = 3; k >= 0; k--) {
                if (!axes.stride[k]) {
                    ptrdiff_t above = quotient(left, axes.dim[k]);
                    at += (left - above * axes.dim[k]) * step;
                    left = above;
                }
                step *= axes.dim[k];
            }
            sum += term(at);
        }
    }
    sum = column_sum(sum);
    if (exists && threadIdx.y == 0) sums[place] = accumulate ? sums[place] + sum : sum;
}

#endif
