"""y = x where it is positive, slope * x elsewhere, and its adjoint.

The slope is broadcast along any axes of x, as the second operand of an addition is: see
``broadcast.pyx``.
"""

from cython cimport floating
from libc.string cimport memset

from fastnn.plan.structs cimport int64_t

cdef extern from "ops/prelu/prelu.h":
    void prelu_loop_f32(
        Py_ssize_t, Py_ssize_t, const float *, const float *, Py_ssize_t, Py_ssize_t,
        float *) noexcept nogil
    void prelu_loop_f64(
        Py_ssize_t, Py_ssize_t, const double *, const double *, Py_ssize_t, Py_ssize_t,
        double *) noexcept nogil
    void prelu_input_gradient_f32(
        Py_ssize_t, Py_ssize_t, const float *, const float *, const float *, Py_ssize_t,
        Py_ssize_t, float *) noexcept nogil
    void prelu_input_gradient_f64(
        Py_ssize_t, Py_ssize_t, const double *, const double *, const double *,
        Py_ssize_t, Py_ssize_t, double *) noexcept nogil
    void prelu_slope_gradient_f32(
        Py_ssize_t, Py_ssize_t, const float *, const float *, Py_ssize_t, Py_ssize_t,
        float *) noexcept nogil
    void prelu_slope_gradient_f64(
        Py_ssize_t, Py_ssize_t, const double *, const double *, Py_ssize_t, Py_ssize_t,
        double *) noexcept nogil

# So many numbers are worked on together: they stay in the first-level cache between the
# two gradients, and no sum of float32 grows longer.
cdef enum:
    NUMBERS_TOGETHER = 4096


cdef void prelu(
    const Py_ssize_t *dim, const int64_t *stride, const floating *x,
    const floating *slope, floating *y,
) noexcept nogil:
    """y = x < 0 ? slope * x : x; y may be x.

    He et al., "Delving deep into rectifiers", ICCV 2015.
    """
    cdef Py_ssize_t i, j, block = dim[2] * dim[3]
    cdef const floating *s
    for i in range(dim[0]):
        for j in range(dim[1]):
            s = slope + i * stride[0] + j * stride[1]
            if floating is float:
                prelu_loop_f32(dim[2], dim[3], x, s, stride[2], stride[3], y)
            else:
                prelu_loop_f64(dim[2], dim[3], x, s, stride[2], stride[3], y)
            x += block
            y += block


cdef void prelu_gradient(
    const Py_ssize_t *dim, const int64_t *stride, const floating *dy,
    const floating *x, const floating *slope, floating *dx,
    floating *dslope, Py_ssize_t dslope_size, bint accumulate,
) noexcept nogil:
    """dx = dy * (x > 0 ? 1 : slope); dslope = [dslope +] the sum of dy * min(x, 0).

    dx may be dy. Either gradient may be NULL.
    """
    cdef Py_ssize_t i, j, place, block = dim[2] * dim[3]
    if dslope != NULL and not accumulate:
        memset(dslope, 0, dslope_size * sizeof(floating))
    for i in range(dim[0]):
        for j in range(dim[1]):
            place = i * stride[0] + j * stride[1]
            block_gradient(
                dim[2], dim[3], dy, x, slope + place, stride[2], stride[3], dx,
                dslope + place if dslope != NULL else NULL)
            dy += block
            x += block
            if dx != NULL:
                dx += block


cdef void block_gradient(
    Py_ssize_t m, Py_ssize_t n, const floating *dy, const floating *x,
    const floating *slope, Py_ssize_t slope_row, Py_ssize_t slope_column, floating *dx,
    floating *dslope,
) noexcept nogil:
    # Some whole rows at once or, where they are long, parts of one.
    cdef Py_ssize_t rows = max(1, NUMBERS_TOGETHER // n)
    cdef Py_ssize_t columns = min(n, <Py_ssize_t> NUMBERS_TOGETHER)
    cdef Py_ssize_t row = 0, column = 0, height, width, at, place
    while row < m:
        height, width = min(rows, m - row), min(columns, n - column)
        at = row * n + column
        place = row * slope_row + column * slope_column
        if dslope != NULL:
            if floating is float:
                prelu_slope_gradient_f32(
                    height, width, dy + at, x + at, slope_row, slope_column,
                    dslope + place)
            else:
                prelu_slope_gradient_f64(
                    height, width, dy + at, x + at, slope_row, slope_column,
                    dslope + place)
        if dx != NULL:
            if floating is float:
                prelu_input_gradient_f32(
                    height, width, dy + at, x + at, slope + place, slope_row,
                    slope_column, dx + at)
            else:
                prelu_input_gradient_f64(
                    height, width, dy + at, x + at, slope + place, slope_row,
                    slope_column, dx + at)
        column += width
        if column == n:
            column = 0
            row += height
