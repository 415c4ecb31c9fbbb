from cython cimport floating

from fastnn.plan.structs cimport block_t

cdef extern from "update/block_scalars.h":
    ctypedef struct block_scalars_t:
        double rate, slope, l1, bound, decay, shrink
    block_scalars_t block_scalars(
        const block_t *, const double *, double, double) noexcept nogil
    double slope_of_squares(const block_t *, double) noexcept nogil

# So many numbers of every buffer stay in the first-level cache while the gradients of
# the threads are added up and the step is taken.
cdef enum:
    PIECE = 1024

cdef double update(
    const block_t *blocks, Py_ssize_t n_blocks, Py_ssize_t first, Py_ssize_t last,
    floating *parameters, floating **gradients, int n_gradients,
    int rule, floating *state, Py_ssize_t n_parameters, int n_slots,
    const double *scalars, double scale, double weight_sum, floating *average,
) noexcept nogil

cdef void update_average(
    Py_ssize_t first, Py_ssize_t last, const floating *parameters,
    const double *scalars, floating *average,
) noexcept nogil

cdef double penalty(
    const block_t *blocks, Py_ssize_t n_blocks, const floating *parameters,
    double weight_sum,
) noexcept nogil

cdef void reduce_gradients(
    Py_ssize_t first, Py_ssize_t last, floating **gradients, int n_gradients,
) noexcept nogil

cdef double squared_norm(
    const block_t *blocks, Py_ssize_t n_blocks, Py_ssize_t first, Py_ssize_t last,
    const floating *parameters, const floating *gradients, double weight_sum,
) noexcept nogil

cdef double norm_of_piece(
    Py_ssize_t n, const floating *parameters, const floating *gradient,
    floating *piece, double slope, double l1,
) noexcept nogil

cdef double step_of_piece(
    Py_ssize_t n, Py_ssize_t at, floating *parameters, const floating *gradient,
    floating *piece, const block_scalars_t *own, int rule, floating *state,
    Py_ssize_t n_parameters, int n_slots, const floating *h, double scale,
) noexcept nogil

cdef void add_into(Py_ssize_t n, const floating *x, floating *y) noexcept nogil
