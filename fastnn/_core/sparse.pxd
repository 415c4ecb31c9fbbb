from cython cimport floating

from fastnn._core.gather cimport SparseRows

cdef void sparse_product(
    Py_ssize_t m, Py_ssize_t n, const SparseRows *a, const floating *b,
    floating beta, floating *c,
) noexcept nogil

cdef void sparse_transposed_product(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const SparseRows *a, const floating *b,
    floating beta, floating *c,
) noexcept nogil
