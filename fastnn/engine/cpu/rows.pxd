from cython cimport floating

from fastnn.engine.cpu.executor cimport Walk
from fastnn.plan.structs cimport block_t, row_gradient_t, tensor_t

cdef extern from "update/rows.h":
    ctypedef struct row_t:
        Py_ssize_t place
        const void *gradient
    row_t *sort_rows(Py_ssize_t, row_t *, row_t *) noexcept nogil
    void prefetch_row(const void *, size_t) noexcept nogil

cdef class TouchedRows:
    cdef const row_gradient_t *uses
    cdef const tensor_t *tensors
    cdef const block_t *blocks
    cdef Py_ssize_t n_uses
    cdef Py_ssize_t count       # different rows of the present mini-batch
    cdef row_t *rows            # in the order of their places
    cdef Py_ssize_t *starts     # where those of each different row begin
    cdef row_t *buffers[2]
    cdef list owners

    cdef void collect(
        self, Walk **walks, int n_walks, size_t itemsize) noexcept nogil
    cdef double squared_norm(
        self, int share, int n_shares, const floating *parameters, double weight_sum,
    ) noexcept nogil
    cdef double update(
        self, int share, int n_shares, floating *parameters, int rule,
        floating *state, Py_ssize_t n_parameters, int n_slots, const double *scalars,
        double scale, double weight_sum,
    ) noexcept nogil
    cdef Py_ssize_t note(
        self, const row_gradient_t *use, Walk *walk, size_t itemsize, Py_ssize_t n,
    ) noexcept nogil
    cdef const block_t *block_of(
        self, Py_ssize_t i, const block_t *before) noexcept nogil
    cdef const floating *sum(
        self, Py_ssize_t i, Py_ssize_t first, Py_ssize_t n, floating *piece,
    ) noexcept nogil
    cdef void ask_for(
        self, Py_ssize_t i, Py_ssize_t columns, const floating *parameters,
        const floating *state, Py_ssize_t n_parameters, int n_slots,
    ) noexcept nogil
    cdef summed(self, floating *nothing)
