"""Forward passes over the rows of a table, without the GIL.

All room that is needed belongs to a call, so that any number of threads may predict
with one model.
"""

cimport numpy as cnp

import numpy as np

from cython cimport floating
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from fastnn._core.dataset cimport address, plain, real_type, width_of
from fastnn._core.executor cimport Walk, execute
from fastnn._core.gather cimport Table
from fastnn._core.meeting cimport custom_loss, next_meeting
from fastnn._core.plan cimport (
    PHASE_EVALUATE,
    PHASE_PREDICT,
    SPACE_TARGET,
    op_t,
    tensor_t,
)
from fastnn._core.tables import OP_DTYPE, TENSOR_DTYPE

cnp.import_array()

cdef extern from "finite.h":
    bint all_finite_f32(Py_ssize_t, const float *) noexcept nogil
    bint all_finite_f64(Py_ssize_t, const double *) noexcept nogil

# Rows that go through the network together: enough for the products to run at speed,
# few enough for their activations to stay in the cache.
cdef enum:
    ROWS_OF_A_PASS = 512
ROWS_AT_ONCE = ROWS_OF_A_PASS


cdef class Forward:
    """The forward ops of a plan. It belongs to no call: all room is a ``Pass``."""

    cdef object owners
    cdef const op_t *ops
    cdef const tensor_t *tensors
    cdef Py_ssize_t n_ops, activation_size, statistic_size
    cdef Py_ssize_t output, n_inputs, n_outputs, n_parameters, n_targets
    cdef tuple functions

    def __cinit__(
        self, ops, tensors, Py_ssize_t activation_size, Py_ssize_t statistic_size,
        tuple functions, Py_ssize_t output, Py_ssize_t n_inputs, Py_ssize_t n_outputs,
        Py_ssize_t n_parameters,
    ):
        for array, expected in ((ops, OP_DTYPE), (tensors, TENSOR_DTYPE)):
            if array.dtype != expected or not array.flags.c_contiguous:
                raise TypeError(f"not the records of a plan: {array.dtype}")
        self.owners = (ops, tensors)
        self.ops = <const op_t *> <size_t> ops.ctypes.data
        self.tensors = <const tensor_t *> <size_t> tensors.ctypes.data
        self.n_ops = len(ops)
        self.activation_size = activation_size
        self.statistic_size = statistic_size
        self.functions = functions
        self.output = output
        self.n_inputs, self.n_outputs = n_inputs, n_outputs
        self.n_parameters = n_parameters
        self.n_targets = width_of(self.tensors, len(tensors), SPACE_TARGET)

    def accepts(self, X):
        """Whether X is a plain array of floats of the right width, with rows."""
        if type(X) is not np.ndarray:
            return False
        cdef cnp.ndarray array = X
        cdef int number_type = cnp.PyArray_TYPE(array)
        return (
            cnp.PyArray_NDIM(array) == 2
            and cnp.PyArray_DIM(array, 0) > 0
            and cnp.PyArray_DIM(array, 1) == self.n_inputs
            and (number_type == cnp.NPY_FLOAT or number_type == cnp.NPY_DOUBLE)
            and cnp.PyArray_ISBEHAVED_RO(array)
        )

    def predict(self, cnp.ndarray parameters, X, *, bint check_finite=False):
        """The network's outputs for every row of X, of shape (n, n_outputs).

        None as soon as a number of X is not finite, where that is to be checked.
        """
        cdef cnp.npy_intp shape[2]
        shape[0] = X.shape[0]
        shape[1] = self.n_outputs
        result = cnp.PyArray_EMPTY(2, shape, cnp.PyArray_TYPE(parameters), 0)
        cdef bint finite = self.predict_rows(
            parameters, Table(X), 0, shape[0], result, check_finite=check_finite)
        return result if finite else None

    def predict_rows(
        self, cnp.ndarray parameters, Table X, Py_ssize_t first, Py_ssize_t last,
        cnp.ndarray result, *, bint check_finite=False,
    ):
        """Fills some rows of what :meth:`predict` returns; whether all were finite."""
        cdef Pass walker = Pass(self, parameters, X, last - first)
        walker.walk.phase = PHASE_PREDICT
        return walker.go(parameters, first, last, result, None, None, check_finite)

    def evaluate(self, cnp.ndarray parameters, Table X, y, sample_weight):
        """Sums over all rows: loss and reported loss."""
        cdef Pass walker = Pass(self, parameters, X, X.n_rows)
        walker.walk.phase = PHASE_EVALUATE
        walker.go(parameters, 0, X.n_rows, None, y, sample_weight, False)
        return walker.walk.loss, walker.walk.reported

    def judge(self, cnp.ndarray parameters, Table X, y, sample_weight, result):
        """Fills what predict returns, and returns what evaluate does."""
        cdef Pass walker = Pass(self, parameters, X, X.n_rows)
        walker.walk.phase = PHASE_PREDICT | PHASE_EVALUATE
        walker.go(parameters, 0, X.n_rows, result, y, sample_weight, False)
        return walker.walk.loss, walker.walk.reported


