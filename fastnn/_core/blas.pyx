"""Matrix products, row-major: the only file that knows Fortran order."""

from cython cimport floating
from scipy.linalg.cython_blas cimport dgemm, sgemm


cdef void product(
    Py_ssize_t count, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const floating *a, Py_ssize_t a_lead, Py_ssize_t a_stride, bint a_transposed,
    const floating *b, Py_ssize_t b_lead, Py_ssize_t b_stride, bint b_transposed,
    floating beta, floating *c, Py_ssize_t c_lead, Py_ssize_t c_stride,
) noexcept nogil:
    """c = beta c + op(a) op(b), count times, with c of m rows and n columns.

    ``lead`` is the distance between the rows of a matrix as it is stored, ``stride``
    the distance between one matrix and the next. With beta 0, c is never read. The
    caller has made sure that m, n, k and the leads fit into BLAS' 32-bit integers.

    A row-major matrix is the transpose of a column-major one, so Fortran is asked for
    the transpose of c: op(b)^T op(a)^T.
    """
    cdef char op_a = b"T" if a_transposed else b"N"
    cdef char op_b = b"T" if b_transposed else b"N"
    cdef int rows = <int> m, columns = <int> n, inner = <int> k
    cdef int lead_a = <int> a_lead, lead_b = <int> b_lead, lead_c = <int> c_lead
    cdef floating alpha = 1
    cdef Py_ssize_t i
    for i in range(count):
        if floating is float:
            sgemm(&op_b, &op_a, &columns, &rows, &inner, &alpha,
                  <float *> b + i * b_stride, &lead_b,
                  <float *> a + i * a_stride, &lead_a,
                  &beta, c + i * c_stride, &lead_c)
        else:
            dgemm(&op_b, &op_a, &columns, &rows, &inner, &alpha,
                  <double *> b + i * b_stride, &lead_b,
                  <double *> a + i * a_stride, &lead_a,
                  &beta, c + i * c_stride, &lead_c)


def matrix_product(
    const floating[:, :, :] a, const floating[:, :, :] b, floating[:, :, :] c, *,
    bint transpose_a=False, bint transpose_b=False, floating beta=0,
):
    """c = beta c + op(a) @ op(b) over stacks of matrices, for tests and benchmarks.

    The last axis of each must be contiguous; the other two may have any stride.
    """
    cdef Py_ssize_t count = c.shape[0], m = c.shape[1], n = c.shape[2]
    cdef Py_ssize_t k = a.shape[1] if transpose_a else a.shape[2]
    shapes = (
        (count, k, m) if transpose_a else (count, m, k),
        (count, n, k) if transpose_b else (count, k, n),
    )
    if tuple(a.shape)[:3] != shapes[0] or tuple(b.shape)[:3] != shapes[1]:
        raise ValueError(
            f"a and b must have the shapes {shapes[0]} and {shapes[1]} for c of shape "
            f"{(count, m, n)}, got {tuple(a.shape)[:3]} and {tuple(b.shape)[:3]}"
        )
    for name, view in (("a", a), ("b", b), ("c", c)):
        if view.shape[2] > 1 and view.strides[2] != view.itemsize:
            raise ValueError(f"the last axis of {name} must be contiguous")
        if max(view.shape) > 2**31 - 1 or view.strides[1] // view.itemsize > 2**31 - 1:
            raise ValueError(f"{name} is too large: BLAS counts with 32-bit integers")
    if count and m and n:
        with nogil:
            product(
                count, m, n, k,
                &a[0, 0, 0] if k else NULL, lead(a.strides[1], sizeof(floating), a.shape[2]),
                a.strides[0] // <Py_ssize_t> sizeof(floating), transpose_a,
                &b[0, 0, 0] if k else NULL, lead(b.strides[1], sizeof(floating), b.shape[2]),
                b.strides[0] // <Py_ssize_t> sizeof(floating), transpose_b,
                beta, &c[0, 0, 0], lead(c.strides[1], sizeof(floating), n),
                c.strides[0] // <Py_ssize_t> sizeof(floating),
            )


cdef Py_ssize_t lead(Py_ssize_t stride, size_t itemsize, Py_ssize_t width) noexcept nogil:
    # NumPy gives an axis of length one any stride; BLAS wants at least the width.
    cdef Py_ssize_t elements = stride // <Py_ssize_t> itemsize
    return elements if elements >= width and elements >= 1 else (width if width > 1 else 1)
