"""Products of float32 in less precision, where the processor gains by it."""

from fastnn.engine.cpu.executor cimport product_kernel_bf16
from fastnn.engine.cpu.memory cimport owned_zeros

cdef extern from "ops/product/bf16.h":
    ctypedef struct matrix_unit_t:
        const char *name
        product_kernel_bf16 kernel
        Py_ssize_t least
        size_t workspace_bytes
    matrix_unit_t find_matrix_unit_bf16()
    matrix_unit_t find_matrix_unit_high()

cdef matrix_unit_t NONE
NONE.name = NULL
NONE.kernel = NULL
NONE.least = 0
NONE.workspace_bytes = 0

# For "bf16" and "high"; none while their kernels are NULL.
cdef matrix_unit_t[2] stand_ins

# Names of what can be asked for in place of the full precision of the numbers.
PRECISIONS = ("bf16", "high", "tf32")


def matrix_unit(str precision):
    """Name of the instructions that take such products here, or None.

    On processors with AMX this asks the system to let the process use it.
    """
    cdef matrix_unit_t unit = find_matrix_unit(precision)
    return None if unit.name == NULL else unit.name.decode()


cdef Precision new_precision(str name, list owners):
    """Precision of one thread: float32 for None, and where the processor lacks it.

    What is allocated for it is added to the owners.
    """
    cdef Precision precision
    cdef matrix_unit_t unit
    precision.kernel = NULL
    precision.least = 0
    precision.workspace = NULL
    precision.n_products = 0
    if name is None:
        return precision
    unit = find_matrix_unit(name)
    if unit.kernel != NULL:
        precision.workspace = owned_zeros(unit.workspace_bytes, 1, owners)
        precision.kernel = unit.kernel
        precision.least = unit.least
    return precision


def replace_matrix_unit(str precision, size_t kernel, least=0, workspace_bytes=0):
    """Let a kernel of the tests stand in for those of the processor.

    Parameters
    ----------
    precision : {"bf16", "high"}
    kernel : int
        Address of a ``product_kernel_bf16``; 0 ends the replacement.
    least : int
        Smallest dimension from which on it is used.
    workspace_bytes : int
    """
    cdef matrix_unit_t unit
    unit.name, unit.kernel = b"stand-in", <product_kernel_bf16> kernel
    unit.least, unit.workspace_bytes = least, workspace_bytes
    stand_ins[precision == "high"] = unit


cdef matrix_unit_t find_matrix_unit(str precision):
    if precision in ("bf16", "high") and stand_ins[precision == "high"].kernel != NULL:
        return stand_ins[precision == "high"]
    if precision == "bf16":
        return find_matrix_unit_bf16()
    if precision == "high":
        return find_matrix_unit_high()
    if precision == "tf32":
        return NONE  # only GPUs have it
    raise ValueError(
        f"precision must be None or one of {PRECISIONS}, got {precision!r}")
