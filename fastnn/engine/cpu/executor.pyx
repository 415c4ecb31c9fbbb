"""The walk over the ops of a plan, on the rows of a batch that one thread owns."""

from cython cimport floating
from libc.stdint cimport int32_t

from fastnn.engine.cpu.batch_norm cimport (
    batch_moments,
    batch_norm,
    batch_norm_gradient,
    batch_norm_sums,
    running_table,
)
from fastnn.engine.cpu.blas cimport product
from fastnn.engine.cpu.broadcast cimport add, add_gradient
from fastnn.engine.cpu.dropout cimport dropout
from fastnn.engine.cpu.loss cimport loss, softmax, softmax_gradient
from fastnn.engine.cpu.noise cimport gaussian_noise
from fastnn.plan.structs cimport (
    MAX_INPUTS,
    MAX_OUTPUTS,
    OP_ADD,
    OP_ADD_GRADIENT,
    OP_BATCH_MOMENTS,
    OP_BATCH_NORM,
    OP_BATCH_NORM_GRADIENT,
    OP_BATCH_NORM_SUMS,
    OP_DROPOUT,
    OP_GAUSSIAN_NOISE,
    OP_LOSS,
    OP_PRELU,
    OP_PRELU_GRADIENT,
    OP_PRODUCT,
    OP_ROW_NORM,
    OP_ROW_NORM_GRADIENT,
    OP_RUNNING_STATISTICS,
    OP_SOFTMAX,
    OP_SOFTMAX_GRADIENT,
    PHASE_TRAIN,
    SPACE_ACTIVATION,
    SPACE_GRADIENT,
    SPACE_INPUT,
    SPACE_PARAMETER,
    SPACE_STATISTIC,
    op_t,
    tensor_t,
)
from fastnn.engine.cpu.prelu cimport prelu, prelu_gradient
from fastnn.engine.cpu.row_norm cimport row_norm, row_norm_gradient
from fastnn.engine.cpu.sparse cimport (
    sparse_product,
    sparse_rows_t,
    sparse_transposed_product,
)


cdef void execute(
    const op_t *ops, Py_ssize_t n_ops, const tensor_t *tensors,
    Walk *walk, floating *parameters,
) noexcept nogil:
    """Runs the ops of the walk's phase, in order; none that shares meet at.

    Everything a thread writes is its own: its rows of the activations, its gradients.
    """
    cdef Py_ssize_t i, j
    cdef Py_ssize_t dim[4]
    cdef const op_t *op
    cdef floating *input[MAX_INPUTS]
    cdef floating *output[MAX_OUTPUTS]
    cdef bint accumulate
    for i in range(n_ops):
        op = ops + i
        if not op.phase & walk.phase:
            continue
        for j in range(4):
            dim[j] = op.dim[j] * walk.count if op.scaled >> j & 1 else op.dim[j]
        for j in range(MAX_INPUTS):
            input[j] = locate(tensors, op.input[j], walk, parameters)
        for j in range(MAX_OUTPUTS):
            output[j] = locate(tensors, op.output[j], walk, parameters)

        if op.kind == OP_PRODUCT:
            accumulate = adds(op, tensors, op.output[0], walk)
            if walk.input == NULL and tensors[op.input[0]].space == SPACE_INPUT:
                run_sparse_product(op, dim, &walk.sparse_input, input[1], accumulate,
                                   output[0])
            else:
                product(dim[0], dim[1], dim[2], dim[3],
                        input[0], op.lead[0], op.stride[0], op.transpose & 1,
                        input[1], op.lead[1], op.stride[1], op.transpose & 2,
                        <floating> accumulate, output[0], op.lead[2], op.stride[2],
                        smallest_dimension(op, walk.batch_rows), &walk.precision)
        elif op.kind == OP_ADD:
            add(op.code, op.scalar[0], dim, op.stride, input[0], input[1], output[0])
        elif op.kind == OP_ADD_GRADIENT:
            add_gradient(
                op.code, op.scalar[0], dim, op.stride, input[0], input[1],
                output[0], output[1],
                size_of(tensors, op.output[1], walk),
                adds(op, tensors, op.output[1], walk))
        elif op.kind == OP_SOFTMAX:
            softmax(dim[2], dim[3], op.lead[0],
                    input[0] + op.stride[0], output[0] + op.stride[0])
        elif op.kind == OP_SOFTMAX_GRADIENT:
            softmax_gradient(dim[2], dim[3], input[0], input[1], output[0])
        elif op.kind == OP_LOSS:
            keep(walk, op, loss(
                op.code, dim[2], dim[3], input[0] + op.stride[0], op.lead[0],
                input[1] + op.stride[1], op.lead[1],
                <const floating *> walk.weight, op.dim[2], op.scalar[0], &op.scalar[2],
                output[0] + op.stride[0] if output[0] != NULL else NULL))
        elif op.kind == OP_DROPOUT:
            dropout(dim[2], dim[3], op.scalar, walk.mask_seed, walk.mask_step,
                    op.code, op.dim[2] * walk.batch_row, input[0], output[0])
        elif op.kind == OP_GAUSSIAN_NOISE:
            gaussian_noise(
                dim[2], dim[3], op.scalar[0], walk.mask_seed, walk.mask_step, op.code,
                op.dim[2] * walk.batch_row, input[0], output[0])
        elif op.kind == OP_PRELU:
            prelu(dim, op.stride, input[0], input[1], output[0])
        elif op.kind == OP_PRELU_GRADIENT:
            prelu_gradient(
                dim, op.stride, input[0], input[1], input[2], output[0], output[1],
                size_of(tensors, op.output[1], walk),
                adds(op, tensors, op.output[1], walk))
        elif op.kind == OP_ROW_NORM:
            row_norm(
                op.code, dim[2], dim[3], op.scalar[0], input[0], input[1], input[2],
                output[0], output[1])
        elif op.kind == OP_ROW_NORM_GRADIENT:
            row_norm_gradient(
                op.code, dim[2], dim[3], input[0], input[1], input[2], input[3],
                output[0], output[1], adds(op, tensors, op.output[1], walk),
                output[2], adds(op, tensors, op.output[2], walk))
        elif op.kind == OP_BATCH_MOMENTS:
            batch_moments(dim[2], dim[3], input[0], output[0])
        elif op.kind == OP_RUNNING_STATISTICS:
            running_table(dim[3], input[0], input[1], op.scalar[0], input[2], input[3],
                          output[0])
        elif op.kind == OP_BATCH_NORM:
            batch_norm(dim[2], dim[3], input[0], input[1], output[0])
        elif op.kind == OP_BATCH_NORM_SUMS:
            batch_norm_sums(dim[2], dim[3], input[0], input[1], input[2], output[0],
                            output[1])
        elif op.kind == OP_BATCH_NORM_GRADIENT:
            batch_norm_gradient(dim[2], dim[3], input[0], input[1], input[2], input[3],
                                output[0])


