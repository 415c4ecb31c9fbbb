#ifndef REAL
#include "base/cuda/block.h"
#include "ops/merge/merge.h"

/* From the integers of the op: see merge_ops.c. The operand of this number comes first. */
static __device__ paired_axes_t axes_by(const int64_t *params, ptrdiff_t operand) {
    ptrdiff_t rank = params[0];
    const int64_t *axis = params + 1;
    return {rank, axis, {axis + (1 + operand) * rank, axis + (2 - operand) * rank}};
}

/* Where number i along some of the axes lies: in the result and in each operand. */
typedef struct {
    ptrdiff_t y, at[2];
} merged_place_t;

/* Along the axes on which the first moves, those on which it rests, or all. */
enum { MOVING = 1, RESTING = 2 };

static __device__ merged_place_t merged_place(const paired_axes_t &axes, int which,
                                              ptrdiff_t i) {
    merged_place_t place = {0, {0, 0}};
    ptrdiff_t step = 1;
    for (ptrdiff_t axis = axes.rank - 1; axis >= 0; axis--) {
        ptrdiff_t length = axes.length[axis];
        if (which & (axes.stride[0][axis] ? MOVING : RESTING)) {
            /* Of the first, the samples, there are as many as i says. */
            ptrdiff_t rest = axis ? quotient(i, length) : 0, along = i - rest * length;
            i = rest;
            place.y += along * step;
            place.at[0] += along * axes.stride[0][axis];
            place.at[1] += along * axes.stride[1][axis];
        }
        step *= length;
    }
    return place;
}

#define BODY "ops/merge/merge.cu"
#include "base/each_real.h"
#else

#include "ops/merge/merge_formulas.h"

/* y may be a. Of a gradient d, a is the operand that it is of, whose number is operand,
   and b the other one. It is written where it is as large as dy, which it may be, or
   [added to] the sum over so many terms for each of its places. A block has columns
   places side by side, a power of two. */
#define ROW(name, value, slope)                                                        \
    KERNEL(NAMED(merge_rows_##name), ptrdiff_t size, const int64_t *params,            \
           const REAL *a, const REAL *b, REAL *y) {                                    \
        paired_axes_t axes = axes_by(params, 0);                                       \
        EACH_NUMBER(i, size) {                                                         \
            merged_place_t place = merged_place(axes, MOVING | RESTING, i);            \
            y[i] = NAMED(merge_##name)(a[place.at[0]], b[place.at[1]]);                \
        }                                                                              \
    }                                                                                  \
    KERNEL(NAMED(merge_gradient_##name), ptrdiff_t size, const int64_t *params,        \
           ptrdiff_t operand, const REAL *dy, const REAL *a, const REAL *b, REAL *d) { \
        paired_axes_t axes = axes_by(params, operand);                                 \
        EACH_NUMBER(i, size) {                                                         \
            merged_place_t place = merged_place(axes, MOVING | RESTING, i);            \
            d[i] = dy[i] * NAMED(slope_of_##name)(a[place.at[0]], b[place.at[1]]);     \
        }                                                                              \
    }                                                                                  \
    KERNEL(NAMED(merge_sums_##name), ptrdiff_t places, ptrdiff_t terms,                \
           ptrdiff_t columns, const int64_t *params, ptrdiff_t operand,                \
           const REAL *dy, const REAL *a, const REAL *b, ptrdiff_t accumulate,         \
           REAL *d) {                                                                  \
        paired_axes_t axes = axes_by(params, operand);                                 \
        columns = columns < THREADS ? columns : THREADS;                               \
        ptrdiff_t apart = THREADS / columns;                                           \
        for (ptrdiff_t strip = SHARE; strip * columns < places; strip += SHARES) {     \
            ptrdiff_t i = strip * columns + THREAD % columns;                          \
            ptrdiff_t end = i < places ? terms : 0;                                    \
            merged_place_t first = merged_place(axes, MOVING, i);                      \
            REAL sum = 0;                                                              \
            for (ptrdiff_t t = THREAD / columns; t < end; t += apart) {                \
                merged_place_t next = merged_place(axes, RESTING, t);                  \
                ptrdiff_t other = first.at[1] + next.at[1];                            \
                sum += dy[first.y + next.y] *                                          \
                       NAMED(slope_of_##name)(a[first.at[0]], b[other]);               \
            }                                                                          \
            sum = column_sum(sum, (int)columns);                                       \
            if (i < places && THREAD < columns) d[i] = accumulate ? d[i] + sum : sum;  \
        }                                                                              \
    }
MERGE_TABLE(ROW)
#undef ROW

/* y may be x. */
KERNEL(NAMED(scale), ptrdiff_t size, const REAL *x, REAL factor, REAL shift, REAL *y) {
    EACH_NUMBER(i, size) y[i] = factor * x[i] + shift;
}

#endif
