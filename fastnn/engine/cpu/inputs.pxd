from cython cimport floating

from fastnn.engine.cpu.executor cimport Input

cdef class Described:
    cdef str name
    cdef Py_ssize_t n_columns, n_tokens

cdef tuple described(inputs)

cdef class Inputs:
    cdef list tables
    cdef readonly Py_ssize_t count, n_rows
    cdef readonly bint wide

    cdef size_t bytes_for(self, Py_ssize_t n_rows, size_t itemsize)
    cdef void gather(
        self, const Py_ssize_t *rows, Py_ssize_t count, Py_ssize_t capacity,
        floating *buffer, Input *found) noexcept nogil
    cdef void read(
        self, Py_ssize_t first, Py_ssize_t count, Py_ssize_t *rows, Py_ssize_t capacity,
        floating *buffer, Input *found) noexcept nogil