cdef inline Py_ssize_t smallest_dimension(
    const op_t *op, Py_ssize_t batch_rows) noexcept nogil:
    """That of a product of the whole mini-batch, however many shares it has."""
    cdef Py_ssize_t j
    cdef Py_ssize_t dim[4]
    for j in range(1, 4):
        dim[j] = op.dim[j] * batch_rows if op.scaled >> j & 1 else op.dim[j]
    return min(dim[1], dim[2], dim[3])


cdef inline void keep(Walk *walk, const op_t *op, double value) noexcept nogil:
    walk.loss += value
    walk.reported += op.scalar[1] * value


cdef floating *locate(
    const tensor_t *tensors, int32_t number, const Walk *walk, floating *parameters,
) noexcept nogil:
    """Where this walk's rows of a tensor lie; NULL for a tensor that is absent."""
    if number < 0:
        return NULL
    cdef const tensor_t *tensor = tensors + number
    cdef Py_ssize_t offset = (
        tensor.train_offset if walk.phase == PHASE_TRAIN else tensor.predict_offset)
    if tensor.space == SPACE_ACTIVATION:
        return <floating *> walk.activations + offset * walk.capacity
    if tensor.space == SPACE_PARAMETER:
        return parameters + offset
    if tensor.space == SPACE_GRADIENT:
        return <floating *> walk.gradients + offset
    if tensor.space == SPACE_STATISTIC:
        return <floating *> walk.statistics + offset
    if tensor.space == SPACE_INPUT:
        return <floating *> walk.input + offset
    return <floating *> walk.target + offset


cdef inline Py_ssize_t size_of(
    const tensor_t *tensors, int32_t number, const Walk *walk) noexcept nogil:
    if number < 0:
        return 0
    return tensors[number].size * (walk.count if tensors[number].scaled else 1)


cdef inline bint adds(
    const op_t *op, const tensor_t *tensors, int32_t output, const Walk *walk,
) noexcept nogil:
    """Whether an output is added to: gradients also from the second chunk on."""
    return op.accumulate or (
        walk.accumulate and output >= 0 and tensors[output].space == SPACE_GRADIENT)


cdef void run_sparse_product(
    const op_t *op, const Py_ssize_t *dim, const sparse_rows_t *rows,
    const floating *b, bint accumulate, floating *c,
) noexcept nogil:
    if op.transpose & 1:
        sparse_transposed_product(
            dim[1], dim[2], dim[3], rows, b, accumulate, c)
    else:
        sparse_product(dim[1], dim[2], rows, b, accumulate, c)
