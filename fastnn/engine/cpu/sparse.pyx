"""Products of some sparse rows with a dense matrix, both ways."""

from cython cimport floating
from libc.string cimport memset

cdef extern from "ops/product/sparse.h":
    void sparse_product_f32(
        Py_ssize_t, Py_ssize_t, const sparse_rows_t *, const float *, bint,
        float *) noexcept nogil
    void sparse_product_f64(
        Py_ssize_t, Py_ssize_t, const sparse_rows_t *, const double *, bint,
        double *) noexcept nogil
    void sparse_transposed_product_f32(
        Py_ssize_t, Py_ssize_t, const sparse_rows_t *, const float *,
        float *) noexcept nogil
    void sparse_transposed_product_f64(
        Py_ssize_t, Py_ssize_t, const sparse_rows_t *, const double *,
        double *) noexcept nogil


cdef void sparse_product(
    Py_ssize_t m, Py_ssize_t n, const sparse_rows_t *a, const floating *b,
    bint accumulate, floating *c,
) noexcept nogil:
    """c = a @ b, or c += a @ b: m sparse rows, b and c of n columns."""
    if floating is float:
        sparse_product_f32(m, n, a, b, accumulate, c)
    else:
        sparse_product_f64(m, n, a, b, accumulate, c)


cdef void sparse_transposed_product(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const sparse_rows_t *a, const floating *b,
    bint accumulate, floating *c,
) noexcept nogil:
    """c = a^T @ b, or c += a^T @ b: k sparse rows of m columns, b and c of n."""
    if not accumulate:
        memset(c, 0, m * n * sizeof(floating))
    if floating is float:
        sparse_transposed_product_f32(k, n, a, b, c)
    else:
        sparse_transposed_product_f64(k, n, a, b, c)
