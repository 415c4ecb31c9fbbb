"""Dropout: a random mask that is recomputed instead of kept.

The mask is a function of (seed, step, number of the op, row, column): the same in the
backward pass as in the forward pass, and for any number of threads.
"""

from cython cimport floating
from libc.stdint cimport uint32_t, uint64_t

cdef extern from "dropout.h":
    void dropout_loop_f32(
        Py_ssize_t, Py_ssize_t, const float *, float *, uint64_t, uint64_t, Py_ssize_t,
        uint32_t) noexcept nogil
    void dropout_loop_f64(
        Py_ssize_t, Py_ssize_t, const double *, double *, uint64_t, uint64_t,
        Py_ssize_t, uint32_t) noexcept nogil
    enum:
        CHANCES


cdef void dropout(
    Py_ssize_t m, Py_ssize_t n, double rate, uint64_t seed, uint64_t step, int number,
    Py_ssize_t first_row, const floating *x, floating *y,
) noexcept nogil:
    """y = x * mask / (1 - rate), with zeros in the mask at this rate; y may be x.

    Srivastava et al., "Dropout: a simple way to prevent neural networks from
    overfitting", JMLR 2014; scaled in training, so that predict has nothing to do.
    """
    # The rate in units of 1 / CHANCES, which is what the random numbers resolve.
    cdef uint32_t dropped = <uint32_t> (rate * CHANCES + 0.5)
    dropped = min(dropped, <uint32_t> (CHANCES - 1))
    cdef uint64_t stream = step << 16 | <uint64_t> number
    if floating is float:
        dropout_loop_f32(m, n, x, y, seed, stream, first_row, dropped)
    else:
        dropout_loop_f64(m, n, x, y, seed, stream, first_row, dropped)
