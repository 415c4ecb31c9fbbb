from cython cimport floating

from fastnn.plan.structs cimport block_t

cdef void limit_norms(
    const block_t *blocks, Py_ssize_t n_blocks, int share, int n_shares,
    floating *parameters,
) noexcept nogil
