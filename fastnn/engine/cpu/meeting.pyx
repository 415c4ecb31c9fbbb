"""What is done once for all shares of a step, where all of them have come to an op.

It is the statistics of a batch, and losses that are functions of Python's. One thread
does it, in the order of the shares: the same number of them gives the same bits.
"""

cimport numpy as cnp

import numpy as np

from cython cimport floating
from libc.string cimport memcpy, memset

from fastnn.engine.cpu.batch_norm cimport (
    batch_correction,
    batch_table,
    join_moments,
    move_running,
)
from fastnn.engine.cpu.executor cimport Walk, locate
from fastnn.plan.structs cimport OP_BATCH_STATISTICS, int32_t, op_t, tensor_t

cnp.import_array()


cdef Py_ssize_t next_meeting(
    const op_t *ops, Py_ssize_t first, Py_ssize_t n_ops, int phase) noexcept nogil:
    """The number of the next op that shares meet at; n_ops if there is none."""
    while first < n_ops and not (ops[first].meets and ops[first].phase & phase):
        first += 1
    return first


cdef void meet(
    const op_t *op, const tensor_t *tensors, Walk **walks, int n_walks,
    floating *parameters,
) noexcept nogil:
    """Runs an op that shares meet at, custom losses apart; all walks have rows."""
    if op.kind == OP_BATCH_STATISTICS:
        join_statistics(op, tensors, walks, n_walks, parameters)
    else:
        join_sums(op, tensors, walks, n_walks, parameters)


cdef void join_statistics(
    const op_t *op, const tensor_t *tensors, Walk **walks, int n_walks,
    floating *parameters,
) noexcept nogil:
    """The table of the batch, for all shares; its moments for running statistics."""
    cdef Walk *walk = walks[0]
    cdef Py_ssize_t n = op.dim[3], rows = op.dim[2] * walk.count, own
    cdef floating *moments = locate(tensors, op.input[0], walk, parameters)
    cdef floating *variance = locate(tensors, op.input[1], walk, parameters)
    cdef int i, j
    for i in range(1, n_walks):
        own = op.dim[2] * walks[i].count
        join_moments(
            n, rows, moments, own, locate(tensors, op.input[0], walks[i], parameters))
        rows += own
    batch_table(
        n, moments, rows, op.scalar[0],
        locate(tensors, op.input[2], walk, parameters),
        locate(tensors, op.input[3], walk, parameters),
        locate(tensors, op.output[0], walk, parameters))
    spread(op.output[0], tensors, walks, n_walks, parameters)
    # One share's gradients are those of the batch; the others add nothing to them.
    move_running(
        n, moments, rows, variance, op.scalar[1], op.accumulate,
        locate(tensors, op.output[1], walk, parameters),
        locate(tensors, op.output[2], walk, parameters))
    for i in range(1, n_walks):
        for j in range(1, 3):
            memset(locate(tensors, op.output[j], walks[i], parameters), 0,
                   n * sizeof(floating))


cdef void join_sums(
    const op_t *op, const tensor_t *tensors, Walk **walks, int n_walks,
    floating *parameters,
) noexcept nogil:
    """What the adjoint of batch normalisation takes off, for all shares."""
    cdef Py_ssize_t n = op.dim[3], rows = 0, k
    cdef floating *total = locate(tensors, op.output[0], walks[0], parameters)
    cdef floating *own
    cdef int i, j
    memset(total, 0, 2 * n * sizeof(floating))
    for i in range(n_walks):
        rows += op.dim[2] * walks[i].count
        for j in range(2):
            own = locate(tensors, op.input[j], walks[i], parameters)
            for k in range(n):
                total[j * n + k] += own[k]
    batch_correction(
        n, rows, locate(tensors, op.input[2], walks[0], parameters), total)
    spread(op.output[0], tensors, walks, n_walks, parameters)


