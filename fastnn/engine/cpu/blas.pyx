"""BLAS of SciPy for products (csrc/ops/product/multiply.h), and products alone."""

from cython cimport floating
from scipy.linalg.cython_blas cimport dgemm, sgemm

from fastnn.engine.cpu.executor cimport Precision
from fastnn.engine.cpu.precision cimport new_precision

prepare_products(sgemm, dgemm)


def goes_to_blas(double multiplications):
    """Whether a product of so many multiplications is BLAS', or may be."""
    return is_for_blas(multiplications)


def matrix_product(
    const floating[:, :, :] a, const floating[:, :, :] b, floating[:, :, :] c, *,
    bint transpose_a=False, bint transpose_b=False, floating beta=0, precision=None,
):
    """c = beta c + op(a) @ op(b) over stacks of matrices, for tests and benchmarks.

    The last axis of each must be contiguous, rows must not overlap or run backwards.
    Returns whether the products were taken in the precision asked for.
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
        if view.shape[1] > 1 and view.strides[1] < view.shape[2] * view.itemsize:
            raise ValueError(f"the rows of {name} overlap or run backwards")
        if max(view.shape) > 2**31 - 1 or view.strides[1] // view.itemsize > 2**31 - 1:
            raise ValueError(f"{name} is too large: BLAS counts with 32-bit integers")
    cdef list owners = []
    cdef Precision how = new_precision(precision, owners)
    if not (count and m and n):
        return False
    cdef Py_ssize_t item = sizeof(floating)
    cdef const floating *a_first = &a[0, 0, 0] if k else NULL
    cdef const floating *b_first = &b[0, 0, 0] if k else NULL
    cdef Py_ssize_t a_lead = lead(a.strides[1] // item, a.shape[2])
    cdef Py_ssize_t b_lead = lead(b.strides[1] // item, b.shape[2])
    cdef Py_ssize_t c_lead = lead(c.strides[1] // item, n)
    with nogil:
        if floating is float:
            multiply_f32(
                count, m, n, k,
                a_first, a_lead, a.strides[0] // item, transpose_a,
                b_first, b_lead, b.strides[0] // item, transpose_b,
                beta, &c[0, 0, 0], c_lead, c.strides[0] // item, min(m, n, k), &how)
        else:
            multiply_f64(
                count, m, n, k,
                a_first, a_lead, a.strides[0] // item, transpose_a,
                b_first, b_lead, b.strides[0] // item, transpose_b,
                beta, &c[0, 0, 0], c_lead, c.strides[0] // item, min(m, n, k), &how)
    return how.n_products > 0


cdef Py_ssize_t lead(Py_ssize_t stride, Py_ssize_t width) noexcept nogil:
    # NumPy gives an axis of length one any stride; BLAS wants at least the width.
    return max(stride, width, 1)
