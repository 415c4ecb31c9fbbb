"""The op of products: dense ones, and those of sparse rows of the input, both ways."""

from cython cimport floating
from libc.string cimport memset

from fastnn.engine.cpu.blas cimport product
from fastnn.engine.cpu.executor cimport Call, Walk, adds, lead_of, sparse_rows_t
from fastnn.plan.structs cimport SPACE_INPUT, op_t, tensor_t

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


cdef void op_product_f32(const Call *call) noexcept nogil:
    run(call, <const float *> call.input[0], <const float *> call.input[1],
        <float *> call.output[0])


cdef void op_product_f64(const Call *call) noexcept nogil:
    run(call, <const double *> call.input[0], <const double *> call.input[1],
        <double *> call.output[0])


cdef void run(
    const Call *call, const floating *a, const floating *b, floating *c) noexcept nogil:
    cdef const op_t *op = call.op
    cdef Walk *walk = call.walk
    cdef bint accumulate = adds(call, 0)
    cdef const tensor_t *first = call.tensors + op.input[0]
    if first.space == SPACE_INPUT and walk.inputs[first.index].rows == NULL:
        sparse_product(call, &walk.inputs[first.index].sparse, b, accumulate, c)
        return
    cdef Py_ssize_t m = call.dim[1], n = call.dim[2], k = call.dim[3]
    cdef bint a_transposed = op.transpose & 1, b_transposed = op.transpose & 2
    product(
        call.dim[0], m, n, k,
        a, lead_of(call, op.input[0], m if a_transposed else k), op.stride[0],
        a_transposed,
        b, lead_of(call, op.input[1], k if b_transposed else n), op.stride[1],
        b_transposed,
        <floating> accumulate, c, lead_of(call, op.output[0], n), op.stride[2],
        smallest_dimension(op, walk.batch_rows), &walk.precision)


cdef void sparse_product(
    const Call *call, const sparse_rows_t *a, const floating *b, bint accumulate,
    floating *c,
) noexcept nogil:
    """c = [c +] a @ b, or a^T @ b."""
    cdef Py_ssize_t m = call.dim[1], n = call.dim[2], k = call.dim[3]
    if not call.op.transpose & 1:
        if floating is float:
            sparse_product_f32(m, n, a, b, accumulate, c)
        else:
            sparse_product_f64(m, n, a, b, accumulate, c)
        return
    if not accumulate:
        memset(c, 0, m * n * sizeof(floating))
    if floating is float:
        sparse_transposed_product_f32(k, n, a, b, c)
    else:
        sparse_transposed_product_f64(k, n, a, b, c)


cdef inline Py_ssize_t smallest_dimension(
    const op_t *op, Py_ssize_t batch_rows) noexcept nogil:
    """That of a product of the whole mini-batch, however many shares it has."""
    cdef Py_ssize_t j
    cdef Py_ssize_t dim[4]
    for j in range(1, 4):
        dim[j] = op.dim[j] * batch_rows if op.per_sample >> j & 1 else op.dim[j]
    return min(dim[1], dim[2], dim[3])
