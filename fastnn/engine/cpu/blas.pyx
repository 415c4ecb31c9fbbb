"""Matrix products, row-major: our kernels where they pay, else SciPy's BLAS.

Products of float32 may be taken in less precision, on processors that gain by it.

The only file that knows Fortran order, and the one door to every product.
"""

from cython cimport floating
from scipy.linalg.cython_blas cimport dgemm, sgemm

from fastnn.engine.cpu.executor cimport Precision
from fastnn.engine.cpu.precision cimport new_precision

cdef extern from "ops/product/product.h":
    ctypedef void (*product_kernel_f32)(
        Py_ssize_t, Py_ssize_t, Py_ssize_t, const float *, Py_ssize_t, Py_ssize_t,
        const float *, Py_ssize_t, Py_ssize_t, float, float *, Py_ssize_t,
    ) noexcept nogil
    ctypedef void (*product_kernel_f64)(
        Py_ssize_t, Py_ssize_t, Py_ssize_t, const double *, Py_ssize_t, Py_ssize_t,
        const double *, Py_ssize_t, Py_ssize_t, double, double *, Py_ssize_t,
    ) noexcept nogil
    product_kernel_f32 find_product_kernel_f32()
    product_kernel_f64 find_product_kernel_f64()

# NULL on processors for which we have no kernels.
cdef product_kernel_f32 kernel_f32 = find_product_kernel_f32()
cdef product_kernel_f64 kernel_f64 = find_product_kernel_f64()

# Our kernels keep up with BLAS as long as the matrices stay in the caches; below some
# ten thousand multiplications they are several times faster than a call of BLAS.
cdef double MULTIPLICATIONS_OF_OURS = 2.0**31


cdef void product(
    Py_ssize_t count, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const floating *a, Py_ssize_t a_lead, Py_ssize_t a_stride, bint a_transposed,
    const floating *b, Py_ssize_t b_lead, Py_ssize_t b_stride, bint b_transposed,
    floating beta, floating *c, Py_ssize_t c_lead, Py_ssize_t c_stride,
    Py_ssize_t smallest, Precision *precision,
) noexcept nogil:
    """c = beta c + op(a) op(b), count times, with c of m rows and n columns.

    ``lead`` is the distance between the rows of a matrix as it is stored, ``stride``
    the distance between one matrix and the next. With beta 0, c is never read. The
    caller has made sure that m, n, k and the leads fit into BLAS' 32-bit integers.
    Products of float32 are taken in the ``precision`` if they are large enough: if so
    is ``smallest``, the smallest dimension of what this may be a part of.
    """
    cdef bint ours = <double> m * n * k <= MULTIPLICATIONS_OF_OURS
    cdef Py_ssize_t i
    if floating is float:
        if precision.kernel != NULL and smallest >= precision.least:
            for i in range(count):
                call_bf16_kernel(
                    m, n, k, a + i * a_stride, a_lead, a_transposed,
                    b + i * b_stride, b_lead, b_transposed,
                    beta, c + i * c_stride, c_lead, precision)
            return
        ours = ours and kernel_f32 != NULL
    else:
        ours = ours and kernel_f64 != NULL
    for i in range(count):
        if ours:
            our_product(m, n, k, a + i * a_stride, a_lead, a_transposed,
                        b + i * b_stride, b_lead, b_transposed,
                        beta, c + i * c_stride, c_lead)
        else:
            blas_product(m, n, k, a + i * a_stride, a_lead, a_transposed,
                         b + i * b_stride, b_lead, b_transposed,
                         beta, c + i * c_stride, c_lead)


cdef void our_product(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const floating *a, Py_ssize_t a_lead, bint a_transposed,
    const floating *b, Py_ssize_t b_lead, bint b_transposed,
    floating beta, floating *c, Py_ssize_t c_lead,
) noexcept nogil:
    # Strides from one row to the next and from one column to the next.
    cdef Py_ssize_t a_row = 1 if a_transposed else a_lead
    cdef Py_ssize_t a_column = a_lead if a_transposed else 1
    cdef Py_ssize_t b_row = 1 if b_transposed else b_lead
    cdef Py_ssize_t b_column = b_lead if b_transposed else 1
    if n == 1 and c_lead == 1 and a_column != 1:
        # One column: as one row of the transposed product it fills the vectors.
        call_kernel(1, m, k, b, 0, b_row, a, a_column, a_row, beta, c, m)
    else:
        call_kernel(m, n, k, a, a_row, a_column, b, b_row, b_column, beta, c, c_lead)


cdef inline void call_kernel(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const floating *a, Py_ssize_t a_row, Py_ssize_t a_column,
    const floating *b, Py_ssize_t b_row, Py_ssize_t b_column,
    floating beta, floating *c, Py_ssize_t c_row,
) noexcept nogil:
    if floating is float:
        kernel_f32(m, n, k, a, a_row, a_column, b, b_row, b_column, beta, c, c_row)
    else:
        kernel_f64(m, n, k, a, a_row, a_column, b, b_row, b_column, beta, c, c_row)


cdef inline void call_bf16_kernel(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const float *a, Py_ssize_t a_lead, bint a_transposed,
    const float *b, Py_ssize_t b_lead, bint b_transposed,
    float beta, float *c, Py_ssize_t c_lead, Precision *precision,
) noexcept nogil:
    precision.kernel(
        m, n, k, a, 1 if a_transposed else a_lead, a_lead if a_transposed else 1,
        b, 1 if b_transposed else b_lead, b_lead if b_transposed else 1,
        beta, c, c_lead, precision.workspace)
    precision.n_products += 1


cdef void blas_product(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const floating *a, Py_ssize_t a_lead, bint a_transposed,
    const floating *b, Py_ssize_t b_lead, bint b_transposed,
    floating beta, floating *c, Py_ssize_t c_lead,
) noexcept nogil:
    # A row-major matrix is the transpose of a column-major one, so Fortran is asked for
    # the transpose of c: op(b)^T op(a)^T.
    cdef char op_a = b"T" if a_transposed else b"N"
    cdef char op_b = b"T" if b_transposed else b"N"
    cdef int rows = <int> m, columns = <int> n, inner = <int> k
    cdef int lead_a = <int> a_lead, lead_b = <int> b_lead, lead_c = <int> c_lead
    cdef floating alpha = 1
    if floating is float:
        sgemm(&op_b, &op_a, &columns, &rows, &inner, &alpha, <float *> b, &lead_b,
              <float *> a, &lead_a, &beta, c, &lead_c)
    else:
        dgemm(&op_b, &op_a, &columns, &rows, &inner, &alpha, <double *> b, &lead_b,
              <double *> a, &lead_a, &beta, c, &lead_c)


def goes_to_blas(double multiplications):
    """Whether a product of so many multiplications is BLAS', or may be."""
    return (multiplications > MULTIPLICATIONS_OF_OURS
            or kernel_f32 == NULL or kernel_f64 == NULL)


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
    with nogil:
        product(
            count, m, n, k,
            a_first, a_lead, a.strides[0] // item, transpose_a,
            b_first, b_lead, b.strides[0] // item, transpose_b,
            beta, &c[0, 0, 0], lead(c.strides[1] // item, n), c.strides[0] // item,
            min(m, n, k), &how,
        )
    return how.n_products > 0


cdef Py_ssize_t lead(Py_ssize_t stride, Py_ssize_t width) noexcept nogil:
    # NumPy gives an axis of length one any stride; BLAS wants at least the width.
    return max(stride, width, 1)
