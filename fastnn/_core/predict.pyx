"""Forward passes over the rows of a table, without the GIL.

All room that is needed belongs to a call, so that any number of threads may predict
with one model.
"""

import numpy as np

from cython cimport floating
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from fastnn._core.executor cimport Walk, execute
from fastnn._core.gather cimport SparseRows, Table
from fastnn._core.plan cimport PHASE_EVALUATE, PHASE_PREDICT, op_t, tensor_t
from fastnn._core.tables import OP_DTYPE, TENSOR_DTYPE

# Rows that go through the network together: enough for the products to run at speed,
# few enough for their activations to stay in the cache.
cdef enum:
    ROWS_AT_ONCE = 512


def predict(
    ops, tensors, Py_ssize_t activation_size, Py_ssize_t output, Py_ssize_t n_outputs,
    parameters, X,
):
    """The network's outputs for every row of X, as an array of shape (n, n_outputs)."""
    result = np.empty((X.shape[0], n_outputs), parameters.dtype)
    forward(ops, tensors, activation_size, parameters, X, output, result, None, None)
    return result


def evaluate(
    ops, tensors, Py_ssize_t activation_size, parameters, X, y, sample_weight,
):
    """Sums over all rows: loss, reported loss and weights."""
    return forward(
        ops, tensors, activation_size, parameters, X, 0, None, y, sample_weight)


def judge(
    ops, tensors, Py_ssize_t activation_size, Py_ssize_t output, Py_ssize_t n_outputs,
    parameters, X, y, sample_weight,
):
    """What predict and evaluate return, from one pass."""
    result = np.empty((X.shape[0], n_outputs), parameters.dtype)
    sums = forward(ops, tensors, activation_size, parameters, X, output, result, y,
                   sample_weight)
    return result, sums


cdef forward(
    ops, tensors, Py_ssize_t activation_size, parameters, X, Py_ssize_t output, result,
    y, sample_weight,
):
    """Fills result, if it is given; sums up the loss against y, if that is given."""
    cdef Forward walker = Forward(ops, tensors, activation_size, X, parameters.dtype)
    cdef const void *weights = address(parameters)
    cdef void *to = address(result)
    cdef const void *target = address(y)
    cdef const void *weight = address(sample_weight)
    cdef Py_ssize_t n_outputs = 0 if result is None else result.shape[1]
    cdef Py_ssize_t target_columns = 0 if y is None else y.shape[1]
    cdef bint double_precision = parameters.dtype == np.float64
    with nogil:
        if double_precision:
            walker.run(<double *> weights, output, n_outputs, <double *> to,
                       target_columns, <const double *> target,
                       <const double *> weight)
        else:
            walker.run(<float *> weights, output, n_outputs, <float *> to,
                       target_columns, <const float *> target,
                       <const float *> weight)
    total = X.shape[0]
    if sample_weight is not None:
        total = sample_weight.sum(dtype=np.float64)
    return walker.walk.loss, walker.walk.reported, float(total)


cdef void *address(array):
    return NULL if array is None else <void *> <size_t> array.ctypes.data


cdef class Forward:
    """One call's walk over a plan, and the room that it takes."""

    cdef object owners
    cdef const op_t *ops
    cdef const tensor_t *tensors
    cdef Py_ssize_t n_ops, capacity
    cdef Table X
    cdef Walk walk
    cdef void *room
    cdef Py_ssize_t *rows
    cdef SparseRows sparse
    cdef void *values

    def __cinit__(self, ops, tensors, Py_ssize_t activation_size, X, dtype):
        if ops.dtype != OP_DTYPE or tensors.dtype != TENSOR_DTYPE:
            raise TypeError(f"not the records of a plan: {ops.dtype}, {tensors.dtype}")
        cdef size_t itemsize = dtype.itemsize
        self.owners = (ops, tensors)
        self.ops = <const op_t *> <size_t> ops.ctypes.data
        self.tensors = <const tensor_t *> <size_t> tensors.ctypes.data
        self.n_ops = len(ops)
        self.X = Table(X)
        self.capacity = min(self.X.n_rows, <Py_ssize_t> ROWS_AT_ONCE)
        cdef size_t stored = (
            self.X.most_stored(self.capacity) if self.X.sparse
            else self.capacity * self.X.n_columns)
        # In this order: row numbers and sparse structure, input, activations.
        cdef size_t index_bytes = aligned((2 * self.capacity + 1) * sizeof(Py_ssize_t))
        if self.X.sparse:
            index_bytes += aligned(stored * sizeof(Py_ssize_t))
        cdef size_t input_bytes = aligned(stored * itemsize)
        self.room = malloc(
            64 + index_bytes + input_bytes + self.capacity * activation_size * itemsize)
        if self.room == NULL:
            raise MemoryError("no memory for the activations of a batch")
        cdef char *start = <char *> aligned(<size_t> self.room)
        memset(&self.walk, 0, sizeof(self.walk))
        self.walk.capacity = self.capacity
        self.rows = <Py_ssize_t *> start
        self.sparse.start = self.rows + self.capacity
        self.sparse.column = self.sparse.start + self.capacity + 1
        self.values = start + index_bytes
        self.walk.activations = start + index_bytes + input_bytes

    def __dealloc__(self):
        free(self.room)

    cdef void run(
        self, floating *parameters,
        Py_ssize_t output, Py_ssize_t n_outputs, floating *to,
        Py_ssize_t target_columns, const floating *target, const floating *weight,
    ) noexcept nogil:
        """Predicts into to, unless it is NULL; evaluates unless target is NULL."""
        cdef Py_ssize_t first = 0
        cdef Py_ssize_t place = self.tensors[output].predict_offset * self.capacity
        if to != NULL:
            self.walk.phase |= PHASE_PREDICT
        if target != NULL:
            self.walk.phase |= PHASE_EVALUATE
        while first < self.X.n_rows:
            self.fetch(first, <floating *> self.values)
            self.walk.target = target + first * target_columns
            self.walk.weight = weight + first if weight != NULL else NULL
            execute(self.ops, self.n_ops, self.tensors, &self.walk, parameters,
                    <floating *> NULL)
            if to != NULL:
                memcpy(to + first * n_outputs,
                       <floating *> self.walk.activations + place,
                       self.walk.count * n_outputs * sizeof(floating))
            first += self.walk.count

    cdef void fetch(self, Py_ssize_t first, floating *values) noexcept nogil:
        """The rows from first on: where they lie, or gathered into values."""
        cdef Py_ssize_t i
        self.walk.count = min(self.capacity, self.X.n_rows - first)
        self.walk.input = self.X.in_place(first, sizeof(floating))
        if self.walk.input != NULL:
            return
        for i in range(self.walk.count):
            self.rows[i] = first + i
        if self.X.sparse:
            self.X.gather_sparse(self.rows, self.walk.count, &self.sparse, values)
            self.walk.sparse_input = self.sparse
        else:
            self.X.gather(self.rows, self.walk.count, values)
            self.walk.input = values


cdef inline size_t aligned(size_t size) noexcept nogil:
    """The next multiple of a cache line."""
    return (size + 63) // 64 * 64
