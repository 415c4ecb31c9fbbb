"""The optimizer step: one walk over a range of the flat parameter buffer."""

from cython cimport floating

from fastnn._core.plan cimport block_t

cdef extern from "elementwise.h":
    enum:
        N_SCALARS
        MAX_SLOTS
        COUPLED_DECAY
        DECOUPLED_DECAY
        CLIP_VALUE

cdef extern from "update.h":
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
    void add_into_loop_f32(Py_ssize_t, const float *, float *) noexcept nogil
    void add_into_loop_f64(Py_ssize_t, const double *, double *) noexcept nogil
    void clip_loop_f32(
        Py_ssize_t, const float *, float, float, float *) noexcept nogil
    void clip_loop_f64(
        Py_ssize_t, const double *, double, double, double *) noexcept nogil
    double norm_loop_f32(Py_ssize_t, const float *, float, const float *) noexcept nogil
    double norm_loop_f64(
        Py_ssize_t, const double *, double, const double *) noexcept nogil

# So many numbers of every buffer stay in the first-level cache while the gradients of
# the threads are added up and the step is taken.
cdef enum:
    PIECE = 1024


cdef void reduce_gradients(
    Py_ssize_t first, Py_ssize_t last, floating **gradients, int n_gradients,
) noexcept nogil:
    """Adds the gradients of the other threads to the first one's, in their order."""
    cdef int i
    for i in range(1, n_gradients):
        if floating is float:
            add_into_loop_f32(last - first, gradients[i] + first, gradients[0] + first)
        else:
            add_into_loop_f64(last - first, gradients[i] + first, gradients[0] + first)


cdef double squared_norm(
    const block_t *blocks, Py_ssize_t n_blocks, Py_ssize_t first, Py_ssize_t last,
    const floating *parameters, const floating *gradients,
) noexcept nogil:
    """The sum of the squared gradients, penalty included, of a range of parameters."""
    cdef Py_ssize_t i, at, count
    cdef double total = 0
    for i in range(n_blocks):
        at = max(first, blocks[i].offset)
        count = min(last, blocks[i].offset + blocks[i].size) - at
        if count <= 0 or not blocks[i].trainable:
            continue
        if floating is float:
            total += norm_loop_f32(
                count, parameters + at, <float> blocks[i].penalty, gradients + at)
        else:
            total += norm_loop_f64(
                count, parameters + at, blocks[i].penalty, gradients + at)
    return total


cdef double update(
    const block_t *blocks, Py_ssize_t n_blocks, Py_ssize_t first, Py_ssize_t last,
    floating *parameters, floating **gradients, int n_gradients,
    int rule, floating *state, Py_ssize_t n_parameters, int n_slots,
    const double *scalars, double scale,
) noexcept nogil:
    """Adds up gradients and changes the parameters numbered first to last - 1.

    Returns the penalty, half the sum of alpha w^2, of these parameters before the step.
    """
    cdef Py_ssize_t i, at, end, stop
    cdef int j
    cdef floating h[N_SCALARS]
    cdef floating *slots[MAX_SLOTS]
    cdef floating rate
    cdef double total = 0, slope, decay, shrink
    for j in range(N_SCALARS):
        h[j] = <floating> scalars[j]
    for i in range(n_blocks):
        at = max(first, blocks[i].offset)
        end = min(last, blocks[i].offset + blocks[i].size)
        if blocks[i].running > 0 and at < end:
            move_running(
                at, end, blocks[i].running, parameters, gradients, n_gradients)
        if not blocks[i].trainable:
            continue
        rate = <floating> (scalars[0] * blocks[i].learning_rate)
        # Decay is added to the gradient as it is after scaling and clipping.
        decay = scalars[COUPLED_DECAY] * blocks[i].weight_decay / scale
        shrink = (scalars[DECOUPLED_DECAY] * blocks[i].learning_rate
                  * blocks[i].weight_decay)
        while at < end:
            stop = min(at + PIECE, end)
            reduce_gradients(at, stop, gradients, n_gradients)
            for j in range(n_slots):
                slots[j] = state + j * n_parameters + at
            slope = blocks[i].penalty
            if slope != 0:
                total += 0.5 * slope * sum_of_squares(stop - at, parameters + at)
            if scalars[CLIP_VALUE] > 0:
                clip(stop - at, parameters + at, slope, scalars[CLIP_VALUE] / scale,
                     gradients[0] + at)
                slope = 0
            if floating is float:
                step_loops_f32[rule](
                    stop - at, parameters + at, gradients[0] + at, slots, h, rate,
                    <float> scale, <float> (slope + decay), <float> shrink)
            else:
                step_loops_f64[rule](
                    stop - at, parameters + at, gradients[0] + at, slots, h, rate,
                    scale, slope + decay, shrink)
            at = stop
    return total


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


cdef inline double sum_of_squares(Py_ssize_t n, const floating *x) noexcept nogil:
    if floating is float:
        return sum_of_squares_loop_f32(n, x)
    else:
        return sum_of_squares_loop_f64(n, x)


cdef inline void clip(
    Py_ssize_t n, const floating *weights, double penalty, double bound,
    floating *gradients,
) noexcept nogil:
    """Makes gradients, penalty included, be within the bounds."""
    if floating is float:
        clip_loop_f32(n, weights, <float> penalty, <float> bound, gradients)
    else:
        clip_loop_f64(n, weights, penalty, bound, gradients)


cdef double penalty(
    const block_t *blocks, Py_ssize_t n_blocks, const floating *parameters,
) noexcept nogil:
    """Half the sum of alpha w^2 over all parameters."""
    cdef Py_ssize_t i
    cdef double total = 0
    for i in range(n_blocks):
        if blocks[i].penalty != 0 and blocks[i].trainable:
            total += 0.5 * blocks[i].penalty * sum_of_squares(
                blocks[i].size, parameters + blocks[i].offset)
    return total
