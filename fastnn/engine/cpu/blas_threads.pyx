"""Holding the BLAS libraries of the process at one thread while training computes.

Their own threads spin while they wait and take the processors from ours. The limit is
one for the process, so overlapping calls count in and out: the first one in sets it,
and the last one out puts back what the first one found.

Whoever holds does so within one call from Python, with the GIL at both ends: no handler
of a signal can come between, and leave the limit behind.
"""

cdef enum:
    MOST_LIBRARIES = 16

# Whatever integer type a library takes: a register holds it.
ctypedef long (*getter)() noexcept
ctypedef void (*setter)(long) noexcept

cdef struct Library:
    getter get
    setter set
    int found           # threads before the first one came in

cdef Library libraries[MOST_LIBRARIES]
cdef int n_libraries = 0
cdef Py_ssize_t n_holders = 0


def watch(list addresses):
    """Take note of all libraries, by the addresses of their getters and setters."""
    global n_libraries
    cdef size_t get, set_
    if n_holders:
        return
    n_libraries = 0
    for get, set_ in addresses[:MOST_LIBRARIES]:
        libraries[n_libraries].get = <getter> get
        libraries[n_libraries].set = <setter> set_
        n_libraries += 1


def call_with_blas_held(function):
    """What a function of no arguments returns that is called while BLAS is held."""
    hold_blas()
    try:
        return function()
    finally:
        release_blas()


def forget_holders():
    """A forked child has none of its parent's; limits are put back."""
    global n_holders
    if n_holders:
        n_holders = 1
        release_blas()


cdef void hold_blas() noexcept:
    global n_holders
    cdef int i
    if n_holders == 0:
        for i in range(n_libraries):
            libraries[i].found = <int> libraries[i].get()
            if libraries[i].found != 1:
                libraries[i].set(1)
    n_holders += 1


cdef void release_blas() noexcept:
    global n_holders
    cdef int i
    n_holders -= 1
    if n_holders == 0:
        for i in range(n_libraries):
            if libraries[i].found != 1:
                libraries[i].set(libraries[i].found)
