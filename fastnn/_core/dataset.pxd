from cython cimport floating

from fastnn._core.executor cimport Walk
from fastnn._core.gather cimport Table

# Room for the rows that one thread works on at a time.
cdef struct Batch:
    void *input             # gathered rows of X; NULL when they are sparse
    void *target
    void *weight

cdef class Dataset:
    cdef Table X, y, sample_weight
    cdef readonly Py_ssize_t n_rows

    cdef Batch new_batch(self, Py_ssize_t n_rows, dtype, list owners)
    cdef double fetch(
        self, const Py_ssize_t *rows, Batch *batch, Walk *walk, floating *input,
    ) noexcept nogil

cdef aligned(Py_ssize_t size, dtype, list owners)
cdef void *address(array)
