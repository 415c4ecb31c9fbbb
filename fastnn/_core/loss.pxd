from cython cimport floating

cdef double loss(
    int code, Py_ssize_t m, Py_ssize_t n, const floating *z, const floating *target,
    const floating *weight, double scale, double option, floating *dz,
) noexcept nogil

cdef double cross_entropy(
    Py_ssize_t m, Py_ssize_t n, const floating *z, Py_ssize_t z_lead,
    const floating *label, Py_ssize_t label_lead,
    const floating *weight, Py_ssize_t rows_per_weight, double scale, floating *dz,
) noexcept nogil

cdef void softmax(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t lead, const floating *z, floating *y,
) noexcept nogil

cdef void softmax_gradient(
    Py_ssize_t m, Py_ssize_t n, const floating *dy, const floating *y, floating *dz,
) noexcept nogil
