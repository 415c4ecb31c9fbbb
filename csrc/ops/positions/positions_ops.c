#ifndef REAL

#include "ops/call.h"
#include "ops/merge/merge.h"

/* Where a sample begins, and how many numbers it has. */
typedef struct {
    ptrdiff_t first, count;
} sample_t;

/* params: steps of a sample, where all have as many; how many there are rows for, and
   numbers of one. Samples that are longer have been refused before. */
static sample_t sample_of(const call_t *call, ptrdiff_t number) {
    const int64_t *params = params_of(call);
    const steps_t *steps = steps_of(call);
    ptrdiff_t first = number * params[0], count = params[0], width = params[2];
    if (steps) {
        first = steps->starts[number];
        count = steps->starts[number + 1] - first;
    }
    if (count > params[1]) count = params[1];
    sample_t sample = {first * width, count * width};
    return sample;
}

#define BODY "ops/positions/positions_ops.c"
#include "base/each_real.h"

#else

/* y = a + b, which y may be one of, for n numbers. */
static void NAMED(add_side_by_side)(ptrdiff_t n, const REAL *a, const REAL *b,
                                    REAL *y) {
    const int64_t length = n, one = 1;
    const paired_axes_t axes = {1, &length, {&one, &one}};
    NAMED(merge_loops)[0](&axes, a, b, y); /* the sum */
}

void NAMED(op_positions)(const call_t *call) {
    const REAL *x = (const REAL *)call->input[0], *table = (const REAL *)call->input[1];
    REAL *y = (REAL *)call->output[0];
    for (ptrdiff_t i = 0; i < call->walk->count; i++) {
        sample_t sample = sample_of(call, i);
        NAMED(add_side_by_side)(sample.count, x + sample.first, table,
                                y + sample.first);
    }
}

void NAMED(op_positions_gradient)(const call_t *call) {
    const REAL *dy = (const REAL *)call->input[0];
    REAL *dtable = (REAL *)call->output[0];
    begin_sum(call, 0, sizeof(REAL));
    for (ptrdiff_t i = 0; i < call->walk->count; i++) {
        sample_t sample = sample_of(call, i);
        NAMED(add_side_by_side)(sample.count, dtable, dy + sample.first, dtable);
    }
}

#endif
