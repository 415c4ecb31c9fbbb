/* A value whose numbers lie side by side, row by row, and two others that go along with it
   as NumPy broadcasts them. */
#ifndef FASTNN_ROWS_H
#define FASTNN_ROWS_H

#include "base/compiler.h"

/* Axes at most, with like neighbours joined: more of length 2 have too many numbers. */
enum { MOST_PAIRED_AXES = 64 };

/* The axes of the value: how long they are, and how far each of the others moves along
   them; 0 where it does not. The last of these are 0 or 1. */
typedef struct {
    ptrdiff_t rank;
    const int64_t *length, *stride[2];
} paired_axes_t;

/* One row after another: the last axis, for each place along those before it. */
typedef struct {
    ptrdiff_t position[MOST_PAIRED_AXES];
    ptrdiff_t at[2]; /* where the others' rows begin */
} row_t;

HOST_DEVICE int next_row(const paired_axes_t *axes, row_t *row) {
    for (ptrdiff_t axis = axes->rank - 2; axis >= 0; axis--) {
        ptrdiff_t length = axes->length[axis];
        for (int i = 0; i < 2; i++) row->at[i] += axes->stride[i][axis];
        if (++row->position[axis] < length) return 1;
        for (int i = 0; i < 2; i++) row->at[i] -= length * axes->stride[i][axis];
        row->position[axis] = 0;
    }
    return 0;
}

#endif
