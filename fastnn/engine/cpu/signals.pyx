"""Signals in the middle of long loops: whoever leads them asks ten times a second."""

from cpython.exc cimport PyErr_CheckSignals

cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident() noexcept nogil

cdef extern from "base/team.h":
    double monotonic_seconds() noexcept nogil

cdef double SECONDS_BETWEEN_LOOKS = 0.1


cdef Watch new_watch() noexcept:
    """A watch of the present thread, which leads what begins now."""
    cdef Watch watch
    watch.leader = PyThread_get_thread_ident()
    watch.next_look = monotonic_seconds() + SECONDS_BETWEEN_LOOKS
    return watch


cdef bint is_due(Watch *watch) noexcept nogil:
    """Whether it is time to look, on the leader; helpers know nothing of Python."""
    cdef double now = monotonic_seconds()
    if now < watch.next_look or PyThread_get_thread_ident() != watch.leader:
        return False
    watch.next_look = now + SECONDS_BETWEEN_LOOKS
    return True


cdef object pending_error():
    """What the handler of a signal that has come raises; None if nothing has."""
    try:
        PyErr_CheckSignals()
    except BaseException as error:
        return error
    return None
