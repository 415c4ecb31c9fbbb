"""The optimizer step: one walk over a range of the flat parameter buffer."""

from cython cimport floating
from libc.string cimport memcpy

from fastnn.plan.structs cimport block_t

cdef extern from "tables/elementwise.h":
    enum:
        N_SCALARS
        MAX_SLOTS
        AVERAGE_RATE

cdef extern from "update/update.h":
    ctypedef void (*step_loop_f32)(
        Py_ssize_t, float *, const float *, float **, const float *, float, float,
        float, float) noexcept nogil
    ctypedef void (*step_loop_f64)(
        Py_ssize_t, double *, const double *, double **, const double *, double, double,
        double, double) noexcept nogil
    const step_loop_f32 *step_loops_f32
    const step_loop_f64 *step_loops_f64
    double sum_of_squares_loop_f32(Py_ssize_t, const float *) noexcept nogil
    double sum_of_squares_loop_f64(Py_ssize_t, const double *) noexcept nogil
    double sum_of_magnitudes_loop_f32(Py_ssize_t, const float *) noexcept nogil
    double sum_of_magnitudes_loop_f64(Py_ssize_t, const double *) noexcept nogil
    void add_into_loop_f32(Py_ssize_t, const float *, float *) noexcept nogil
    void add_into_loop_f64(Py_ssize_t, const double *, double *) noexcept nogil
    void lasso_loop_f32(
        Py_ssize_t, const float *, float, const float *, float *) noexcept nogil
    void lasso_loop_f64(
        Py_ssize_t, const double *, double, const double *, double *) noexcept nogil
    void clip_loop_f32(
        Py_ssize_t, const float *, float, float, const float *, float *) noexcept nogil
    void clip_loop_f64(
        Py_ssize_t, const double *, double, double, const double *, double *,
    ) noexcept nogil
    double norm_loop_f32(Py_ssize_t, const float *, float, const float *) noexcept nogil
    double norm_loop_f64(
        Py_ssize_t, const double *, double, const double *) noexcept nogil
    void average_loop_f32(Py_ssize_t, const float *, float, float *) noexcept nogil
    void average_loop_f64(Py_ssize_t, const double *, double, double *) noexcept nogil


cdef void reduce_gradients(
    Py_ssize_t first, Py_ssize_t last, floating **gradients, int n_gradients,
) noexcept nogil:
    """Adds the gradients of the other threads to the first one's, in their order."""
    cdef int i
    for i in range(1, n_gradients):
        add_into(last - first, gradients[i] + first, gradients[0] + first)


cdef double squared_norm(
    const block_t *blocks, Py_ssize_t n_blocks, Py_ssize_t first, Py_ssize_t last,
    const floating *parameters, const floating *gradients, double weight_sum,
) noexcept nogil:
    """The sum of the squared gradients, penalty included, of a range of parameters."""
    cdef Py_ssize_t i, at, end, stop
    cdef floating piece[PIECE]
    cdef double total = 0, slope, l1
    for i in range(n_blocks):
        if not blocks[i].trainable:
            continue
        at = max(first, blocks[i].offset)
        end = min(last, blocks[i].offset + blocks[i].size)
        slope = slope_of_squares(blocks + i, weight_sum)
        l1 = blocks[i].l1 * weight_sum
        while at < end:
            stop = end if l1 == 0 else min(at + PIECE, end)
            total += norm_of_piece(
                stop - at, parameters + at, gradients + at, piece, slope, l1)
            at = stop
    return total


cdef double norm_of_piece(
    Py_ssize_t n, const floating *parameters, const floating *gradient,
    floating *piece, double slope, double l1,
) noexcept nogil:
    """The same of numbers side by side: of PIECE at most where there is an l1."""
    if l1 != 0:
        add_lasso(n, parameters, l1, gradient, piece)
        gradient = piece
    if floating is float:
        return norm_loop_f32(n, parameters, <float> slope, gradient)
    else:
        return norm_loop_f64(n, parameters, slope, gradient)


cdef double update(
    const block_t *blocks, Py_ssize_t n_blocks, Py_ssize_t first, Py_ssize_t last,
    floating *parameters, floating **gradients, int n_gradients,
    int rule, floating *state, Py_ssize_t n_parameters, int n_slots,
    const double *scalars, double scale, double weight_sum, floating *average,
) noexcept nogil:
    """Adds up gradients and changes the parameters numbered first to last - 1.

    What they are then goes into their average, unless that is NULL. Returns the penalty
    of these parameters before the step, as it is part of a sum of losses.
    """
    cdef Py_ssize_t i, at, end, stop
    cdef int j
    cdef floating h[N_SCALARS]
    cdef floating piece[PIECE]
    cdef block_scalars_t own
    cdef double total = 0
    for j in range(N_SCALARS):
        h[j] = <floating> scalars[j]
    for i in range(n_blocks):
        at = max(first, blocks[i].offset)
        end = min(last, blocks[i].offset + blocks[i].size)
        if not blocks[i].trainable:
            if blocks[i].running > 0 and at < end:
                move_running(
                    at, end, blocks[i].running, parameters, gradients, n_gradients)
            if average != NULL and at < end:
                update_average(at, end, parameters, scalars, average)
            continue
        own = block_scalars(blocks + i, scalars, scale, weight_sum)
        while at < end:
            stop = min(at + PIECE, end)
            reduce_gradients(at, stop, gradients, n_gradients)
            total += step_of_piece(
                stop - at, at, parameters, gradients[0] + at, piece, &own, rule, state,
                n_parameters, n_slots, h, scale)
            if average != NULL:
                update_average(at, stop, parameters, scalars, average)
            at = stop
    return total


