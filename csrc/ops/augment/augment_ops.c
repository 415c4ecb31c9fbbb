#ifndef REAL

#include "ops/augment/contrast.h"
#include "ops/augment/erase.h"
#include "ops/augment/warp.h"
#include "ops/call.h"

/* The place that what is drawn for a sample depends on: its row of the mini-batch. */
static uint64_t row_of(const call_t *call, ptrdiff_t sample) {
    return (uint64_t)(first_row_of(call) + sample);
}

static warp_t warp_of(const call_t *call, const warped_t *by, ptrdiff_t sample) {
    philox_t bits =
        philox(call->walk->mask_seed, stream_of(call), row_of(call, sample));
    return draw_warp(by, call->op->scalar, bits);
}

/* The integer of CONTRAST is how many channels there are. */
static ptrdiff_t channels_of(const call_t *call) {
    return (ptrdiff_t)params_of(call)[0];
}

static double contrast_of(const call_t *call, ptrdiff_t sample) {
    philox_t bits =
        philox(call->walk->mask_seed, stream_of(call), row_of(call, sample));
    return draw_between(bits.word[0], call->op->scalar[0], call->op->scalar[1]);
}

#define BODY "ops/augment/augment_ops.c"
#include "base/each_real.h"

#else

void NAMED(op_warp)(const call_t *call) {
    const int64_t *params = params_of(call);
    warped_t by = warped_by(params);
    double constant;
    memcpy(&constant, params + WARP_PARAMS, sizeof constant);
    ptrdiff_t size = by.height * by.width * by.channels;
    ptrdiff_t out_size = by.out_height * by.out_width * by.channels;
    for (ptrdiff_t i = 0; i < call->walk->count; i++) {
        warp_t warp = warp_of(call, &by, i);
        NAMED(warp_sample)(&by, &warp, (const REAL *)call->input[0] + i * size,
                           (REAL)constant, (REAL *)call->output[0] + i * out_size);
    }
}

void NAMED(op_warp_gradient)(const call_t *call) {
    warped_t by = warped_by(params_of(call));
    ptrdiff_t size = by.height * by.width * by.channels;
    ptrdiff_t out_size = by.out_height * by.out_width * by.channels;
    for (ptrdiff_t i = 0; i < call->walk->count; i++) {
        warp_t warp = warp_of(call, &by, i);
        NAMED(warp_gradient_sample)(&by, &warp,
                                    (const REAL *)call->input[0] + i * out_size,
                                    (REAL *)call->output[0] + i * size);
    }
}

void NAMED(op_contrast)(const call_t *call) {
    ptrdiff_t n = columns_of(call), channels = channels_of(call);
    const double *option = call->op->scalar;
    for (ptrdiff_t i = 0; i < rows_of(call); i++)
        NAMED(contrast_sample)(n / channels, channels, (REAL)contrast_of(call, i),
                               (REAL)option[2], (REAL)option[3],
                               (const REAL *)call->input[0] + i * n,
                               (REAL *)call->output[0] + i * n);
}

void NAMED(op_contrast_gradient)(const call_t *call) {
    ptrdiff_t n = columns_of(call), channels = channels_of(call);
    const double *option = call->op->scalar;
    for (ptrdiff_t i = 0; i < rows_of(call); i++)
        NAMED(contrast_gradient_sample)(
            n / channels, channels, (REAL)contrast_of(call, i), (REAL)option[2],
            (REAL)option[3], (const REAL *)call->input[0] + i * n,
            (const REAL *)call->input[1] + i * n, (REAL *)call->output[0] + i * n);
}

#include "ops/augment/erase_formulas.h"

/* Numbers of a sample from first to before last, by its blocks of noise; block: the first
   of these. Where low and high are one there is no noise. */
static void NAMED(erase_run)(ptrdiff_t first, ptrdiff_t last, REAL low, REAL high,
                             uint64_t seed, uint64_t stream, uint64_t block, REAL *y) {
    philox_t bits = {{0, 0, 0, 0}};
    REAL even = low, odd = low;
    for (ptrdiff_t k = first; k < last; k++) {
        int lane = (int)(k % ERASE_LANES), pair = lane & ~1;
        if (low != high && (k == first || lane == 0))
            bits = philox(seed, stream, block + (uint64_t)(k / ERASE_LANES));
        if (low != high && (k == first || lane == pair))
            NAMED(erased_pair)(bits.word[pair], bits.word[pair + 1], low, high, &even,
                               &odd);
        y[k] = lane == pair ? even : odd;
    }
}

/* The integers of the op: height, width, channels, and how many of 2^32 samples lose a
   rectangle. */
void NAMED(op_erase)(const call_t *call) {
    const int64_t *params = params_of(call);
    ptrdiff_t width = (ptrdiff_t)params[1], channels = (ptrdiff_t)params[2];
    ptrdiff_t n = columns_of(call);
    const double *option = call->op->scalar;
    uint64_t seed = call->walk->mask_seed, stream = stream_of(call);
    for (ptrdiff_t i = 0; i < rows_of(call); i++) {
        const REAL *x = (const REAL *)call->input[0] + i * n;
        REAL *y = (REAL *)call->output[0] + i * n;
        if (x != y) memcpy(y, x, (size_t)n * sizeof(REAL));
        uint64_t block = row_of(call, i) * erase_blocks(n);
        rectangle_t erased =
            draw_rectangle((ptrdiff_t)params[0], width, (uint64_t)params[3], option[0],
                           option[1], seed, stream, block);
        for (ptrdiff_t row = erased.top; row < erased.bottom; row++)
            NAMED(erase_run)((row * width + erased.left) * channels,
                             (row * width + erased.right) * channels, (REAL)option[2],
                             (REAL)option[3], seed, stream, block + ERASE_BLOCKS, y);
    }
}

#endif
