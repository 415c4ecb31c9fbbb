"""Gaussian noise: a function of (seed, step, number of the op, row, column)."""

from cython cimport floating
from libc.stdint cimport uint64_t

cdef extern from "ops/random/noise.h":
    void noise_loop_f32(
        Py_ssize_t, Py_ssize_t, const float *, float *, uint64_t, uint64_t, Py_ssize_t,
        float) noexcept nogil
    void noise_loop_f64(
        Py_ssize_t, Py_ssize_t, const double *, double *, uint64_t, uint64_t,
        Py_ssize_t, double) noexcept nogil


cdef void gaussian_noise(
    Py_ssize_t m, Py_ssize_t n, double stddev, uint64_t seed, uint64_t step,
    int number, Py_ssize_t first_row, const floating *x, floating *y,
) noexcept nogil:
    """y = x + stddev z, with independent normal z; y may be x."""
    cdef uint64_t stream = step << 16 | <uint64_t> number
    if floating is float:
        noise_loop_f32(m, n, x, y, seed, stream, first_row, <float> stddev)
    else:
        noise_loop_f64(m, n, x, y, seed, stream, first_row, stddev)
