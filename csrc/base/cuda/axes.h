/* Up to four axes, along which a second array is broadcast: as OP_ADD of plan.h has it. */
#ifndef FASTNN_AXES_H
#define FASTNN_AXES_H

#include "base/cuda/block.h"

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
    /* Beyond the last axis that it runs along nothing is added: no division is. */
    int outermost = 0;
    while (outermost < 3 && !axes.stride[outermost]) outermost++;
    ptrdiff_t place = 0;
    for (int k = 3; k > 0; k--) {
        if (k < outermost) return place;
        ptrdiff_t rest = quotient(i, axes.dim[k]);
        place += (i - rest * axes.dim[k]) * axes.stride[k];
        i = rest;
    }
    return place + i * axes.stride[0];
}

/* Places that a share of sum_to_places has side by side: threads that are neighbours read
   neighbours, whichever axis is summed over. */
enum { PLACES_AT_ONCE = 32 };

/* The terms that are summed to one place: where they lie from its first one on. */
typedef struct {
    axes_t axes;       /* those that are summed over, with strides of the first array */
    ptrdiff_t count;   /* of terms */
    ptrdiff_t spacing; /* from one term to the next; 0: it varies */
} terms_t;

HOST_DEVICE terms_t terms_of(const axes_t &axes) {
    terms_t terms = {axes, 1, 0};
    ptrdiff_t step = 1;
    bool even = true;
    for (int k = 3; k >= 0; k--) {
        bool summed = !axes.stride[k] && axes.dim[k] > 1;
        terms.axes.stride[k] = summed ? step : 0;
        if (summed) {
            even = even && (terms.count == 1 || step == terms.spacing * terms.count);
            if (terms.count == 1) terms.spacing = step;
            terms.count *= axes.dim[k];
        } else {
            terms.axes.dim[k] = 1;
        }
        step *= axes.dim[k];
    }
    if (!even) terms.spacing = 0;
    return terms;
}

/* sums[place] = [sums[place] +] the sum of term(i) over the numbers i of the first array
   that place belongs to. A share has places side by side, and each thread some of their
   terms. */
template <typename T, typename TERM>
static __device__ void sum_to_places(ptrdiff_t share, ptrdiff_t shares,
                                     const axes_t &axes, ptrdiff_t accumulate, T *sums,
                                     TERM term) {
    terms_t terms = terms_of(axes);
    int columns = axes.stride[3] ? PLACES_AT_ONCE : 1;
    columns = columns < THREADS ? columns : THREADS;
    ptrdiff_t places = 1;
    for (int k = 0; k < 4; k++) places *= axes.stride[k] ? axes.dim[k] : 1;
    for (ptrdiff_t strip = share; strip * columns < places; strip += shares) {
        ptrdiff_t rest = strip * columns + THREAD % columns;
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
        ptrdiff_t end = exists ? terms.count : 0, apart = THREADS / columns;
        if (terms.spacing) {
            for (ptrdiff_t j = THREAD / columns; j < end; j += apart)
                sum += term(first + j * terms.spacing);
        } else {
            for (ptrdiff_t j = THREAD / columns; j < end; j += apart)
                sum += term(first + place_of(terms.axes, j));
        }
        sum = column_sum(sum, columns);
        if (exists && THREAD < columns)
            sums[place] = accumulate ? sums[place] + sum : sum;
    }
}

#endif
