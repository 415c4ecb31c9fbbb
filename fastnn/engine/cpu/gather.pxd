from libc.stdint cimport int32_t

from fastnn.engine.cpu.executor cimport sparse_rows_t

# What rows are gathered as: numbers, or tokens.
ctypedef fused gathered_t:
    float
    double
    int32_t

cdef class Table:
    cdef readonly Py_ssize_t n_rows, n_columns, n_tokens
    cdef readonly bint sparse, wide
    cdef object owners
    cdef int axis           # of the steps that the rows are, or 0
    cdef int kind           # of the numbers of a dense one, as the loops call it
    cdef const void *values
    cdef Py_ssize_t row_stride, column_stride
    cdef const void *columns
    cdef const void *starts
    cdef bint long_columns, long_starts

    cdef const void *in_place(self, Py_ssize_t first, size_t itemsize) noexcept nogil
    cdef void gather(
        self, const Py_ssize_t *rows, Py_ssize_t count, gathered_t *to) noexcept nogil
    cdef sparse_rows_t sparse_rows(self, const Py_ssize_t *rows) noexcept nogil
