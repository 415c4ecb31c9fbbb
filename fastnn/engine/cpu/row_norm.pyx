"""Layer and RMS normalisation: each row by its own statistics, and the adjoint."""

from cython cimport floating
from libc.string cimport memset

cdef extern from "ops/row_norm/row_norm.h":
    ctypedef void (*row_norm_loop_f32)(
        Py_ssize_t, Py_ssize_t, const float *, const float *, const float *, double,
        float *, float *) noexcept nogil
    ctypedef void (*row_norm_loop_f64)(
        Py_ssize_t, Py_ssize_t, const double *, const double *, const double *, double,
        double *, double *) noexcept nogil
    ctypedef void (*row_norm_gradient_loop_f32)(
        Py_ssize_t, Py_ssize_t, const float *, const float *, const float *,
        const float *, float *, float *, float *) noexcept nogil
    ctypedef void (*row_norm_gradient_loop_f64)(
        Py_ssize_t, Py_ssize_t, const double *, const double *, const double *,
        const double *, double *, double *, double *) noexcept nogil
    const row_norm_loop_f32 *row_norm_loops_f32
    const row_norm_loop_f64 *row_norm_loops_f64
    const row_norm_gradient_loop_f32 *row_norm_gradient_loops_f32
    const row_norm_gradient_loop_f64 *row_norm_gradient_loops_f64


cdef void row_norm(
    int code, Py_ssize_t m, Py_ssize_t n, double epsilon, const floating *x,
    const floating *scale, const floating *offset, floating *y, floating *saved,
) noexcept nogil:
    """y = scale (x - mean) / sqrt(variance + epsilon) + offset, for each of m rows.

    Ba, Kiros and Hinton, "Layer normalization", 2016. Or, by the code, without the
    mean: Zhang and Sennrich, "Root mean square layer normalization", NeurIPS 2019. y
    may be x; scale and offset may be NULL.
    """
    if floating is float:
        row_norm_loops_f32[code](m, n, x, scale, offset, epsilon, y, saved)
    else:
        row_norm_loops_f64[code](m, n, x, scale, offset, epsilon, y, saved)


cdef void row_norm_gradient(
    int code, Py_ssize_t m, Py_ssize_t n, const floating *dy, const floating *x,
    const floating *scale, const floating *saved, floating *dx,
    floating *dscale, bint scale_accumulates, floating *doffset,
    bint offset_accumulates,
) noexcept nogil:
    """The adjoint: the gradient of x, and [to be added to] those of scale and offset.

    dx may be dy. Each of the three may be NULL.
    """
    if dscale != NULL and not scale_accumulates:
        memset(dscale, 0, n * sizeof(floating))
    if doffset != NULL and not offset_accumulates:
        memset(doffset, 0, n * sizeof(floating))
    if floating is float:
        row_norm_gradient_loops_f32[code](
            m, n, dy, x, scale, saved, dx, dscale, doffset)
    else:
        row_norm_gradient_loops_f64[code](
            m, n, dy, x, scale, saved, dx, dscale, doffset)