cdef double step_of_piece(
    Py_ssize_t n, Py_ssize_t at, floating *parameters, const floating *gradient,
    floating *piece, const block_scalars_t *own, int rule, floating *state,
    Py_ssize_t n_parameters, int n_slots, const floating *h, double scale,
) noexcept nogil:
    """The step of n parameters of a block, from one on; their penalty before it.

    n is at most PIECE, for which piece has room; it may be where the gradient is.
    """
    cdef floating *slots[MAX_SLOTS]
    cdef double slope = own.slope
    cdef double total = penalty_of_range(n, parameters + at, own.slope, own.l1)
    cdef int j
    for j in range(n_slots):
        slots[j] = state + j * n_parameters + at
    if own.l1 != 0:
        add_lasso(n, parameters + at, own.l1, gradient, piece)
        gradient = piece
    if own.bound > 0:
        clip(n, parameters + at, slope, own.bound, gradient, piece)
        gradient, slope = piece, 0
    if floating is float:
        step_loops_f32[rule](
            n, parameters + at, gradient, slots, h, <float> own.rate,
            <float> scale, <float> (slope + own.decay), <float> own.shrink)
    else:
        step_loops_f64[rule](
            n, parameters + at, gradient, slots, h, own.rate, scale,
            slope + own.decay, own.shrink)
    return total


cdef void add_into(Py_ssize_t n, const floating *x, floating *y) noexcept nogil:
    if floating is float:
        add_into_loop_f32(n, x, y)
    else:
        add_into_loop_f64(n, x, y)


cdef void move_running(
    Py_ssize_t first, Py_ssize_t last, double weight, floating *parameters,
    floating **gradients, int n_gradients,
) noexcept nogil:
    """Running statistics make room for those of the batch, of this weight together."""
    cdef Py_ssize_t i
    cdef floating keep = <floating> (1 - weight)
    reduce_gradients(first, last, gradients, n_gradients)
    for i in range(first, last):
        parameters[i] = keep * parameters[i] + gradients[0][i]


cdef inline void add_lasso(
    Py_ssize_t n, const floating *weights, double l1, const floating *gradients,
    floating *result,
) noexcept nogil:
    """Gradients with that of the terms of abs(w)."""
    if floating is float:
        lasso_loop_f32(n, weights, <float> l1, gradients, result)
    else:
        lasso_loop_f64(n, weights, l1, gradients, result)


cdef inline void clip(
    Py_ssize_t n, const floating *weights, double slope, double bound,
    const floating *gradients, floating *result,
) noexcept nogil:
    """Gradients with that of the terms of w^2, cut off at the bound."""
    if floating is float:
        clip_loop_f32(
            n, weights, <float> slope, <float> bound, gradients, result)
    else:
        clip_loop_f64(n, weights, slope, bound, gradients, result)


cdef inline double penalty_of_range(
    Py_ssize_t n, const floating *weights, double slope, double l1) noexcept nogil:
    cdef double total = 0
    if slope != 0:
        if floating is float:
            total += 0.5 * slope * sum_of_squares_loop_f32(n, weights)
        else:
            total += 0.5 * slope * sum_of_squares_loop_f64(n, weights)
    if l1 != 0:
        if floating is float:
            total += l1 * sum_of_magnitudes_loop_f32(n, weights)
        else:
            total += l1 * sum_of_magnitudes_loop_f64(n, weights)
    return total


cdef void update_average(
    Py_ssize_t first, Py_ssize_t last, const floating *parameters,
    const double *scalars, floating *average,
) noexcept nogil:
    """Lets the parameters numbered first to last - 1 into their average."""
    cdef double rate = scalars[AVERAGE_RATE]
    # It starts as they are, to the last bit, whatever was there before.
    if rate == 1:
        memcpy(average + first, parameters + first, (last - first) * sizeof(floating))
    elif floating is float:
        average_loop_f32(
            last - first, parameters + first, <float> rate, average + first)
    else:
        average_loop_f64(last - first, parameters + first, rate, average + first)


cdef double penalty(
    const block_t *blocks, Py_ssize_t n_blocks, const floating *parameters,
    double weight_sum,
) noexcept nogil:
    """The penalty of all parameters, as it is part of a sum of losses."""
    cdef Py_ssize_t i
    cdef double total = 0
    for i in range(n_blocks):
        if blocks[i].trainable:
            total += penalty_of_range(
                blocks[i].size, parameters + blocks[i].offset,
                slope_of_squares(blocks + i, weight_sum), blocks[i].l1 * weight_sum)
    return total
