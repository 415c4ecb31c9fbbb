from cython cimport floating
from libc.stdint cimport uint64_t

cdef void gaussian_noise(
    Py_ssize_t m, Py_ssize_t n, double stddev, uint64_t seed, uint64_t step,
    int number, Py_ssize_t first_row, const floating *x, floating *y,
) noexcept nogil
