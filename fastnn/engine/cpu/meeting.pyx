"""What is done once for all shares of a step, where all of them have come to an op.

It is the statistics of a batch, and losses and augmentations that are functions of
Python's. One thread does it, in the order of the shares: the same number of them gives
the same bits.
"""

cimport numpy as cnp

import numpy as np

from cython cimport floating
from libc.stdint cimport int64_t
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
    z = gathered(op.input[0], width, tensors, walks, n_walks, parameters)
    y = gathered(op.input[1], op.lead[0], tensors, walks, n_walks, parameters)
    weight = weights(op.loss, walks, n_walks, parameters)
    total, gradient = weighed(checked(function(y, z), z.shape), weight * op.scalar[0])
    walks[0].loss += total
    walks[0].reported[op.loss] += total
    if op.output[0] < 0:
        return
    share_out(gradient, op.output[0], width, tensors, walks, n_walks, parameters)


cdef share_out(
    rows, int32_t number, Py_ssize_t width, const tensor_t *tensors,
    Walk **walks, int n_walks, floating *parameters,
):
    """Writes rows of the whole batch to a tensor of each walk."""
    cdef const floating *from_row = <floating *> cnp.PyArray_DATA(
        <cnp.ndarray> rows)
    cdef int i
    for i in range(n_walks):
        memcpy(locate(tensors, number, walks[i], parameters), from_row,
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


# --------------------------------------------------------------- custom augmentations

cdef custom_augment(
    function, const op_t *op, const tensor_t *tensors, Walk **walks, int n_walks,
    floating *parameters,
):
    """Has the walks go on with what a function makes of a copy of the whole batch."""
    cdef const int64_t *params = walks[0].params + op.params
    shape = tuple([params[2 + i] for i in range(params[1])])
    x = gathered(op.input[0], op.dim[3], tensors, walks, n_walks, parameters)
    x.setflags(write=True)
    y = augmented(function, x.reshape((len(x), *shape)), walks[0].mask_seed,
                  walks[0].mask_step, params[0])
    share_out(y, op.output[0], op.dim[3], tensors, walks, n_walks, parameters)


def augmented(function, x, seed, step, number):
    """What a function of the user's makes of a mini-batch, checked.

    Parameters
    ----------
    function : callable
    x : ndarray of shape (n, ...)
    seed, step, number : int
        What its random numbers are a function of: of the epoch, of the step in it, and
        of the op.

    Returns
    -------
    y : ndarray
        C-contiguous, of the shape and the dtype of x.

    Raises
    ------
    ValueError
        If it returned something else, or numbers that are not finite.
    """
    key = np.array([seed, int(step) << 16 | int(number)], np.uint64)
    dtype, shape = x.dtype, x.shape
    y = function(x, np.random.Generator(np.random.Philox(key=key)))
    what = "what the function of an Augment layer returns must be an array"
    if not isinstance(y, np.ndarray):
        raise ValueError(
            f"{what} of shape {shape} and {dtype}, got {type(y).__name__}.")
    if y.shape != shape or y.dtype != dtype:
        raise ValueError(
            f"{what} of the shape and dtype that it was given, {shape} and {dtype}, "
            f"got {y.shape} and {y.dtype}.")
    if not np.isfinite(y).all():
        raise ValueError(
            f"{what} of finite numbers, got NaN or infinity in "
            f"{np.count_nonzero(~np.isfinite(y))} of {y.size}.")
    return np.ascontiguousarray(y)
