from cython cimport floating
from libc.stdint cimport uint64_t

cdef void dropout(
    Py_ssize_t m, Py_ssize_t n, const double *option, uint64_t seed, uint64_t step,
    int number, Py_ssize_t first_row, const floating *x, floating *y,
) noexcept nogil
