"""Losses from raw outputs, with their gradients, and the softmax."""

from cython cimport floating

cdef extern from "tables/elementwise.h":
    enum:
        N_LOSS_OPTIONS

cdef extern from "ops/loss/loss.h":
    ctypedef double (*loss_loop_f32)(
        Py_ssize_t, Py_ssize_t, const float *, Py_ssize_t, const float *, Py_ssize_t,
        const float *, Py_ssize_t, float, const float *, float *) noexcept nogil
    ctypedef double (*loss_loop_f64)(
        Py_ssize_t, Py_ssize_t, const double *, Py_ssize_t, const double *, Py_ssize_t,
        const double *, Py_ssize_t, double, const double *, double *) noexcept nogil
    const loss_loop_f32 *loss_loops_f32
    const loss_loop_f64 *loss_loops_f64
    void softmax_loop_f32(
        Py_ssize_t, Py_ssize_t, Py_ssize_t, const float *, float *) noexcept nogil
    void softmax_loop_f64(
        Py_ssize_t, Py_ssize_t, Py_ssize_t, const double *, double *) noexcept nogil
    void softmax_gradient_loop_f32(
        Py_ssize_t, Py_ssize_t, const float *, const float *, float *) noexcept nogil
    void softmax_gradient_loop_f64(
        Py_ssize_t, Py_ssize_t, const double *, const double *, double *) noexcept nogil


cdef double loss(
    int code, Py_ssize_t m, Py_ssize_t n, const floating *z, Py_ssize_t z_lead,
    const floating *target, Py_ssize_t target_lead, const floating *weight,
    Py_ssize_t rows_per_weight, double scale, const double *option, floating *dz,
) noexcept nogil:
    """The weighted sum of a loss, times scale; dz becomes its gradient.

    m rows of n outputs, a part of rows that are z_lead numbers long. Class numbers in
    the target have been checked. A sample may have several rows, which share its
    weight; weight may be NULL. dz is laid out as z, may be z, and is NULL when no
    gradient is asked for.
    """
    cdef floating own[N_LOSS_OPTIONS]
    cdef int i
    for i in range(N_LOSS_OPTIONS):
        own[i] = <floating> option[i]
    if floating is float:
        return loss_loops_f32[code](
            m, n, z, z_lead, target, target_lead, weight, rows_per_weight,
            <float> scale, own, dz)
    else:
        return loss_loops_f64[code](
            m, n, z, z_lead, target, target_lead, weight, rows_per_weight,
            scale, own, dz)


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
