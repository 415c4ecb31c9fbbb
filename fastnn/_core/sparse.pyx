"""Products of a few sparse rows with a dense matrix, both ways."""

from cython cimport floating
from libc.string cimport memset

from fastnn._core.gather cimport SparseRows

cdef extern from "sparse.h":
    void add_scaled_loop_f32(Py_ssize_t, float, const float *, float *) noexcept nogil
    void add_scaled_loop_f64(
        Py_ssize_t, double, const double *, double *) noexcept nogil


cdef inline void add_scaled(
    Py_ssize_t n, floating factor, const floating *x, floating *y) noexcept nogil:
    if floating is float:
        add_scaled_loop_f32(n, factor, x, y)
    else:
        add_scaled_loop_f64(n, factor, x, y)


cdef void sparse_product(
    Py_ssize_t m, Py_ssize_t n, const SparseRows *a, const floating *b,
    floating beta, floating *c,
) noexcept nogil:
    """c = beta c + a @ b: m sparse rows, b and c of n columns; beta is 0 or 1."""
    cdef Py_ssize_t i, j
    if beta == 0:
        memset(c, 0, m * n * sizeof(floating))
    for i in range(m):
        for j in range(a.start[i], a.start[i + 1]):
            add_scaled(
                n, (<const floating *> a.value)[j], b + a.column[j] * n, c + i * n)


cdef void sparse_transposed_product(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const SparseRows *a, const floating *b,
    floating beta, floating *c,
) noexcept nogil:
    """c = beta c + a^T @ b: k sparse rows of m columns, b and c of n columns."""
    cdef Py_ssize_t i, j
    if beta == 0:
        memset(c, 0, m * n * sizeof(floating))
    for i in range(k):
        for j in range(a.start[i], a.start[i + 1]):
            add_scaled(
                n, (<const floating *> a.value)[j], b + i * n, c + a.column[j] * n)
