from libc.stdint cimport int64_t

from cython cimport floating

from fastnn.engine.cpu.dataset cimport Batch, Dataset
from fastnn.engine.cpu.executor cimport Walk
from fastnn.engine.cpu.rows cimport TouchedRows
from fastnn.plan.structs cimport block_t, op_t, tensor_t
from fastnn.engine.cpu.signals cimport Watch

# One share of a step. There are as many as threads, and any thread may take any.
cdef struct Worker:
    Walk walk
    Batch batch
    Batch other             # what its samples are mixed with,
    Py_ssize_t *others      # and the numbers of these rows
    Py_ssize_t n_rows       # rows of this step that it has worked on
    double weight_sum
    double *loss_weights    # the same of the weights that each loss has
    double penalty
    double squared_norm


cdef class Shares:
    cdef const op_t *ops
    cdef const tensor_t *tensors
    cdef const block_t *blocks
    cdef const int64_t *params
    cdef Py_ssize_t n_ops, n_blocks, n_parameters, n_losses
    cdef Py_ssize_t n_gradients     # the parameters before it have a place there
    cdef void *parameters
    cdef void *state
    cdef void *average
    cdef int rule, n_slots, n_threads
    cdef bint double_precision, limits_norms, mixes
    cdef bint averages_last         # when the whole step has been taken
    cdef TouchedRows touched
    cdef Dataset data
    cdef readonly Py_ssize_t n_rows
    cdef Py_ssize_t batch_size, capacity, n_axes
    cdef Py_ssize_t first_meeting
    cdef Worker *workers
    cdef Walk **walks               # the workers'
    cdef void **gradient_of_worker
    cdef Py_ssize_t *order
    cdef const Py_ssize_t *rows     # numbers of the rows to work on
    cdef list owners
    # What the threads are to do: a row of scalars, and rows first to last - 1 in order,
    # or the sum of weights and the number of gradients to take a step along.
    cdef const double *scalars
    cdef Py_ssize_t first, last
    cdef Py_ssize_t first_op, last_op   # what to go on with after a meeting
    cdef double weight_sum, scale
    cdef int n_shares               # which have gradients
    cdef bint interrupted
    cdef Watch watch
    cdef object raised
    cdef readonly object gradients

    cdef begin(self)
    cdef bint _averages(self) noexcept nogil
    cdef double _clipping(self, double highest) noexcept nogil
    cdef void _update(self, int share, floating *parameters) noexcept nogil
    cdef void _max_norm(self, int share, floating *parameters) noexcept nogil
    cdef void _average(self, int share, floating *parameters) noexcept nogil
    cdef void _norm(self, int share, floating *parameters) noexcept nogil
    cdef void _reduce(self, int share, floating *nothing) noexcept nogil
    cdef void _gradient(self, int share, floating *parameters) noexcept nogil
    cdef void _number_steps(self, Walk *walk, Py_ssize_t first) noexcept nogil
    cdef void _mix(self, Worker *worker, floating *other) noexcept nogil
    cdef void _rest(self, int share, floating *parameters) noexcept nogil
    cdef Py_ssize_t _slice(self, int share, Py_ssize_t count) noexcept nogil
    cdef void _range(
        self, int share, Py_ssize_t size, Py_ssize_t *begin, Py_ssize_t *end,
    ) noexcept nogil
    cdef void _add_up_weights(self) noexcept nogil
    cdef void _collect_rows(self) noexcept nogil
    cdef double _reported(self) noexcept nogil
    cdef void _add_reports(self, double *reports) noexcept nogil
    cdef double _penalty(self) noexcept nogil
    cdef void _poll_signals(self) noexcept nogil


cdef void gradient_of_share(void *shares, int share) noexcept nogil
cdef void rest_of_share(void *shares, int share) noexcept nogil
cdef void reduce_share(void *shares, int share) noexcept nogil
cdef void norm_share(void *shares, int share) noexcept nogil
cdef void update_share(void *shares, int share) noexcept nogil
cdef void max_norm_share(void *shares, int share) noexcept nogil
cdef void average_share(void *shares, int share) noexcept nogil
