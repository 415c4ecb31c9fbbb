from cython cimport floating

from fastnn.engine.cpu.executor cimport Input, Steps, Walk
from fastnn.engine.cpu.gather cimport Table
from fastnn.engine.cpu.inputs cimport Inputs
from fastnn.plan.structs cimport tensor_t

# Buffers for the rows that one thread works on at a time.
cdef struct Batch:
    void *input             # gathered rows of all inputs, but for sparse ones
    void *target
    void *weight            # column by column
    void *weight_rows       # row by row, where there are several columns

cdef class Dataset:
    cdef Inputs inputs
    cdef Table y, sample_weight
    cdef readonly Py_ssize_t n_rows
    cdef Py_ssize_t n_losses
    cdef Py_ssize_t width, line, pixel

    cdef check_widths(self, const tensor_t *tensors, Py_ssize_t n_tensors)
    cdef Py_ssize_t weight_columns(self) noexcept nogil
    cdef Batch new_batch(
        self, Py_ssize_t n_rows, const Steps *steps, Py_ssize_t itemsize, list owners)
    cdef void gather(
        self, const Py_ssize_t *rows, Py_ssize_t count, Py_ssize_t capacity,
        Batch *batch, floating *input, Input *inputs, Steps *steps,
    ) noexcept nogil
    cdef Py_ssize_t steps_of(
        self, Py_ssize_t axis, const Py_ssize_t *rows, Py_ssize_t count) noexcept nogil
    cdef void mix(
        self, Py_ssize_t count, const Batch *other, const Input *others,
        const double *scalars, Batch *batch, floating *input,
    ) noexcept nogil
    cdef double show(
        self, Batch *batch, Walk *walk, floating *weight, double *weight_sums,
    ) noexcept nogil

cdef void *plain(
    str name, array, int number_type, Py_ssize_t size, bint writable=*,
) except? NULL
cdef int real_type(str name, array) except -1
cdef Py_ssize_t count_losses(ops) except -1
cdef Py_ssize_t width_of(
    const tensor_t *tensors, Py_ssize_t n_tensors, int space) noexcept nogil
cdef void *address(array)
