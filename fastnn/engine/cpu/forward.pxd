from libc.stdint cimport int64_t
from numpy cimport ndarray

from cython cimport floating

from fastnn.engine.cpu.executor cimport Walk
from fastnn.engine.cpu.inputs cimport Inputs
from fastnn.plan.structs cimport op_t, tensor_t
from fastnn.engine.cpu.signals cimport Watch

cdef enum:
    N_BUFFERS = 6

cdef class ForwardOps:
    cdef object owners
    cdef tuple inputs
    cdef const op_t *ops
    cdef const op_t *link_ops
    cdef const tensor_t *tensors
    cdef const tensor_t *link_tensors
    cdef const int64_t *params
    cdef Py_ssize_t n_ops, n_link_ops, activation_size, statistic_size
    cdef Py_ssize_t output, n_inputs, n_outputs, n_parameters, n_targets
    cdef Py_ssize_t n_losses
    cdef tuple functions, sizes_of_steps
    cdef tuple plain_shape  # of samples of X; None if that is not all that is read

    cpdef Py_ssize_t rows_of_a_pass(self, Py_ssize_t itemsize)


cdef class Pass:
    cdef ForwardOps forward
    cdef Py_ssize_t capacity, together, n_axes
    cdef list owners            # of the room for steps
    cdef Inputs inputs
    cdef Walk walk
    # Row numbers, inputs, their gathered rows, statistics, activations, and what is
    # reported.
    cdef void *buffers[N_BUFFERS]
    cdef Py_ssize_t *rows
    cdef void *values
    # What begin() has been told.
    cdef Py_ssize_t first, last, target_columns
    cdef const void *parameters
    cdef const void *target
    cdef const void *weight
    cdef object owner           # of the weights
    cdef void *predictions
    cdef bint double_precision, wide_predictions, check_input, strict
    # What has come of it.
    cdef bint finite, stop
    cdef bint *stopped          # by whom the call is led
    cdef object raised
    cdef Watch watch

    cdef make_room_for_steps(self, Py_ssize_t itemsize)
    cdef begin(
        self, ndarray parameters, Py_ssize_t first, Py_ssize_t last, result, y,
        sample_weight)
    cdef go(self)
    cdef end(self)
    cdef reported(self)
    cdef void run(self) noexcept nogil
    cdef bint walk_over(self, floating *parameters) noexcept nogil
    cdef void put(
        self, Py_ssize_t place, Py_ssize_t size, const floating *raw) noexcept nogil
    cdef bint forward_rows(self, floating *parameters) noexcept nogil
    cdef void poll_signals(self) noexcept nogil
