from cython cimport floating

from fastnn.plan.structs cimport block_t

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