cdef class Pass:
    """One call's walk over a plan, and the room that it takes."""

    cdef Forward forward
    cdef Py_ssize_t capacity
    cdef Table X
    cdef Walk walk
    cdef void *room
    cdef Py_ssize_t *rows
    cdef void *values
    cdef object raised

    def __cinit__(
        self, Forward forward, cnp.ndarray parameters, Table X, Py_ssize_t n_rows,
    ):
        if (cnp.PyArray_SIZE(parameters) != forward.n_parameters
                or X.n_columns != forward.n_inputs):
            raise ValueError(
                f"this plan has {forward.n_parameters} parameters and "
                f"{forward.n_inputs} inputs, got {parameters.size} and {X.n_columns}")
        cdef size_t itemsize = cnp.PyArray_ITEMSIZE(parameters)
        self.forward = forward
        self.X = X
        self.capacity = min(n_rows, <Py_ssize_t> ROWS_OF_A_PASS)
        # In this order: row numbers, dense input, statistics, activations.
        cdef size_t row_bytes = aligned(self.capacity * sizeof(Py_ssize_t))
        cdef size_t input_bytes = aligned(
            0 if X.sparse else self.capacity * X.n_columns * itemsize)
        cdef size_t statistic_bytes = aligned(forward.statistic_size * itemsize)
        self.room = malloc(
            64 + row_bytes + input_bytes + statistic_bytes
            + self.capacity * forward.activation_size * itemsize)
        if self.room == NULL:
            raise MemoryError("no memory for the activations of a batch")
        cdef char *start = <char *> aligned(<size_t> self.room)
        memset(&self.walk, 0, sizeof(self.walk))
        self.walk.capacity = self.capacity
        self.rows = <Py_ssize_t *> start
        self.values = start + row_bytes
        self.walk.statistics = start + row_bytes + input_bytes
        self.walk.activations = start + row_bytes + input_bytes + statistic_bytes

    def __dealloc__(self):
        free(self.room)

    cdef bint go(
        self, cnp.ndarray parameters, Py_ssize_t first, Py_ssize_t last, result, y,
        sample_weight, bint check_finite,
    ):
        """Fills rows of result, if it is given; sums up the loss, if y is given."""
        check_arrays(
            self.forward, parameters, self.X, first, last, result, y, sample_weight)
        cdef const void *weights = cnp.PyArray_DATA(parameters)
        cdef void *to = address(result)
        cdef const void *target = address(y)
        cdef const void *weight = address(sample_weight)
        cdef Py_ssize_t target_columns = 0 if y is None else y.shape[1]
        cdef bint double_precision = cnp.PyArray_TYPE(parameters) == cnp.NPY_DOUBLE
        cdef bint finite
        with nogil:
            if double_precision:
                finite = self.run(
                    <double *> weights, first, last, <double *> to, target_columns,
                    <const double *> target, <const double *> weight, check_finite)
            else:
                finite = self.run(
                    <float *> weights, first, last, <float *> to, target_columns,
                    <const float *> target, <const float *> weight, check_finite)
        if self.raised is not None:
            raise self.raised
        return finite

    cdef bint run(
        self, floating *parameters, Py_ssize_t first, Py_ssize_t last, floating *to,
        Py_ssize_t target_columns, const floating *target, const floating *weight,
        bint check_finite,
    ) noexcept nogil:
        cdef const tensor_t *tensors = self.forward.tensors
        cdef Py_ssize_t n_outputs = self.forward.n_outputs
        cdef Py_ssize_t place = (
            tensors[self.forward.output].predict_offset * self.capacity)
        while first < last:
            self.fetch(
                first, min(self.capacity, last - first), <floating *> self.values)
            if check_finite and not self.input_is_finite(<floating *> self.values):
                return False
            self.walk.target = target + first * target_columns
            self.walk.weight = weight + first if weight != NULL else NULL
            if not self.forward_rows(parameters):
                return False
            if to != NULL:
                memcpy(to + first * n_outputs,
                       <floating *> self.walk.activations + place,
                       self.walk.count * n_outputs * sizeof(floating))
            first += self.walk.count
        return True

    cdef bint forward_rows(self, floating *parameters) noexcept nogil:
        """Walks over the plan; whether no function of Python's has raised."""
        cdef const op_t *ops = self.forward.ops
        cdef const tensor_t *tensors = self.forward.tensors
        cdef Py_ssize_t n_ops = self.forward.n_ops, first = 0, at
        cdef Walk *walk = &self.walk
        while True:
            at = next_meeting(ops, first, n_ops, walk.phase)
            execute(ops + first, at - first, tensors, walk, parameters)
            if at == n_ops:
                return True
            # Custom losses are all that meets outside of training.
            with gil:
                try:
                    custom_loss(self.forward.functions[ops[at].code], ops + at, tensors,
                                &walk, 1, parameters)
                except BaseException as error:
                    self.raised = error
                    return False
            first = at + 1

    cdef void fetch(
        self, Py_ssize_t first, Py_ssize_t count, floating *values) noexcept nogil:
        """The rows from first on: where they lie, or gathered into values."""
        cdef Py_ssize_t i
        self.walk.count = count
        self.walk.input = self.X.in_place(first, sizeof(floating))
        if self.walk.input != NULL:
            return
        for i in range(count):
            self.rows[i] = first + i
        if self.X.sparse:
            self.walk.sparse_input = self.X.sparse_rows(self.rows)
        else:
            self.X.gather(self.rows, count, values)
            self.walk.input = values

    cdef bint input_is_finite(self, const floating *values) noexcept nogil:
        """Whether the dense rows that were fetched are finite.

        A float64 that is too large for float32 has become infinite: that is not known
        to be the caller's doing, so it counts as not finite.
        """
        cdef Py_ssize_t size = self.walk.count * self.X.n_columns
        if floating is float:
            return all_finite_f32(size, <const float *> self.walk.input)
        else:
            return all_finite_f64(size, <const double *> self.walk.input)


cdef check_arrays(
    Forward forward, parameters, Table X, Py_ssize_t first, Py_ssize_t last, result, y,
    sample_weight,
):
    """The last look at what the loops trust, whoever calls."""
    cdef int number_type = real_type("parameters", parameters)
    plain("parameters", parameters, number_type, forward.n_parameters)
    plain("result", result, number_type, X.n_rows * forward.n_outputs, True)
    plain("y", y, number_type, X.n_rows * forward.n_targets)
    plain("sample_weight", sample_weight, number_type, X.n_rows)
    if not 0 <= first <= last <= X.n_rows:
        raise ValueError(f"there are no rows {first} to {last} in X of {X.n_rows}")


cdef inline size_t aligned(size_t size) noexcept nogil:
    """The next multiple of a cache line."""
    return (size + 63) // 64 * 64
