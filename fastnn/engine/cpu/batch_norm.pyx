"""Batch normalisation of m rows of n columns, and its adjoint.

What belongs to a column stands in tables of a few rows of n numbers, whose meaning is
in csrc/ops/batch_norm/batch_norm.h.
"""

from cython cimport floating

cdef extern from "ops/batch_norm/batch_norm.h":
    enum:
        MOMENT_MEAN
        MOMENT_SQUARE
    void batch_moments_loop_f32(
        Py_ssize_t, Py_ssize_t, const float *, float *) noexcept nogil
    void batch_moments_loop_f64(
        Py_ssize_t, Py_ssize_t, const double *, double *) noexcept nogil
    void join_moments_loop_f32(
        Py_ssize_t, Py_ssize_t, float *, Py_ssize_t, const float *) noexcept nogil
    void join_moments_loop_f64(
        Py_ssize_t, Py_ssize_t, double *, Py_ssize_t, const double *) noexcept nogil
    void table_loop_f32(
        Py_ssize_t, const float *, const float *, float, float, const float *,
        const float *, float *) noexcept nogil
    void table_loop_f64(
        Py_ssize_t, const double *, const double *, double, double, const double *,
        const double *, double *) noexcept nogil
    void running_loop_f32(
        Py_ssize_t, float, float, const float *, float *) noexcept nogil
    void running_loop_f64(
        Py_ssize_t, double, double, const double *, double *) noexcept nogil
    void batch_norm_loop_f32(
        Py_ssize_t, Py_ssize_t, const float *, const float *, float *) noexcept nogil
    void batch_norm_loop_f64(
        Py_ssize_t, Py_ssize_t, const double *, const double *,
        double *) noexcept nogil
    void batch_norm_sums_loop_f32(
        Py_ssize_t, Py_ssize_t, const float *, const float *, const float *, float *,
        float *) noexcept nogil
    void batch_norm_sums_loop_f64(
        Py_ssize_t, Py_ssize_t, const double *, const double *, const double *,
        double *, double *) noexcept nogil
    void correction_loop_f32(
        Py_ssize_t, float, const float *, float *) noexcept nogil
    void correction_loop_f64(
        Py_ssize_t, double, const double *, double *) noexcept nogil
    void batch_norm_gradient_loop_f32(
        Py_ssize_t, Py_ssize_t, const float *, const float *, const float *,
        const float *, float *) noexcept nogil
    void batch_norm_gradient_loop_f64(
        Py_ssize_t, Py_ssize_t, const double *, const double *, const double *,
        const double *, double *) noexcept nogil


# --------------------------------------------------------------------------- forward

cdef void batch_moments(
    Py_ssize_t m, Py_ssize_t n, const floating *x, floating *moments,
) noexcept nogil:
    """Mean, and sum of squared deviations, of each column."""
    if floating is float:
        batch_moments_loop_f32(m, n, x, moments)
    else:
        batch_moments_loop_f64(m, n, x, moments)


cdef void join_moments(
    Py_ssize_t n, Py_ssize_t rows, floating *moments, Py_ssize_t other_rows,
    const floating *others,
) noexcept nogil:
    """The moments of so many rows become those of these and of the other rows."""
    if floating is float:
        join_moments_loop_f32(n, rows, moments, other_rows, others)
    else:
        join_moments_loop_f64(n, rows, moments, other_rows, others)


cdef void batch_table(
    Py_ssize_t n, const floating *moments, Py_ssize_t rows, double epsilon,
    const floating *scale, const floating *offset, floating *table,
) noexcept nogil:
    """What the rows of a batch are normalised by; scale and offset may be NULL."""
    write_table(n, moments + MOMENT_MEAN * n, moments + MOMENT_SQUARE * n, rows,
                epsilon, scale, offset, table)


cdef void running_table(
    Py_ssize_t n, const floating *mean, const floating *variance, double epsilon,
    const floating *scale, const floating *offset, floating *table,
) noexcept nogil:
    """The same of running statistics."""
    write_table(n, mean, variance, 1, epsilon, scale, offset, table)


cdef void write_table(
    Py_ssize_t n, const floating *mean, const floating *square, Py_ssize_t rows,
    double epsilon, const floating *scale, const floating *offset, floating *table,
) noexcept nogil:
    if floating is float:
        table_loop_f32(
            n, mean, square, <float> rows, <float> epsilon, scale, offset, table)
    else:
        table_loop_f64(n, mean, square, <double> rows, epsilon, scale, offset, table)


cdef void move_running(
    Py_ssize_t n, const floating *moments, Py_ssize_t rows, const floating *variance,
    double momentum, bint accumulate, floating *mean_gradient,
    floating *variance_gradient,
) noexcept nogil:
    """Momentum times the mean and the unbiased variance, for the running statistics.

    They are added to what an earlier use of the layer left there, as if that had moved
    the statistics before. One row has no variance: it leaves the running one alone.
    """
    cdef double keep = 1 - momentum if accumulate else 0
    write_running(n, keep, momentum, moments + MOMENT_MEAN * n, mean_gradient)
    if rows > 1:
        write_running(n, keep, momentum / (rows - 1), moments + MOMENT_SQUARE * n,
                      variance_gradient)
    else:
        write_running(n, keep, momentum, variance, variance_gradient)


cdef void write_running(
    Py_ssize_t n, double keep, double part, const floating *x, floating *gradient,
) noexcept nogil:
    if floating is float:
        running_loop_f32(n, <float> keep, <float> part, x, gradient)
    else:
        running_loop_f64(n, keep, part, x, gradient)


cdef void batch_norm(
    Py_ssize_t m, Py_ssize_t n, const floating *x, const floating *table, floating *y,
) noexcept nogil:
    """y = scale * (x - mean) / sqrt(variance + epsilon) + offset; y may be x."""
    if floating is float:
        batch_norm_loop_f32(m, n, x, table, y)
    else:
        batch_norm_loop_f64(m, n, x, table, y)


# -------------------------------------------------------------------------- backward

cdef void batch_norm_sums(
    Py_ssize_t m, Py_ssize_t n, const floating *dy, const floating *x,
    const floating *table, floating *sums, floating *products,
) noexcept nogil:
    """Sums over the rows of dy, and of its products with the normalised x.

    These are the gradients of offset and scale.
    """
    if floating is float:
        batch_norm_sums_loop_f32(m, n, dy, x, table, sums, products)
    else:
        batch_norm_sums_loop_f64(m, n, dy, x, table, sums, products)


cdef void batch_correction(
    Py_ssize_t n, Py_ssize_t rows, const floating *table, floating *correction,
) noexcept nogil:
    """What the adjoint takes off, in place of the sums over all rows of the batch."""
    if floating is float:
        correction_loop_f32(n, <float> rows, table, correction)
    else:
        correction_loop_f64(n, <double> rows, table, correction)


cdef void batch_norm_gradient(
    Py_ssize_t m, Py_ssize_t n, const floating *dy, const floating *x,
    const floating *table, const floating *correction, floating *dx,
) noexcept nogil:
    """The gradient of x; dx may be dy."""
    if floating is float:
        batch_norm_gradient_loop_f32(m, n, dy, x, table, correction, dx)
    else:
        batch_norm_gradient_loop_f64(m, n, dy, x, table, correction, dx)
