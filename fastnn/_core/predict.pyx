"""The outputs of a network for the rows of a table, without the GIL."""

import numpy as np

from cython cimport floating
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from fastnn._core.executor cimport Walk, execute
from fastnn._core.gather cimport SparseRows, Table
from fastnn._core.plan cimport PHASE_PREDICT, op_t, tensor_t
from fastnn._core.tables import OP_DTYPE, TENSOR_DTYPE

# Rows that go through the network together: enough for the products to run at speed,
# few enough for their activations to stay in the cache.
cdef enum:
    ROWS_AT_ONCE = 512


def predict(
    ops, tensors, Py_ssize_t activation_size, Py_ssize_t output, Py_ssize_t n_outputs,
    parameters, X,
):
    """The network's outputs for every row of X, as an array of shape (n, n_outputs).

    All room that is needed belongs to this call, so that any number of threads may
    predict with one model.
    """
    if ops.dtype != OP_DTYPE or tensors.dtype != TENSOR_DTYPE:
        raise TypeError(f"not the records of a plan: {ops.dtype}, {tensors.dtype}")
    cdef Table table = Table(X)
    result = np.empty((table.n_rows, n_outputs), parameters.dtype)
    cdef const op_t *op = <const op_t *> <size_t> ops.ctypes.data
    cdef const tensor_t *tensor = <const tensor_t *> <size_t> tensors.ctypes.data
    cdef void *weights = <void *> <size_t> parameters.ctypes.data
    cdef void *to = <void *> <size_t> result.ctypes.data
    cdef Py_ssize_t n_ops = len(ops)
    cdef bint double_precision = parameters.dtype == np.float64
    cdef Py_ssize_t capacity = min(table.n_rows, <Py_ssize_t> ROWS_AT_ONCE)
    cdef Py_ssize_t stored = table.most_stored(capacity) if table.sparse else 0
    cdef size_t itemsize = parameters.dtype.itemsize
    cdef size_t input_size = stored if table.sparse else capacity * table.n_columns
    cdef char *room = NULL
    cdef size_t index_bytes = (stored + 2 * capacity + 1) * sizeof(Py_ssize_t)
    cdef size_t input_bytes = (input_size * itemsize + 63) // 64 * 64
    cdef size_t activation_bytes = capacity * activation_size * itemsize
    cdef bint ok
    if table.n_rows == 0:
        return result
    with nogil:
        room = <char *> malloc(
            (index_bytes + 63) // 64 * 64 + input_bytes + activation_bytes + 64)
        ok = room != NULL
        if ok:
            if double_precision:
                outputs(op, n_ops, tensor, output, n_outputs, table, capacity, stored,
                        room, index_bytes, input_bytes, <double *> weights,
                        <double *> to)
            else:
                outputs(op, n_ops, tensor, output, n_outputs, table, capacity, stored,
                        room, index_bytes, input_bytes, <float *> weights, <float *> to)
            free(room)
    if not ok:
        raise MemoryError("no memory for the activations of a batch")
    return result


cdef void outputs(
    const op_t *ops, Py_ssize_t n_ops, const tensor_t *tensors,
    Py_ssize_t output, Py_ssize_t n_outputs,
    Table table, Py_ssize_t capacity, Py_ssize_t stored,
    char *room, size_t index_bytes, size_t input_bytes,
    floating *parameters, floating *to,
) noexcept nogil:
    cdef Walk walk
    cdef SparseRows sparse
    cdef Py_ssize_t first = 0, place = tensors[output].predict_offset * capacity, i
    cdef Py_ssize_t *rows
    cdef floating *values
    memset(&walk, 0, sizeof(walk))
    walk.phase = PHASE_PREDICT
    walk.capacity = capacity
    # The room, in this order: row numbers and sparse structure, input, activations.
    rows = <Py_ssize_t *> room
    sparse.start = rows + capacity
    sparse.column = sparse.start + capacity + 1
    room += (index_bytes + 63) // 64 * 64
    room += (64 - <size_t> room % 64) % 64
    values = <floating *> room
    walk.activations = room + input_bytes
    while first < table.n_rows:
        walk.count = min(capacity, table.n_rows - first)
        walk.input = table.in_place(first, sizeof(floating))
        if walk.input == NULL:
            for i in range(walk.count):
                rows[i] = first + i
            if table.sparse:
                table.gather_sparse(rows, walk.count, &sparse, values)
                walk.sparse_input = sparse
            else:
                table.gather(rows, walk.count, values)
                walk.input = values
        execute(ops, n_ops, tensors, &walk, parameters, <floating *> NULL)
        memcpy(to + first * n_outputs, <floating *> walk.activations + place,
               walk.count * n_outputs * sizeof(floating))
        first += walk.count
