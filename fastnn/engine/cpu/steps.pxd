from fastnn.engine.cpu.executor cimport Steps

cdef class StepAxis:
    cdef object owner
    cdef const Py_ssize_t *starts
    cdef readonly Py_ssize_t n_rows

    cdef Py_ssize_t most(self, Py_ssize_t n_rows)
    cdef Py_ssize_t total(
        self, const Py_ssize_t *rows, Py_ssize_t count) noexcept nogil
    cdef void find(
        self, const Py_ssize_t *rows, Py_ssize_t count, Steps *found) noexcept nogil
    cdef void read(
        self, Py_ssize_t first, Py_ssize_t count, Steps *found) noexcept nogil

cdef void allocate_steps(
    Steps *steps, Py_ssize_t n_rows, Py_ssize_t n_steps, Py_ssize_t size,
    Py_ssize_t itemsize, list owners) except *
