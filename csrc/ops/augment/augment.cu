#ifndef REAL
#include "base/cuda/philox.h"

#include "base/cuda/block.h"
#include "ops/augment/erase.h"
#include "ops/augment/warp.h"

/* What all random numbers of an op are drawn by: the step's row of the table, and the
   number of the op. */
static __device__ uint64_t augment_seed(const double *scalars) {
    return (uint64_t)scalars[MASK_SEED];
}
static __device__ uint64_t augment_stream(const double *scalars, ptrdiff_t number) {
    return (uint64_t)scalars[MASK_STEP] << 16 | (uint64_t)number;
}

/* The words that are drawn for a sample. */
static __device__ philox_t augment_bits(const double *scalars, ptrdiff_t number,
                                        ptrdiff_t row) {
    return philox(augment_seed(scalars), augment_stream(scalars, number),
                  (uint64_t)row);
}

/* scalars is absent where nothing is drawn: where all options are of no width. */
#define WARP_ARGUMENTS                                                       \
    PHILOX_ARGUMENTS, const int64_t *params, double option0, double option1, \
        double option2, double option3
#define WARP_OF(sample)                                                      \
    warped_t by = warped_by(params);                                         \
    double option[4] = {option0, option1, option2, option3};                 \
    philox_t bits = {{0, 0, 0, 0}};                                          \
    if (scalars) bits = augment_bits(scalars, number, first_row + (sample)); \
    warp_t warp = draw_warp(&by, option, bits);

#define BODY "ops/augment/augment.cu"
#include "base/each_real.h"
#else

#include "ops/augment/contrast_formulas.h"
#include "ops/augment/erase_formulas.h"

/* A block of threads has a sample. */
KERNEL(NAMED(warp), ptrdiff_t m, const REAL *x, REAL constant, REAL *y,
       WARP_ARGUMENTS) {
    for (ptrdiff_t sample = SHARE; sample < m; sample += SHARES) {
        WARP_OF(sample)
        ptrdiff_t pixels = by.out_height * by.out_width;
        const REAL *own = x + sample * by.height * by.width * by.channels;
        for (ptrdiff_t k = THREAD; k < pixels; k += THREADS) {
            ptrdiff_t row = quotient(k, by.out_width);
            REAL *to = y + (sample * pixels + k) * by.channels;
            for (int tap = 0; tap < warp_taps(&warp); tap++) {
                double weight;
                ptrdiff_t at =
                    warp_tap(&by, &warp, row, k - row * by.out_width, tap, &weight);
                for (ptrdiff_t c = 0; c < by.channels; c++) {
                    REAL part = (REAL)weight * (at < 0 ? constant : own[at + c]);
                    to[c] = tap ? to[c] + part : part;
                }
            }
        }
    }
}

/* A thread has a channel of a sample: several pixels may have been read at one place, and
   sums have one order. */
KERNEL(NAMED(warp_gradient), ptrdiff_t m, const REAL *dy, REAL *dx, WARP_ARGUMENTS) {
    ptrdiff_t channels = params[3];
    EACH_NUMBER(k, m * channels) {
        ptrdiff_t sample = quotient(k, channels), c = k - sample * channels;
        WARP_OF(sample)
        ptrdiff_t size = by.height * by.width * channels;
        const REAL *from = dy + sample * by.out_height * by.out_width * channels + c;
        REAL *own = dx + sample * size + c;
        for (ptrdiff_t at = 0; at < size; at += channels) own[at] = 0;
        for (ptrdiff_t i = 0; i < by.out_height; i++)
            for (ptrdiff_t j = 0; j < by.out_width; j++, from += channels)
                for (int tap = 0; tap < warp_taps(&warp); tap++) {
                    double weight;
                    ptrdiff_t at = warp_tap(&by, &warp, i, j, tap, &weight);
                    if (at >= 0) own[at] += (REAL)weight * *from;
                }
    }
}

/* The mean of a channel, by all threads of a block. */
static __device__ REAL NAMED(mean_of_channel)(ptrdiff_t n, ptrdiff_t channels,
                                              const REAL *x) {
    REAL sum = 0;
    for (ptrdiff_t i = THREAD * channels; i < n; i += THREADS * channels) sum += x[i];
    return block_sum(sum) / (REAL)(n / channels);
}

