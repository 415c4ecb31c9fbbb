"""Random orders of rows, by the draws of NumPy's ``RandomState.shuffle``."""

from numpy.random import MT19937

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy
from numpy.random cimport bitgen_t

from fastnn.engine.cpu.signals cimport Watch, is_due, new_watch, pending_error

cdef extern from "data/shuffle.h":
    ctypedef struct word_source_t:
        void *state
        uint32_t (*next_uint32)(void *) noexcept nogil
        uint64_t (*next_uint64)(void *) noexcept nogil
    void shuffle_c "shuffle"(
        Py_ssize_t last, Py_ssize_t first, Py_ssize_t *order, word_source_t source
    ) noexcept nogil

cdef enum:
    # So many places are filled between two looks at the clock: a row of an order that
    # leaves the caches takes a hundred nanoseconds.
    PLACES_AT_ONCE = 1 << 18


cdef shuffle_rows(Py_ssize_t n, Py_ssize_t *order, bit_generator):
    """Shuffles the numbers of n rows, without the GIL.

    Ctrl-C ends it, and leaves some of the numbers shuffled.
    """
    cdef word_source_t source
    cdef bitgen_t *words = <bitgen_t *> PyCapsule_GetPointer(
        bit_generator.capsule, "BitGenerator")
    source.state = words.state
    source.next_uint32 = words.next_uint32
    source.next_uint64 = words.next_uint64
    cdef Py_ssize_t last = n - 1, first
    cdef Watch watch = new_watch()
    while last > 0:
        first = max(last - PLACES_AT_ONCE, <Py_ssize_t> 0)
        with bit_generator.lock, nogil:
            shuffle_c(last, first, order, source)
        last = first - 1
        # The handler of a signal may draw from the generator: it is not locked here.
        if last > 0 and is_due(&watch):
            error = pending_error()
            if error is not None:
                raise error


def shuffle(Py_ssize_t[::1] order, bit_generator):
    """Shuffles an array in place, without the GIL.

    Parameters
    ----------
    order : ndarray of shape (n,), intp
    bit_generator : numpy.random.BitGenerator
    """
    if order.shape[0]:
        shuffle_rows(order.shape[0], &order[0], bit_generator)


cdef struct mt19937_state_t:
    # As in numpy/random/src/mt19937/mt19937.h.
    uint32_t key[624]
    int position


def copy_source(source, target):
    """Have one RandomState draw words as another one does; whether it can.

    Not so where their generators are not MT19937, which is what seeds make. What a
    normal number has left over for the next one is not copied.
    """
    cdef bitgen_t *words[2]
    cdef int i
    for i, each in enumerate((source, target)):
        generator = each._bit_generator
        if type(generator) is not MT19937:
            return False
        words[i] = <bitgen_t *> PyCapsule_GetPointer(
            generator.capsule, "BitGenerator")
    memcpy(words[1].state, words[0].state, sizeof(mt19937_state_t))
    return True
