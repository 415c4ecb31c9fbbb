"""y = activation(a + b) with b broadcast along any axes of a, and its adjoint.

The shape of a is given by four lengths (equal neighbours joined, ones in front), b by
its stride along each of them: 0 where it is broadcast. The inner two axes are one loop
in C, over rows that lie side by side or, of views, apart.
"""

from cython cimport floating

from fastnn.engine.cpu.executor cimport Call, begin_sum, lead_of
from fastnn.plan.structs cimport int64_t

cdef extern from "ops/broadcast/broadcast.h":
    enum:
        IDENTITY
    ctypedef void (*add_loop_f32)(
        Py_ssize_t, Py_ssize_t, const float *, Py_ssize_t, const float *, Py_ssize_t,
        Py_ssize_t, float, float *, Py_ssize_t) noexcept nogil
    ctypedef void (*add_loop_f64)(
        Py_ssize_t, Py_ssize_t, const double *, Py_ssize_t, const double *, Py_ssize_t,
        Py_ssize_t, double, double *, Py_ssize_t) noexcept nogil
    ctypedef void (*slope_loop_f32)(
        Py_ssize_t, Py_ssize_t, const float *, Py_ssize_t, const float *, Py_ssize_t,
        float, float *, Py_ssize_t) noexcept nogil
    ctypedef void (*slope_loop_f64)(
        Py_ssize_t, Py_ssize_t, const double *, Py_ssize_t, const double *, Py_ssize_t,
        double, double *, Py_ssize_t) noexcept nogil
    const add_loop_f32 *add_loops_f32
    const add_loop_f64 *add_loops_f64
    const slope_loop_f32 *slope_loops_f32
    const slope_loop_f64 *slope_loops_f64
    void reduce_f32(Py_ssize_t, Py_ssize_t, const float *, Py_ssize_t, float *,
                    Py_ssize_t, Py_ssize_t) noexcept nogil
    void reduce_f64(Py_ssize_t, Py_ssize_t, const double *, Py_ssize_t, double *,
                    Py_ssize_t, Py_ssize_t) noexcept nogil

# So many numbers are worked on together: they stay in the first-level cache between the
# slope and the sum.
cdef enum:
    NUMBERS_TOGETHER = 4096


cdef void op_add_f32(const Call *call) noexcept nogil:
    add(call, <const float *> call.input[0], <const float *> call.input[1],
        <float *> call.output[0])


cdef void op_add_f64(const Call *call) noexcept nogil:
    add(call, <const double *> call.input[0], <const double *> call.input[1],
        <double *> call.output[0])


cdef void op_add_gradient_f32(const Call *call) noexcept nogil:
    begin_sum(call, 1, sizeof(float))
    add_gradient(
        call, <const float *> call.input[0], <const float *> call.input[1],
        <float *> call.output[0], <float *> call.output[1])


cdef void op_add_gradient_f64(const Call *call) noexcept nogil:
    begin_sum(call, 1, sizeof(double))
    add_gradient(
        call, <const double *> call.input[0], <const double *> call.input[1],
        <double *> call.output[0], <double *> call.output[1])


cdef void add(
    const Call *call, const floating *a, const floating *b, floating *y,
) noexcept nogil:
    """y = activation(a + broadcast(b)); b may be NULL, y may be a."""
    cdef int activation = call.op.code
    cdef double option = call.op.scalar[0]
    cdef const Py_ssize_t *dim = &call.dim[0]
    cdef const int64_t *stride = &call.op.stride[0]
    cdef Py_ssize_t a_lead = lead_of(call, call.op.input[0], dim[3])
    cdef Py_ssize_t y_lead = lead_of(call, call.op.output[0], dim[3])
    cdef Py_ssize_t i, j
    cdef const floating *b_block
    if a == y and b == NULL and activation == IDENTITY:
        return
    for i in range(dim[0]):
        for j in range(dim[1]):
            b_block = b + i * stride[0] + j * stride[1] if b != NULL else NULL
            if floating is float:
                add_loops_f32[activation](
                    dim[2], dim[3], a, a_lead, b_block, stride[2], stride[3],
                    <float> option, y, y_lead)
            else:
                add_loops_f64[activation](
                    dim[2], dim[3], a, a_lead, b_block, stride[2], stride[3],
                    option, y, y_lead)
            a += dim[2] * a_lead
            y += dim[2] * y_lead


cdef void add_gradient(
    const Call *call, const floating *dy, const floating *saved, floating *da,
    floating *db,
) noexcept nogil:
    """da = dy * slope(saved); the sums of da over the broadcast axes are added to db.

    da may be dy. It is NULL for the identity, whose da is dy itself. db may be NULL.
    """
    cdef const Py_ssize_t *dim = &call.dim[0]
    cdef const int64_t *stride = &call.op.stride[0]
    cdef Leads lead
    cdef Py_ssize_t i, j
    lead.dy = lead_of(call, call.op.input[0], dim[3])
    lead.saved = lead_of(call, call.op.input[1], dim[3])
    lead.da = lead_of(call, call.op.output[0], dim[3])
    for i in range(dim[0]):
        for j in range(dim[1]):
            block_gradient(
                call.op.code, call.op.scalar[0], dim[2], dim[3], &lead, dy, saved, da,
                db + i * stride[0] + j * stride[1] if db != NULL else NULL,
                stride[2], stride[3])
            dy += dim[2] * lead.dy
            if da != NULL:
                da += dim[2] * lead.da
                saved += dim[2] * lead.saved


cdef struct Leads:
    # From one row to the next of each.
    Py_ssize_t dy
    Py_ssize_t saved
    Py_ssize_t da


cdef void block_gradient(
    int activation, double option, Py_ssize_t m, Py_ssize_t n, const Leads *lead,
    const floating *dy, const floating *saved, floating *da, floating *db,
    Py_ssize_t b_row, Py_ssize_t b_column,
) noexcept nogil:
    cdef Py_ssize_t first = 0, rows, d_lead, most = max(1, NUMBERS_TOGETHER // n)
    cdef bint dense = lead.dy == n and lead.saved == n and lead.da == n
    cdef const floating *d
    while first < m:
        rows = min(most, m - first)
        d, d_lead = dy + first * lead.dy, lead.dy
        if da != NULL:
            slope(
                activation, option, 1 if dense else rows, rows * n if dense else n, d,
                saved + first * lead.saved, da + first * lead.da, lead)
            d, d_lead = da + first * lead.da, lead.da
        if db != NULL:
            if floating is float:
                reduce_f32(rows, n, d, d_lead, db + first * b_row, b_row, b_column)
            else:
                reduce_f64(rows, n, d, d_lead, db + first * b_row, b_row, b_column)
        first += rows


cdef inline void slope(
    int activation, double option, Py_ssize_t m, Py_ssize_t n, const floating *dy,
    const floating *saved, floating *da, const Leads *lead,
) noexcept nogil:
    if floating is float:
        slope_loops_f32[activation](
            m, n, dy, lead.dy, saved, lead.saved, <float> option, da, lead.da)
    else:
        slope_loops_f64[activation](
            m, n, dy, lead.dy, saved, lead.saved, option, da, lead.da)
