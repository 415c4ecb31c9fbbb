"""The walk over the ops of a plan, on the rows of a batch that one thread owns."""

from cython cimport floating
from scipy.linalg.cython_blas cimport dgemm, sgemm

from fastnn.engine.cpu.blas cimport prepare_products
from fastnn.engine.cpu.broadcast cimport (
    op_add_f32,
    op_add_f64,
    op_add_gradient_f32,
    op_add_gradient_f64,
)
from fastnn.plan.structs cimport OP_ADD, OP_ADD_GRADIENT

# Where the table of ops says IN_CYTHON.
op_functions_f32[OP_ADD] = op_add_f32
op_functions_f64[OP_ADD] = op_add_f64
op_functions_f32[OP_ADD_GRADIENT] = op_add_gradient_f32
op_functions_f64[OP_ADD_GRADIENT] = op_add_gradient_f64

# Ops multiply, and a module has C functions and variables of its own.
prepare_products(sgemm, dgemm)


cdef void execute(
    const op_t *ops, Py_ssize_t n_ops, const tensor_t *tensors,
    Walk *walk, floating *parameters,
) noexcept nogil:
    """Runs the ops of the walk's phase, in order; none that shares meet at.

    Everything a thread writes is its own: its rows of the activations, its gradients.
    """
    cdef op_function *functions
    cdef Py_ssize_t i
    cdef Call call
    if floating is float:
        functions = op_functions_f32
    else:
        functions = op_functions_f64
    for i in range(n_ops):
        if ops[i].phase & walk.phase:
            call = call_of(ops + i, tensors, walk, parameters, sizeof(floating))
            functions[ops[i].kind](&call)


def runs(int kind):
    """How an op is run: "share", "meeting" or "python" in turn, where there is a way.

    Parameters
    ----------
    kind : int

    Returns
    -------
    ways : set of str
        One, unless the table of ops and the functions disagree.
    """
    ways = set()
    if op_functions_f32[kind] != NULL and op_functions_f64[kind] != NULL:
        ways.add("share")
    if meeting_functions_f32[kind] != NULL and meeting_functions_f64[kind] != NULL:
        ways.add("meeting")
    if op_is_in_python[kind]:
        ways.add("python")
    return ways


cdef floating *locate(
    const tensor_t *tensors, int32_t number, const Walk *walk, floating *parameters,
) noexcept nogil:
    """Where this walk's rows of a tensor lie; NULL for a tensor that is absent."""
    return <floating *> locate_number(
        tensors, number, walk, parameters, sizeof(floating))
