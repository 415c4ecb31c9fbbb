"""Dropout: which numbers are dropped is drawn anew instead of kept.

It is a function of (seed, step, number of the op, row, column): the same in the
backward pass as in the forward pass, and for any number of threads.
"""

from cython cimport floating
from libc.stdint cimport uint32_t, uint64_t

cdef extern from "ops/random/dropout.h":
    void dropout_loop_f32(
        Py_ssize_t, Py_ssize_t, const float *, float *, uint64_t, uint64_t, Py_ssize_t,
        uint32_t, float, float, float) noexcept nogil
    void dropout_loop_f64(
        Py_ssize_t, Py_ssize_t, const double *, double *, uint64_t, uint64_t,
        Py_ssize_t, uint32_t, double, double, double) noexcept nogil
    enum:
        CHANCES


cdef void dropout(
    Py_ssize_t m, Py_ssize_t n, const double *option, uint64_t seed, uint64_t step,
    int number, Py_ssize_t first_row, const floating *x, floating *y,
) noexcept nogil:
    """y = scale x + shift, or value where x is dropped; y may be x.

    option: rate, scale, shift, value.
    """
    # The rate in units of 1 / CHANCES, which is what the random numbers resolve.
    cdef uint32_t dropped = <uint32_t> (option[0] * CHANCES + 0.5)
    dropped = min(dropped, <uint32_t> (CHANCES - 1))
    cdef uint64_t stream = step << 16 | <uint64_t> number
    if floating is float:
        dropout_loop_f32(
            m, n, x, y, seed, stream, first_row, dropped,
            <float> option[1], <float> option[2], <float> option[3])
    else:
        dropout_loop_f64(
            m, n, x, y, seed, stream, first_row, dropped,
            option[1], option[2], option[3])
