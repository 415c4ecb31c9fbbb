"""Losses from raw outputs, with their gradients, and the softmax.

Each works on m rows of n outputs; weight holds one weight a row or is NULL.
"""

from cython cimport floating

cdef extern from "loss.h":
    ctypedef double (*loss_loop_f32)(
        Py_ssize_t, Py_ssize_t, const float *, const float *, const float *, float,
        float, float *) noexcept nogil
    ctypedef double (*loss_loop_f64)(
        Py_ssize_t, Py_ssize_t, const double *, const double *, const double *, double,
        double, double *) noexcept nogil
    const loss_loop_f32 *loss_loops_f32
    const loss_loop_f64 *loss_loops_f64
    double cross_entropy_loop_f32(
        Py_ssize_t, Py_ssize_t, const float *, Py_ssize_t, const float *, Py_ssize_t,
        const float *, Py_ssize_t, float, float *) noexcept nogil
    double cross_entropy_loop_f64(
        Py_ssize_t, Py_ssize_t, const double *, Py_ssize_t, const double *, Py_ssize_t,
        const double *, Py_ssize_t, double, double *) noexcept nogil
    void softmax_loop_f32(
        Py_ssize_t, Py_ssize_t, Py_ssize_t, const float *, float *) noexcept nogil
    void softmax_loop_f64(
        Py_ssize_t, Py_ssize_t, Py_ssize_t, const double *, double *) noexcept nogil
    void softmax_gradient_loop_f32(
        Py_ssize_t, Py_ssize_t, const float *, const float *, float *) noexcept nogil
    void softmax_gradient_loop_f64(
        Py_ssize_t, Py_ssize_t, const double *, const double *, double *) noexcept nogil


cdef double loss(
    int code, Py_ssize_t m, Py_ssize_t n, const floating *z, const floating *target,
    const floating *weight, double scale, double option, floating *dz,
) noexcept nogil:
    """The weighted sum of a loss of the table, times scale; dz becomes its gradient.

    dz may be z, and NULL when no gradient is asked for.
    """
    if floating is float:
        return loss_loops_f32[code](
            m, n, z, target, weight, <float> scale, <float> option, dz)
    else:
        return loss_loops_f64[code](m, n, z, target, weight, scale, option, dz)


cdef double cross_entropy(
    Py_ssize_t m, Py_ssize_t n, const floating *z, Py_ssize_t z_lead,
    const floating *label, Py_ssize_t label_lead,
    const floating *weight, Py_ssize_t rows_per_weight, double scale, floating *dz,
) noexcept nogil:
    """As loss, for softmax(z) and class numbers, which the caller has checked.

    The n columns are a part of rows that are z_lead numbers long; dz is laid out as z.
    A sample may have several rows, which share its weight.
    """
    if floating is float:
        return cross_entropy_loop_f32(
            m, n, z, z_lead, label, label_lead, weight, rows_per_weight, <float> scale,
            dz)
    else:
        return cross_entropy_loop_f64(
            m, n, z, z_lead, label, label_lead, weight, rows_per_weight, scale, dz)


cdef void softmax(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t lead, const floating *z, floating *y,
) noexcept nogil:
    """y = exp(z) over its sum, row by row of lead numbers; y may be z."""
    if floating is float:
        softmax_loop_f32(m, n, lead, z, y)
    else:
        softmax_loop_f64(m, n, lead, z, y)


cdef void softmax_gradient(
    Py_ssize_t m, Py_ssize_t n, const floating *dy, const floating *y, floating *dz,
) noexcept nogil:
    """The adjoint of softmax, from its output y; dz may be dy."""
    if floating is float:
        softmax_gradient_loop_f32(m, n, dy, y, dz)
    else:
        softmax_gradient_loop_f64(m, n, dy, y, dz)
