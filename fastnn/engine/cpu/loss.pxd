from cython cimport floating

cdef double loss(
    int code, Py_ssize_t m, Py_ssize_t n, const floating *z, Py_ssize_t z_lead,
    const floating *target, Py_ssize_t target_lead, const floating *weight,
    Py_ssize_t rows_per_weight, double scale, const double *option, floating *dz,
) noexcept nogil

cdef void softmax(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t lead, const floating *z, floating *y,
) noexcept nogil

cdef void softmax_gradient(
    Py_ssize_t m, Py_ssize_t n, const floating *dy, const floating *y, floating *dz,
) noexcept nogil
