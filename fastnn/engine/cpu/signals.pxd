# When to ask Python for signals, and on which thread.
cdef struct Watch:
    unsigned long leader    # the thread that Python knows
    double next_look

cdef Watch new_watch() noexcept
cdef bint is_due(Watch *watch) noexcept nogil
cdef object pending_error()
