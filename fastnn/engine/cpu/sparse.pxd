from cython cimport floating

cdef extern from "ops/product/sparse.h":
    # Some rows of a CSR matrix, where they lie.
    ctypedef struct sparse_rows_t:
        const Py_ssize_t *rows
        const void *starts
        const void *columns
        const void *values
        int long_starts
        int long_columns
        int wide

cdef void sparse_product(
    Py_ssize_t m, Py_ssize_t n, const sparse_rows_t *a, const floating *b,
    bint accumulate, floating *c,
) noexcept nogil

cdef void sparse_transposed_product(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const sparse_rows_t *a, const floating *b,
    bint accumulate, floating *c,
) noexcept nogil
