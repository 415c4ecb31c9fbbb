#ifndef REAL

#include "ops/broadcast/broadcast.h"
#include "ops/call.h"
#include "ops/product/multiply.h"
#include "ops/recurrent/recurrent.h"

/* Steps whose part of the kernel's gradient is added up at a time: they stay in the cache
   for the biases. */
enum { STEPS_AT_A_TIME = 64 };

/* params: steps of a sample, units, whether steps are taken backwards, what comes out,
   the activations of values and of gates, and features. */
static samples_t samples_by(const call_t *call, int backwards) {
    const steps_t *steps = steps_of(call);
    return (samples_t){call->walk->count, (ptrdiff_t)params_of(call)[0],
                       steps ? steps->starts : NULL, backwards};
}

#define BODY "ops/recurrent/recurrent_ops.c"
#include "base/each_real.h"

#else

static NAMED(recurrent)
    NAMED(recurrent_by)(const call_t *call, const REAL *input_kernel,
                        const REAL *kernel, const REAL *bias, const REAL *mask,
                        const REAL *dropped) {
    const int64_t *params = params_of(call);
    return (NAMED(recurrent)){
        .cell = call->op->code,
        .units = (ptrdiff_t)params[1],
        .samples = samples_by(call, (int)params[2]),
        .returns = (int)params[3],
        .activation = (int)params[4],
        .recurrent_activation = (int)params[5],
        .option = (REAL)call->op->scalar[0],
        .recurrent_option = (REAL)call->op->scalar[1],
        .features = (ptrdiff_t)params[6],
        .input_kernel = input_kernel,
        .kernel = kernel,
        .bias = bias,
        .mask = mask,
        .dropped = dropped,
        .scratch = (REAL *)call->output[3],
    };
}

void NAMED(op_recurrent)(const call_t *call) {
    REAL *const *in = (REAL *const *)call->input, *const *out =
                                                      (REAL *const *)call->output;
    NAMED(recurrent) by = NAMED(recurrent_by)(call, in[1], in[2], in[3], in[4], in[5]);
    NAMED(recurrent_forward)(&by, in[0], out[0], out[1], out[2]);
}

void NAMED(op_recurrent_gradient)(const call_t *call) {
    REAL *const *in = (REAL *const *)call->input, *const *out =
                                                      (REAL *const *)call->output;
    NAMED(recurrent) by = NAMED(recurrent_by)(call, NULL, in[3], NULL, in[4], in[5]);
    NAMED(recurrent_backward)(&by, in[0], in[1], in[2], out[0], out[1]);
}

/* Asks for so many numbers, which products read in an order that no processor foresees. */
static void NAMED(fetch)(ptrdiff_t n, const REAL *from) {
    for (ptrdiff_t j = 0; j < n; j += LINE / (ptrdiff_t)sizeof(REAL))
        PREFETCH(from + j);
}

/* dkernel += a^T d for columns of a gradient, from so many steps. */
static void NAMED(add_steps)(const call_t *call, ptrdiff_t steps, ptrdiff_t units,
                             ptrdiff_t columns, const REAL *a, ptrdiff_t a_lead,
                             const REAL *d, ptrdiff_t d_lead, REAL *dkernel,
                             ptrdiff_t lead) {
    NAMED(multiply)(1, units, columns, steps, a, a_lead, 0, 1, d, d_lead, 0, 0, 1,
                    dkernel, lead, 0, 0, &call->walk->precision);
}

/* What some steps, which are one sample's where its state was dropped, add to the gradient
   of kernel and bias. */
static void NAMED(add_weights)(const call_t *call, ptrdiff_t first, ptrdiff_t steps,
                               const REAL *factor) {
    int cell = call->op->code;
    ptrdiff_t u = (ptrdiff_t)params_of(call)[1], row = gates_of(cell) * u;
    ptrdiff_t width = kept_of(cell) * u, lead = width;
    const REAL *dgates = (const REAL *)call->input[0] + first * row;
    const REAL *kept = (const REAL *)call->input[1] + first * width, *before = kept;
    const REAL *inner = (const REAL *)call->input[2];
    ptrdiff_t n = (ptrdiff_t)params_of(call)[6];
    const REAL *x = (const REAL *)call->input[4] + first * n;
    REAL *dinput = (REAL *)call->output[0], *dkernel = (REAL *)call->output[1];
    REAL *dbias = (REAL *)call->output[2];
    REAL *scratch = (REAL *)call->output[3];
    ptrdiff_t columns = cell == LSTM || cell == SIMPLE_RNN ? row : 2 * u;
    NAMED(fetch)(steps * row, dgates);
    NAMED(fetch)(steps * width, kept);
    if (factor && dkernel) {
        for (ptrdiff_t i = 0; i < steps; i++) {
            SIMD
            for (ptrdiff_t j = 0; j < u; j++)
                scratch[i * u + j] = kept[i * width + j] * factor[j];
        }
        before = scratch;
        lead = u;
    }
    if (inner) inner += first * u;
    if (dinput) NAMED(add_steps)(call, steps, n, row, x, n, dgates, row, dinput, row);
    if (dkernel)
        NAMED(add_steps)(call, steps, u, columns, before, lead, dgates, row, dkernel,
                         row);
    if (dkernel && cell == GRU)
        NAMED(add_steps)(call, steps, u, u, before, lead, inner, u, dkernel + 2 * u,
                         row);
    if (dkernel && cell == GRU_RESET_BEFORE)
        NAMED(add_steps)(call, steps, u, u, kept + u, width, dgates + 2 * u, row,
                         dkernel + 2 * u, row);
    if (!dbias) return;
    NAMED(reduce)(steps, row, dgates, row, dbias, 0, 1);
    if (cell != GRU) return;
    NAMED(reduce)(steps, 2 * u, dgates, row, dbias + row, 0, 1);
    NAMED(reduce)(steps, u, inner, u, dbias + row + 2 * u, 0, 1);
}

void NAMED(op_recurrent_weights)(const call_t *call) {
    samples_t samples = samples_by(call, 0);
    const REAL *dropped = (const REAL *)call->input[3];
    ptrdiff_t u = (ptrdiff_t)params_of(call)[1];
    begin_sum(call, 0, sizeof(REAL));
    begin_sum(call, 1, sizeof(REAL));
    begin_sum(call, 2, sizeof(REAL));
    for (ptrdiff_t i = 0; i < (dropped ? samples.count : 1); i++) {
        ptrdiff_t first = dropped ? begin_of(&samples, i) : 0;
        ptrdiff_t end = begin_of(&samples, dropped ? i + 1 : samples.count);
        for (; first < end; first += STEPS_AT_A_TIME)
            NAMED(add_weights)(call, first,
                               end - first < STEPS_AT_A_TIME ? end - first
                                                             : STEPS_AT_A_TIME,
                               dropped ? dropped + i * u : NULL);
    }
}

void NAMED(op_scale_steps)(const call_t *call) {
    samples_t samples = samples_by(call, 0);
    const REAL *x = (const REAL *)call->input[0];
    const REAL *factor = (const REAL *)call->input[1];
    REAL *y = (REAL *)call->output[0];
    ptrdiff_t n = (ptrdiff_t)call->op->lead[0];
    for (ptrdiff_t i = 0; i < samples.count; i++, factor += n)
        for (ptrdiff_t t = begin_of(&samples, i); t < begin_of(&samples, i + 1); t++) {
            SIMD
            for (ptrdiff_t j = 0; j < n; j++) y[t * n + j] = x[t * n + j] * factor[j];
        }
}

#endif
