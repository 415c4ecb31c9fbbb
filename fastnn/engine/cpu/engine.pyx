"""A plan and its buffers on the CPU: gradients, updates and epochs without the GIL.

A step is two jobs, the gradient of its rows and the update of the parameters, of which
every thread takes a share: its slice of the rows, its range of the parameters. Ops that
all shares must come to first cut the one of the gradient into several.
"""

import numpy as np

from cython cimport floating
from libc.math cimport isfinite

from fastnn.engine.cpu.blas_threads cimport hold_blas, release_blas
from fastnn.engine.cpu.dataset cimport address
from fastnn.engine.cpu.meeting cimport (
    custom_augment,
    custom_loss,
    meet,
    next_meeting,
)
from fastnn.plan.structs cimport OP_CUSTOM_AUGMENT, PHASE_TRAIN, op_t
from fastnn.engine.cpu.shares cimport (
    Shares,
    average_share,
    gradient_of_share,
    max_norm_share,
    norm_share,
    reduce_share,
    rest_of_share,
    update_share,
)
from fastnn.engine.cpu.shuffle cimport shuffle_rows
from fastnn.engine.cpu.update cimport penalty

cdef extern from "tables/elementwise.h":
    enum:
        N_SCALARS
        CLIP_NORM

cdef extern from "base/team.h":
    ctypedef struct team_t:
        pass
    ctypedef void (*work_t)(void *context, int item) noexcept nogil
    team_t *team_new(int n_threads, int flushes)
    void team_free(team_t *)
    void team_run(team_t *, work_t, void *context) noexcept nogil
    void team_send_home(team_t *) noexcept nogil
    void team_begin(team_t *) noexcept nogil

cdef extern from "base/denormals.h":
    ctypedef unsigned long float_mode_t
    float_mode_t flush_denormals() noexcept nogil
    void restore_float_mode(float_mode_t) noexcept nogil


cdef check_scalars(const double[::1] scalars):
    if scalars.shape[0] != N_SCALARS:
        raise ValueError(f"scalars must be {N_SCALARS}, got {scalars.shape[0]}")


