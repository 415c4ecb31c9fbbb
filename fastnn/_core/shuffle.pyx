"""Random orders of rows, by the draws of NumPy's ``RandomState.shuffle``."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport uint32_t, uint64_t
from numpy.random cimport bitgen_t

cdef extern from "shuffle.h":
    ctypedef struct word_source_t:
        void *state
        uint32_t (*next_uint32)(void *) noexcept nogil
        uint64_t (*next_uint64)(void *) noexcept nogil
    void shuffle_c "shuffle"(
        Py_ssize_t n, Py_ssize_t *order, word_source_t source) noexcept nogil


cdef shuffle_rows(Py_ssize_t n, Py_ssize_t *order, bit_generator):
    """Shuffles the numbers of n rows, without the GIL."""
    cdef word_source_t source
    cdef bitgen_t *words = <bitgen_t *> PyCapsule_GetPointer(
        bit_generator.capsule, "BitGenerator")
    source.state = words.state
    source.next_uint32 = words.next_uint32
    source.next_uint64 = words.next_uint64
    with bit_generator.lock, nogil:
        shuffle_c(n, order, source)


def shuffle(Py_ssize_t[::1] order, bit_generator):
    """Shuffles an array in place, without the GIL.

    Parameters
    ----------
    order : ndarray of shape (n,), intp
    bit_generator : numpy.random.BitGenerator
    """
    if order.shape[0]:
        shuffle_rows(order.shape[0], &order[0], bit_generator)
