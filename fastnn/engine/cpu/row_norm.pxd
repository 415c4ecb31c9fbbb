from cython cimport floating

cdef void row_norm(
    int code, Py_ssize_t m, Py_ssize_t n, double epsilon, const floating *x,
    const floating *scale, const floating *offset, floating *y, floating *saved,
) noexcept nogil

cdef void row_norm_gradient(
    int code, Py_ssize_t m, Py_ssize_t n, const floating *dy, const floating *x,
    const floating *scale, const floating *saved, floating *dx,
    floating *dscale, bint scale_accumulates, floating *doffset,
    bint offset_accumulates,
) noexcept nogil