/* A block of threads has a channel of a sample; n: numbers of a sample. y may be x. */
KERNEL(NAMED(contrast), ptrdiff_t m, ptrdiff_t n, ptrdiff_t channels, const REAL *x,
       REAL *y, PHILOX_ARGUMENTS, double least, double most, REAL low, REAL high) {
    for (ptrdiff_t k = SHARE; k < m * channels; k += SHARES) {
        ptrdiff_t sample = quotient(k, channels), c = k - sample * channels;
        uint32_t word = augment_bits(scalars, number, first_row + sample).word[0];
        REAL factor = (REAL)draw_between(word, least, most);
        const REAL *own = x + sample * n + c;
        REAL mean = NAMED(mean_of_channel)(n, channels, own);
        for (ptrdiff_t i = THREAD * channels; i < n; i += THREADS * channels)
            y[sample * n + c + i] = NAMED(contrast)(own[i], mean, factor, low, high);
    }
}

/* dx may be dy. */
KERNEL(NAMED(contrast_gradient), ptrdiff_t m, ptrdiff_t n, ptrdiff_t channels,
       const REAL *dy, const REAL *x, REAL *dx, PHILOX_ARGUMENTS, double least,
       double most, REAL low, REAL high) {
    for (ptrdiff_t k = SHARE; k < m * channels; k += SHARES) {
        ptrdiff_t sample = quotient(k, channels), c = k - sample * channels;
        uint32_t word = augment_bits(scalars, number, first_row + sample).word[0];
        REAL factor = (REAL)draw_between(word, least, most);
        ptrdiff_t first = sample * n + c, step = THREADS * channels;
        REAL mean = NAMED(mean_of_channel)(n, channels, x + first), sum = 0;
        for (ptrdiff_t i = THREAD * channels; i < n; i += step)
            sum += NAMED(contrast_passed)(dy[first + i], x[first + i], mean, factor,
                                          low, high);
        REAL of_mean = (1 - factor) * block_sum(sum) / (REAL)(n / channels);
        for (ptrdiff_t i = THREAD * channels; i < n; i += step)
            dx[first + i] =
                of_mean + factor * NAMED(contrast_passed)(dy[first + i], x[first + i],
                                                          mean, factor, low, high);
    }
}

/* A block of threads has a sample; params: as of the CPU. y may be x. */
KERNEL(NAMED(erase), ptrdiff_t m, ptrdiff_t n, const int64_t *params, const REAL *x,
       REAL *y, PHILOX_ARGUMENTS, double least, double most, REAL low, REAL high) {
    ptrdiff_t width = params[1], channels = params[2];
    uint64_t seed = augment_seed(scalars), stream = augment_stream(scalars, number);
    for (ptrdiff_t sample = SHARE; sample < m; sample += SHARES) {
        uint64_t position = (uint64_t)(first_row + sample) * erase_blocks(n);
        rectangle_t erased = draw_rectangle(params[0], width, (uint64_t)params[3],
                                            least, most, seed, stream, position);
        for (ptrdiff_t k = THREAD; k < n; k += THREADS) {
            ptrdiff_t pixel = quotient(k, channels), row = quotient(pixel, width);
            ptrdiff_t column = pixel - row * width, at = sample * n + k;
            if (row < erased.top || row >= erased.bottom || column < erased.left ||
                column >= erased.right) {
                y[at] = x[at];
                continue;
            }
            REAL first = low, second = low;
            if (low != high) {
                uint64_t block = position + ERASE_BLOCKS + (uint64_t)(k / ERASE_LANES);
                philox_t bits = philox(seed, stream, block);
                int later = k % ERASE_LANES >= 2;
                NAMED(erased_pair)(later ? bits.word[2] : bits.word[0],
                                   later ? bits.word[3] : bits.word[1], low, high,
                                   &first, &second);
            }
            y[at] = k % 2 ? second : first;
        }
    }
}

#endif
