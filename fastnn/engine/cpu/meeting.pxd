from cython cimport floating

from fastnn.engine.cpu.executor cimport Walk
from fastnn.plan.structs cimport op_t, tensor_t

cdef Py_ssize_t next_meeting(
    const op_t *ops, Py_ssize_t first, Py_ssize_t n_ops, int phase) noexcept nogil

cdef bint meet(
    const op_t *op, const tensor_t *tensors, Walk **walks, int n_walks,
    floating *parameters,
) noexcept nogil

cdef custom_loss(
    function, const op_t *op, const tensor_t *tensors, Walk **walks, int n_walks,
    floating *parameters,
)

cdef custom_augment(
    function, const op_t *op, const tensor_t *tensors, Walk **walks, int n_walks,
    floating *parameters,
)
