from cython cimport floating
from libc.stdint cimport int32_t, uint64_t

from fastnn.plan.structs cimport op_t, tensor_t
from fastnn.engine.cpu.precision cimport Precision
from fastnn.engine.cpu.sparse cimport sparse_rows_t

# What one walk over a plan works on: some rows of a batch, which one thread owns.
cdef struct Walk:
    int phase
    Py_ssize_t count        # how many rows
    Py_ssize_t capacity     # rows for which the activations have room
    Py_ssize_t batch_row    # the first row's number within the mini-batch
    Py_ssize_t batch_rows   # how many rows that has, in all shares of it
    uint64_t mask_seed      # what random masks depend on, besides the row
    uint64_t mask_step
    const void *input       # these rows of X, side by side; NULL when they are sparse
    sparse_rows_t sparse_input
    const void *target      # these rows of y
    const void *weight      # their sample weights, or NULL
    void *activations       # the thread's own: tensors share memory, threads do not
    void *statistics        # its own as well
    void *gradients         # its own; NULL outside of training
    Precision precision     # of the products
    bint accumulate         # add to the gradients instead of overwriting them
    double loss             # adds up the loss that is minimised
    double reported         # adds up the loss that is reported

cdef void execute(
    const op_t *ops, Py_ssize_t n_ops, const tensor_t *tensors,
    Walk *walk, floating *parameters,
) noexcept nogil

cdef floating *locate(
    const tensor_t *tensors, int32_t number, const Walk *walk, floating *parameters,
) noexcept nogil