cdef class Engine(Shares):
    """The compiled half of `fastnn.engine.engine.Engine`, which checks arguments."""

    cdef tuple functions
    cdef team_t *team
    cdef float_mode_t mode
    cdef public bint holds_blas     # whether products may be BLAS'
    # Rows times mean loss over the steps of the present epoch, and how many steps there
    # have been in all epochs.
    cdef readonly double total
    cdef readonly Py_ssize_t n_taken
    # What is reported of each loss and the sum of its weights: of the last gradient,
    # and added up over the steps of the present epoch.
    cdef readonly object reports, epoch_reports
    cdef double *of_epoch

    def __cinit__(
        self, ops, tensors, blocks, params, row_gradients,
        Py_ssize_t n_parameters, Py_ssize_t n_gradients, Py_ssize_t activation_size,
        tuple sizes_of_steps, Py_ssize_t statistic_size, tuple functions,
        tuple inputs, parameters,
        tuple tables, y, sample_weight,
        Py_ssize_t batch_size, Py_ssize_t capacity, int rule, state, int n_threads,
        str precision, average, tuple mixed,
    ):
        self.functions = functions
        self.reports = np.zeros((self.n_losses, 2))
        self.epoch_reports = np.zeros((self.n_losses, 2))
        self.of_epoch = <double *> address(self.epoch_reports)
        self.team = team_new(n_threads, True)
        if self.team == NULL:
            raise MemoryError("no memory for what the threads share")

    def __dealloc__(self):
        team_free(self.team)

    # ------------------------------------------------------------------ from Python

    def shuffle(self, bit_generator):
        """Shuffles the order of the rows with NumPy's bit generator."""
        shuffle_rows(self.n_rows, self.order, bit_generator)

    def order_of_rows(self):
        """The order of the rows, which may be changed in place."""
        return np.asarray(<Py_ssize_t[:self.n_rows]> self.order)

    def steps(self, const double[:, ::1] scalars, Py_ssize_t first):
        """Takes the mini-batches numbered from first on, one for each row of scalars.

        Adds to ``total`` rows times mean loss of each, as it was before its update, and
        to ``n_taken`` 1; with first 0 the total begins anew. Stops after a step whose
        loss is not finite.
        """
        if scalars.shape[1] != N_SCALARS:
            raise ValueError(
                f"scalars must have {N_SCALARS} columns, got {scalars.shape[1]}")
        if first == 0:
            self.total = 0
            self.epoch_reports[:] = 0
        if scalars.shape[0] == 0:
            return
        if first < 0 or (first + scalars.shape[0] - 1) * self.batch_size >= self.n_rows:
            raise ValueError("there are not so many mini-batches in an epoch")
        self._begin()
        with nogil:
            self._steps(&scalars[0, 0], first, scalars.shape[0])
        self._end()

    def gradient(self, const Py_ssize_t[::1] rows, const double[::1] scalars):
        """Sums over these rows: loss, reported loss and weights; and the gradients."""
        cdef double loss = 0
        cdef int i
        check_scalars(scalars)
        reports = np.zeros((self.n_losses, 2))
        self.scalars = &scalars[0]
        self.first, self.last = 0, rows.shape[0]
        self.rows = &rows[0]
        self._begin()
        try:
            with nogil:
                self._gradients()
                self._add_up_weights()
                team_run(self.team, reduce_share, <void *> self)
            self._end()
        finally:
            self.rows = self.order
        for i in range(self.n_threads):
            loss += self.workers[i].walk.loss
        self._add_reports(<double *> address(reports))
        self.reports = reports
        return loss, self._reported(), self.weight_sum

    def row_gradients(self):
        """Of each table whose gradient is rows, by its block: which rows, and these."""
        if self.double_precision:
            return self.touched.summed(<double *> NULL)
        return self.touched.summed(<float *> NULL)

    def partial_loss(self):
        """Reported loss and weights of the rows that :meth:`gradient` has come to."""
        return self._reported(), self.weight_sum

    def update(self, const double[::1] scalars, double weight_sum):
        """Takes a step along the gradients; returns the penalty before it."""
        check_scalars(scalars)
        self.scalars = &scalars[0]
        self.weight_sum, self.n_shares = weight_sum, 1
        self._begin()
        with nogil:
            self._step()
        self._end()
        return self._penalty()

    def penalty(self, double weight_sum):
        """The penalty of all parameters, as it is part of a sum of losses."""
        if self.double_precision:
            return penalty(
                self.blocks, self.n_blocks, <double *> self.parameters, weight_sum)
        return penalty(
            self.blocks, self.n_blocks, <float *> self.parameters, weight_sum)

    def reduced_products(self):
        """How many products were taken in the precision that was asked for."""
        cdef int i
        return sum([self.workers[i].walk.precision.n_products
                    for i in range(self.n_threads)])

    def rest(self):
        """Sends the other threads home, until there is more to do."""
        with nogil:
            team_send_home(self.team)

    cdef _begin(self):
        team_begin(self.team)
        if self.holds_blas:
            hold_blas()
        self.mode = flush_denormals()
        self.begin()

    cdef _end(self):
        restore_float_mode(self.mode)
        if self.holds_blas:
            release_blas()
        if self.raised is not None:
            raised, self.raised = self.raised, None
            raise raised

    cdef void _steps(
        self, const double *scalars, Py_ssize_t first, Py_ssize_t n_steps,
    ) noexcept nogil:
        cdef Py_ssize_t step
        cdef double loss
        for step in range(n_steps):
            self.scalars = scalars + step * N_SCALARS
            self.first = (first + step) * self.batch_size
            self.last = min(self.first + self.batch_size, self.n_rows)
            self._gradients()
            if self.interrupted:
                break
            self._add_up_weights()
            if self.weight_sum > 0:
                self._step()
                loss = self._reported() + self._penalty()
                self._add_reports(self.of_epoch)
                self.total += (self.last - self.first) * loss / self.weight_sum
                self.n_taken += 1
                if not isfinite(loss):
                    break
            else:
                if self._averages():
                    team_run(self.team, average_share, <void *> self)
                self.n_taken += 1

    cdef void _gradients(self) noexcept nogil:
        """The gradients of the present rows, in a buffer for each share."""
        cdef Py_ssize_t at = self.first_meeting
        team_run(self.team, gradient_of_share, <void *> self)
        while at < self.n_ops and not self.interrupted:
            if self.double_precision:
                self._meet(self.ops + at, <double *> self.parameters)
            else:
                self._meet(self.ops + at, <float *> self.parameters)
            self.first_op = at + 1
            at = next_meeting(self.ops, at + 1, self.n_ops, PHASE_TRAIN)
            self.last_op = at
            team_run(self.team, rest_of_share, <void *> self)
        if self.touched.n_uses and not self.interrupted:
            self._collect_rows()

    cdef void _meet(self, const op_t *op, floating *parameters) noexcept nogil:
        """What one op makes of the numbers of all shares that have rows."""
        cdef int n_walks = 0
        while n_walks < self.n_threads and self.workers[n_walks].n_rows:
            n_walks += 1
        self._poll_signals()
        if meet(op, self.tensors, self.walks, n_walks, parameters):
            return
        with gil:
            restore_float_mode(self.mode)
            try:
                if op.kind == OP_CUSTOM_AUGMENT:
                    custom_augment(self.functions[op.code], op, self.tensors,
                                   self.walks, n_walks, parameters)
                else:
                    custom_loss(self.functions[op.code], op, self.tensors, self.walks,
                                n_walks, parameters)
            except BaseException as error:
                self.raised = error
                self.interrupted = True
            team_begin(self.team)  # the function may have forked
            self.mode = flush_denormals()

    cdef void _step(self) noexcept nogil:
        """The optimizer's step along the gradients of the present rows."""
        self.scale = 1 / self.weight_sum
        if self.scalars[CLIP_NORM] > 0:
            team_run(self.team, norm_share, <void *> self)
            self.n_shares = 1
            self.scale *= self._clipping(self.scalars[CLIP_NORM])
        team_run(self.team, update_share, <void *> self)
        # Norms are those of whole columns, and what is averaged has passed them.
        if self.limits_norms:
            team_run(self.team, max_norm_share, <void *> self)
        # Nor have rows of tables that are not touched stayed what their average is.
        if self.averages_last and self._averages():
            team_run(self.team, average_share, <void *> self)