cdef void spread(
    int32_t number, const tensor_t *tensors, Walk **walks, int n_walks,
    floating *parameters,
) noexcept nogil:
    """Gives all shares what the first one has."""
    cdef const floating *first = locate(tensors, number, walks[0], parameters)
    cdef int i
    for i in range(1, n_walks):
        memcpy(locate(tensors, number, walks[i], parameters), first,
               tensors[number].size * sizeof(floating))


# --------------------------------------------------------------------- custom losses

cdef custom_loss(
    function, const op_t *op, const tensor_t *tensors, Walk **walks, int n_walks,
    floating *parameters,
):
    """Adds a function's loss of the whole batch to the first walk's, with its gradient.

    The function gets copies: it may keep them.
    """
    cdef Py_ssize_t width = op.dim[3]
    cdef int i
    z = gathered(op.input[0], width, tensors, walks, n_walks, parameters)
    y = gathered(op.input[1], op.lead[0], tensors, walks, n_walks, parameters)
    weight = weights(walks, n_walks, parameters)
    loss, gradient = checked(function(y, z), z.shape)
    # What is not finite, or too large for float32, is training's to tell.
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.dot(weight.astype(np.float64), loss)
        gradient = np.ascontiguousarray(weight[:, np.newaxis] * gradient, z.dtype)
    walks[0].loss += total
    walks[0].reported += total
    if op.output[0] < 0:
        return
    cdef const floating *from_row = <floating *> cnp.PyArray_DATA(
        <cnp.ndarray> gradient)
    for i in range(n_walks):
        memcpy(locate(tensors, op.output[0], walks[i], parameters), from_row,
               walks[i].count * width * sizeof(floating))
        from_row += walks[i].count * width


cdef gathered(
    int32_t number, Py_ssize_t width, const tensor_t *tensors, Walk **walks,
    int n_walks, floating *parameters,
):
    """A copy, not to be written to, of all rows of a tensor."""
    cdef cnp.ndarray rows = np.empty(
        (n_rows(walks, n_walks), width), dtype_of(parameters))
    cdef floating *to = <floating *> cnp.PyArray_DATA(rows)
    cdef int i
    for i in range(n_walks):
        memcpy(to, locate(tensors, number, walks[i], parameters),
               walks[i].count * width * sizeof(floating))
        to += walks[i].count * width
    rows.setflags(write=False)
    return rows


cdef weights(Walk **walks, int n_walks, floating *parameters):
    """The weights of all samples."""
    cdef cnp.ndarray weight = np.ones(n_rows(walks, n_walks), dtype_of(parameters))
    cdef floating *to = <floating *> cnp.PyArray_DATA(weight)
    cdef int i
    for i in range(n_walks):
        if walks[i].weight != NULL:
            memcpy(to, walks[i].weight, walks[i].count * sizeof(floating))
        to += walks[i].count
    return weight


cdef Py_ssize_t n_rows(Walk **walks, int n_walks):
    cdef Py_ssize_t n = 0
    cdef int i
    for i in range(n_walks):
        n += walks[i].count
    return n


cdef dtype_of(floating *parameters):
    """What is computed in."""
    return np.float32 if floating is float else np.float64


def checked(result, shape):
    """What the function of a custom loss returned, as arrays of the right shapes."""
    if not isinstance(result, tuple) or len(result) != 2:
        raise ValueError(
            "the function of a CustomLoss must return two arrays, (loss, gradient), "
            f"got {type(result).__name__}"
            f"{f' of length {len(result)}' if isinstance(result, tuple) else ''}.")
    loss, gradient = map(np.asarray, result)
    for name, array, expected, what in (
        ("loss", loss, shape[:1], "one number for each sample, neither summed nor "
         "averaged"),
        ("gradient", gradient, shape, "the derivative of each sample's loss with "
         "respect to its outputs"),
    ):
        if array.shape != expected or array.dtype.kind not in "fiub":
            raise ValueError(
                f"the {name} that the function of a CustomLoss returns must be real "
                f"and of shape {expected}, {what}; got {array.dtype} of shape "
                f"{array.shape}.")
    return loss, gradient
