from cython cimport floating

# A few rows of a sparse table, in compressed sparse row form.
cdef struct SparseRows:
    Py_ssize_t *start   # rows + 1 positions in column and value
    Py_ssize_t *column
    void *value

cdef class Table:
    cdef readonly Py_ssize_t n_rows, n_columns
    cdef readonly bint sparse, wide
    cdef object owners
    cdef const void *values
    cdef Py_ssize_t row_stride, column_stride
    cdef const void *columns
    cdef const void *starts
    cdef bint long_columns, long_starts

    cdef Py_ssize_t most_stored(self, Py_ssize_t n_rows)
    cdef const void *in_place(self, Py_ssize_t first, size_t itemsize) noexcept nogil
    cdef void gather(
        self, const Py_ssize_t *rows, Py_ssize_t count, floating *to) noexcept nogil
    cdef void gather_sparse(
        self, const Py_ssize_t *rows, Py_ssize_t count, SparseRows *to, floating *value,
    ) noexcept nogil
