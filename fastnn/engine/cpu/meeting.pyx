"""What is done once for all shares of a step, where all of them have come to an op.

It is the statistics of a batch, and losses that are functions of Python's. One thread
does it, in the order of the shares: the same number of them gives the same bits.
"""

cimport numpy as cnp

import numpy as np

from cython cimport floating
from libc.string cimport memcpy

from fastnn.engine.cpu.executor cimport (
    Meeting,
    Walk,
    locate,
    meeting_function,
    meeting_functions_f32,
    meeting_functions_f64,
    weights_of,
)
from fastnn.plan.structs cimport WHOLE_BATCH, int32_t, op_flags, op_t, tensor_t

cnp.import_array()


cdef Py_ssize_t next_meeting(
    const op_t *ops, Py_ssize_t first, Py_ssize_t n_ops, int phase) noexcept nogil:
    """The number of the next op that shares meet at; n_ops if there is none."""
    while first < n_ops:
        if ops[first].phase & phase and op_flags[ops[first].kind] & WHOLE_BATCH:
            return first
        first += 1
    return n_ops


cdef bint meet(
    const op_t *op, const tensor_t *tensors, Walk **walks, int n_walks,
    floating *parameters,
) noexcept nogil:
    """Runs an op that shares meet at, if it is no function of Python's.

    All walks have rows.
    """
    cdef meeting_function function
    cdef Meeting meeting
    if floating is float:
        function = meeting_functions_f32[op.kind]
    else:
        function = meeting_functions_f64[op.kind]
    if function == NULL:
        return False
    meeting.op, meeting.tensors = op, tensors
    meeting.walks, meeting.n_walks = walks, n_walks
    meeting.parameters = parameters
    function(&meeting)
    return True


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
    weight = weights(op.loss, walks, n_walks, parameters)
    total, gradient = weighed(checked(function(y, z), z.shape), weight * op.scalar[0])
    walks[0].loss += total
    walks[0].reported[op.loss] += total
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
    cdef const floating *start
    cdef Py_ssize_t row, lead = tensors[number].lead
    cdef int i
    for i in range(n_walks):
        start = locate(tensors, number, walks[i], parameters)
        if lead == 0:
            memcpy(to, start, walks[i].count * width * sizeof(floating))
            to += walks[i].count * width
            continue
        for row in range(walks[i].count):
            memcpy(to, start + row * lead, width * sizeof(floating))
            to += width
    rows.setflags(write=False)
    return rows


cdef weights(int32_t loss, Walk **walks, int n_walks, floating *parameters):
    """The weights of all samples for a loss."""
    cdef cnp.ndarray weight = np.ones(n_rows(walks, n_walks), dtype_of(parameters))
    cdef floating *to = <floating *> cnp.PyArray_DATA(weight)
    cdef int i
    for i in range(n_walks):
        if walks[i].weight != NULL:
            memcpy(to, weights_of(walks[i], loss, sizeof(floating)),
                   walks[i].count * sizeof(floating))
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


def weighed(result, weight):
    """What the function of a custom loss returned, times the weights of the samples.

    Parameters
    ----------
    result : tuple of ndarray
        Loss and gradient: see :func:`checked`.
    weight : ndarray of shape (n,)
        A sample of the weight 0 counts for nothing, whatever is said of it.

    Returns
    -------
    total : float
    gradient : ndarray
        Of the dtype of the weights.
    """
    loss, gradient = result
    # What is not finite, or too large for float32, is training's to tell.
    with np.errstate(over="ignore", invalid="ignore"):
        if not weight.all():
            loss = np.where(weight, loss, 0)
            gradient = np.where(weight[:, np.newaxis], gradient, 0)
        total = np.dot(weight.astype(np.float64), loss)
        gradient = weight[:, np.newaxis] * gradient
        return total, np.ascontiguousarray(gradient, weight.dtype)


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
