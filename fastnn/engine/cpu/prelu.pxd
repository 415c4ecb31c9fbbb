from cython cimport floating

from fastnn.plan.structs cimport int64_t

cdef void prelu(
    const Py_ssize_t *dim, const int64_t *stride, const floating *x,
    const floating *slope, floating *y,
) noexcept nogil

cdef void prelu_gradient(
    const Py_ssize_t *dim, const int64_t *stride, const floating *dy,
    const floating *x, const floating *slope, floating *dx,
    floating *dslope, Py_ssize_t dslope_size, bint accumulate,
) noexcept nogil
