cdef extern from "ops/product/bf16.h":
    ctypedef void (*product_kernel_bf16)(
        Py_ssize_t, Py_ssize_t, Py_ssize_t, const float *, Py_ssize_t, Py_ssize_t,
        const float *, Py_ssize_t, Py_ssize_t, float, float *, Py_ssize_t, void *,
    ) noexcept nogil

# How a thread takes the products of float32. All zeros mean: in float32.
cdef struct Precision:
    product_kernel_bf16 kernel
    Py_ssize_t least            # the smallest dimension from which on the kernel pays
    void *workspace
    Py_ssize_t n_products       # how many the kernel has taken

cdef Precision new_precision(str name, list owners)
