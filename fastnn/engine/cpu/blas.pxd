from cython cimport floating

from fastnn.engine.cpu.executor cimport Precision

cdef void product(
    Py_ssize_t count, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const floating *a, Py_ssize_t a_lead, Py_ssize_t a_stride, bint a_transposed,
    const floating *b, Py_ssize_t b_lead, Py_ssize_t b_stride, bint b_transposed,
    floating beta, floating *c, Py_ssize_t c_lead, Py_ssize_t c_stride,
    Py_ssize_t smallest, Precision *precision,
) noexcept nogil
