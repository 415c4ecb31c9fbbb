from cython cimport floating

from fastnn.engine.cpu.executor cimport Input, Steps
from fastnn.engine.cpu.gather cimport Table

cdef class Described:
    cdef str name
    cdef Py_ssize_t n_columns, n_tokens
    cdef int axis

cdef tuple described(inputs)

cdef class Inputs:
    cdef list tables
    cdef readonly list axes     # a StepAxis for each input of sequences
    cdef readonly Py_ssize_t count, n_rows
    cdef readonly bint wide

    cdef Table open(self, Described own, values)
    cdef size_t bytes_for(self, Py_ssize_t n_rows, const Steps *steps, size_t itemsize)
    cdef void gather(
        self, const Py_ssize_t *rows, Py_ssize_t count, Py_ssize_t capacity,
        floating *buffer, Input *found, Steps *steps) noexcept nogil
    cdef Py_ssize_t fitting(
        self, Py_ssize_t first, Py_ssize_t count, const Steps *steps) noexcept nogil
    cdef void read(
        self, Py_ssize_t first, Py_ssize_t count, Py_ssize_t *rows, Py_ssize_t capacity,
        floating *buffer, Input *found, Steps *steps) noexcept nogil
