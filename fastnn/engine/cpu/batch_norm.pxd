from cython cimport floating

cdef void batch_moments(
    Py_ssize_t m, Py_ssize_t n, const floating *x, floating *moments,
) noexcept nogil

cdef void join_moments(
    Py_ssize_t n, Py_ssize_t rows, floating *moments, Py_ssize_t other_rows,
    const floating *others,
) noexcept nogil

cdef void batch_table(
    Py_ssize_t n, const floating *moments, Py_ssize_t rows, double epsilon,
    const floating *scale, const floating *offset, floating *table,
) noexcept nogil

cdef void running_table(
    Py_ssize_t n, const floating *mean, const floating *variance, double epsilon,
    const floating *scale, const floating *offset, floating *table,
) noexcept nogil

cdef void move_running(
    Py_ssize_t n, const floating *moments, Py_ssize_t rows, const floating *variance,
    double momentum, bint accumulate, floating *mean_gradient,
    floating *variance_gradient,
) noexcept nogil

cdef void batch_norm(
    Py_ssize_t m, Py_ssize_t n, const floating *x, const floating *table, floating *y,
) noexcept nogil

cdef void batch_norm_sums(
    Py_ssize_t m, Py_ssize_t n, const floating *dy, const floating *x,
    const floating *table, floating *sums, floating *products,
) noexcept nogil

cdef void batch_correction(
    Py_ssize_t n, Py_ssize_t rows, const floating *table, floating *correction,
) noexcept nogil

cdef void batch_norm_gradient(
    Py_ssize_t m, Py_ssize_t n, const floating *dy, const floating *x,
    const floating *table, const floating *correction, floating *dx,
) noexcept nogil
