"""A plan and its buffers on the CPU: gradients, updates and epochs without the GIL.

A step is two jobs, the gradient of its rows and the update of the parameters, of which
every thread takes a share: its slice of the rows, its range of the parameters. Ops that
all shares must come to first cut the one of the gradient into several.
"""

import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from cython cimport floating
from libc.math cimport isfinite, sqrt
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from numpy.random cimport bitgen_t

from fastnn._core.dataset cimport Batch, Dataset, address, aligned
from fastnn._core.executor cimport Walk, execute
from fastnn._core.max_norm cimport limit_norms
from fastnn._core.meeting cimport custom_loss, meet, next_meeting
from fastnn._core.plan cimport (
    OP_CUSTOM_LOSS,
    PHASE_TRAIN,
    block_t,
    op_t,
    tensor_t,
)
from fastnn._core.precision cimport new_precision
from fastnn._core.tables import BLOCK_DTYPE, OP_DTYPE, TENSOR_DTYPE
from fastnn._core.update cimport (
    penalty,
    reduce_gradients,
    squared_norm,
    update,
    update_average,
)

cdef extern from "elementwise.h":
    enum:
        N_SCALARS
        AVERAGE_RATE
        CLIP_NORM
        MASK_SEED
        MASK_STEP

cdef extern from "shuffle.h":
    ctypedef struct word_source_t:
        void *state
        uint32_t (*next_uint32)(void *) noexcept nogil
        uint64_t (*next_uint64)(void *) noexcept nogil
    void shuffle(Py_ssize_t n, Py_ssize_t *order, word_source_t source) noexcept nogil

cdef extern from "team.h":
    ctypedef struct team_t:
        pass
    ctypedef void (*work_t)(void *context, int item) noexcept nogil
    team_t *team_new(int n_threads)
    void team_free(team_t *)
    void team_run(team_t *, work_t, void *context) noexcept nogil
    void team_help(team_t *, int me) noexcept nogil
    void team_dismiss(team_t *) noexcept nogil
    void team_assemble(team_t *) noexcept nogil
    double monotonic_seconds() noexcept nogil

cdef extern from "denormals.h":
    ctypedef unsigned long float_mode_t
    float_mode_t flush_denormals() noexcept nogil
    void restore_float_mode(float_mode_t) noexcept nogil

cdef double SECONDS_BETWEEN_SIGNAL_CHECKS = 0.1

# Ranges of the flat buffer start at multiples of this many numbers: no two threads
# write to one cache line.
cdef enum:
    RANGE_ALIGNMENT = 16

# One share of a step. There are as many as threads, and any thread may take any.
cdef struct Worker:
    Walk walk
    Batch batch
    Py_ssize_t n_rows       # rows of this step that it has worked on
    double weight_sum
    double penalty
    double squared_norm


cdef check_scalars(const double[::1] scalars):
    if scalars.shape[0] != N_SCALARS:
        raise ValueError(f"scalars must be {N_SCALARS}, got {scalars.shape[0]}")


cdef class Engine:
    """The compiled half of :class:`fastnn.engine.Engine`, which checks arguments."""

    cdef const op_t *ops
    cdef const tensor_t *tensors
    cdef const block_t *blocks
    cdef Py_ssize_t n_ops, n_blocks, n_parameters
    cdef void *parameters
    cdef void *state
    cdef void *average
    cdef int rule, n_slots, n_threads
    cdef bint double_precision, limits_norms
    cdef Dataset data
    cdef readonly Py_ssize_t n_rows
    cdef Py_ssize_t batch_size, capacity
    cdef tuple functions
    cdef Py_ssize_t first_meeting
    cdef Worker *workers
    cdef Walk **walks               # the workers'
    cdef void **gradient_of_worker
    cdef Py_ssize_t *order
    cdef const Py_ssize_t *rows     # numbers of the rows to work on
    cdef team_t *team
    cdef list owners
    # What the threads are to do: a row of scalars, and rows first to last - 1 in order,
    # or the sum of weights and the number of gradients to take a step along.
    cdef const double *scalars
    cdef Py_ssize_t first, last
    cdef Py_ssize_t first_op, last_op   # what to go on with after a meeting
    cdef double weight_sum, scale
    cdef int n_gradients
    cdef bint interrupted
    cdef double next_signal_check
    cdef object raised
    cdef readonly object gradients
    cdef float_mode_t mode

    def __cinit__(
        self, ops, tensors, blocks, Py_ssize_t n_parameters, Py_ssize_t activation_size,
        Py_ssize_t statistic_size, tuple functions, parameters, X, y, sample_weight,
        Py_ssize_t batch_size, Py_ssize_t capacity, int rule, state, int n_threads,
        str precision, average,
    ):
        dtype = parameters.dtype
        for array, expected in (
            (ops, OP_DTYPE), (tensors, TENSOR_DTYPE), (blocks, BLOCK_DTYPE),
        ):
            if array.dtype != expected or not array.flags.c_contiguous:
                raise TypeError(f"not the records of a plan: {array.dtype}")
        self.owners = [ops, tensors, blocks, parameters, state, average]
        self.ops = <const op_t *> address(ops)
        self.tensors = <const tensor_t *> address(tensors)
        self.blocks = <const block_t *> address(blocks)
        self.n_ops, self.n_blocks = len(ops), len(blocks)
        self.functions = functions
        self.first_meeting = next_meeting(self.ops, 0, self.n_ops, PHASE_TRAIN)
        self.n_parameters = n_parameters
        self.double_precision = dtype == np.float64
        self.parameters = address(parameters)
        self.rule = rule
        self.n_slots = 0 if state is None else len(state)
        self.state = address(state)
        self.average = address(average)
        self.limits_norms = bool((blocks["max_norm"] * blocks["trainable"]).any())
        self.data = Dataset(X, y, sample_weight)
        self.n_rows = self.data.n_rows
        self.batch_size, self.capacity = batch_size, capacity
        self.n_threads = n_threads
        order = np.arange(self.n_rows, dtype=np.intp)
        self.owners.append(order)
        self.order = <Py_ssize_t *> address(order)
        self.rows = self.order
        self._allocate(dtype, activation_size, statistic_size, precision)
        self.team = team_new(n_threads)
        if self.team == NULL:
            raise MemoryError("no memory for what the threads share")

    def _allocate(
        self, dtype, Py_ssize_t activation_size, Py_ssize_t statistic_size,
        str precision,
    ):
        # What a thread has at most, and full cache lines of each activation.
        cdef Py_ssize_t rows = (self.capacity + self.n_threads - 1) // self.n_threads
        rows = (rows + RANGE_ALIGNMENT - 1) // RANGE_ALIGNMENT * RANGE_ALIGNMENT
        cdef Worker *worker
        cdef int me
        self.workers = <Worker *> calloc(self.n_threads, sizeof(Worker))
        self.gradient_of_worker = <void **> calloc(self.n_threads, sizeof(void *))
        self.walks = <Walk **> calloc(self.n_threads, sizeof(Walk *))
        if (self.workers == NULL or self.gradient_of_worker == NULL
                or self.walks == NULL):
            raise MemoryError("no memory for the threads' state")
        for me in range(self.n_threads):
            worker = &self.workers[me]
            gradients = aligned(self.n_parameters, dtype, self.owners)
            if me == 0:
                self.gradients = gradients
            self.gradient_of_worker[me] = address(gradients)
            self.walks[me] = &worker.walk
            worker.walk.gradients = address(gradients)
            worker.walk.phase = PHASE_TRAIN
            worker.walk.statistics = address(
                aligned(statistic_size, dtype, self.owners))
            worker.walk.activations = address(
                aligned(rows * activation_size, dtype, self.owners))
            worker.walk.capacity = rows
            worker.walk.precision = new_precision(precision, self.owners)
            worker.batch = self.data.new_batch(rows, dtype, self.owners)

    def __dealloc__(self):
        team_free(self.team)
        free(self.workers)
        free(self.gradient_of_worker)
        free(self.walks)

    # ------------------------------------------------------------------ from Python

    def shuffle(self, bit_generator):
        """Shuffles the order of the rows with NumPy's bit generator."""
        cdef word_source_t source
        cdef bitgen_t *words = <bitgen_t *> PyCapsule_GetPointer(
            bit_generator.capsule, "BitGenerator")
        source.state = words.state
        source.next_uint32 = words.next_uint32
        source.next_uint64 = words.next_uint64
        with bit_generator.lock, nogil:
            shuffle(self.n_rows, self.order, source)

    def steps(self, const double[:, ::1] scalars, Py_ssize_t first):
        """Takes the mini-batches numbered from first on, one for each row of scalars.

        Returns the sum over them of rows times mean loss, as it was before each update.
        Stops after a step whose loss is not finite.
        """
        if scalars.shape[1] != N_SCALARS:
            raise ValueError(
                f"scalars must have {N_SCALARS} columns, got {scalars.shape[1]}")
        if scalars.shape[0] == 0:
            return 0.0
        if first < 0 or (first + scalars.shape[0] - 1) * self.batch_size >= self.n_rows:
            raise ValueError("there are not so many mini-batches in an epoch")
        cdef double total = 0
        self._begin()
        with nogil:
            total = self._steps(&scalars[0, 0], first, scalars.shape[0])
        self._end()
        return total

    def gradient(self, const Py_ssize_t[::1] rows, const double[::1] scalars):
        """Sums over these rows: loss, reported loss and weights; and the gradients."""
        cdef double loss = 0
        cdef int i
        check_scalars(scalars)
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
        return loss, self._reported(), self.weight_sum

    def update(self, const double[::1] scalars, double weight_sum):
        """Takes a step along the gradients; returns the penalty before it."""
        check_scalars(scalars)
        self.scalars = &scalars[0]
        self.weight_sum, self.n_gradients = weight_sum, 1
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

    def work(self, int me):
        """What thread number me > 0 does until it is told to leave."""
        cdef float_mode_t mode
        with nogil:
            mode = flush_denormals()
            team_help(self.team, me)
            restore_float_mode(mode)

    def assemble(self):
        """Lets other threads in, before they call :meth:`work`."""
        team_assemble(self.team)

    def leave(self):
        """Sends the other threads home."""
        team_dismiss(self.team)

    cdef _begin(self):
        self.mode = flush_denormals()
        self.interrupted = False
        self.raised = None
        self.next_signal_check = monotonic_seconds() + SECONDS_BETWEEN_SIGNAL_CHECKS

    cdef _end(self):
        restore_float_mode(self.mode)
        if self.raised is not None:
            raised, self.raised = self.raised, None
            raise raised

    cdef double _steps(
        self, const double *scalars, Py_ssize_t first, Py_ssize_t n_steps,
    ) noexcept nogil:
        """Sum over the steps of rows times mean loss."""
        cdef Py_ssize_t step
        cdef double total = 0, loss
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
                total += (self.last - self.first) * loss / self.weight_sum
                if not isfinite(loss):
                    break
            elif self._averages():
                team_run(self.team, average_share, <void *> self)
        return total

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

    cdef void _meet(self, const op_t *op, floating *parameters) noexcept nogil:
        """What one op makes of the numbers of all shares that have rows."""
        cdef int n_walks = 0
        while n_walks < self.n_threads and self.workers[n_walks].n_rows:
            n_walks += 1
        self._poll_signals()
        if op.kind != OP_CUSTOM_LOSS:
            meet(op, self.tensors, self.walks, n_walks, parameters)
            return
        with gil:
            restore_float_mode(self.mode)
            try:
                custom_loss(self.functions[op.code], op, self.tensors, self.walks,
                            n_walks, parameters)
            except BaseException as error:
                self.raised = error
                self.interrupted = True
            self.mode = flush_denormals()

    cdef void _step(self) noexcept nogil:
        """The optimizer's step along the gradients of the present rows."""
        self.scale = 1 / self.weight_sum
        if self.scalars[CLIP_NORM] > 0:
            team_run(self.team, norm_share, <void *> self)
            self.n_gradients = 1
            self.scale *= self._clipping(self.scalars[CLIP_NORM])
        team_run(self.team, update_share, <void *> self)
        # Norms are those of whole columns, and what is averaged has passed them.
        if self.limits_norms:
            team_run(self.team, max_norm_share, <void *> self)
            if self._averages():
                team_run(self.team, average_share, <void *> self)

    cdef inline bint _averages(self) noexcept nogil:
        """Whether the parameters after this step go into their average."""
        return self.average != NULL and self.scalars[AVERAGE_RATE] != 0

    cdef double _clipping(self, double highest) noexcept nogil:
        """What brings the norm of the scaled gradients down to the highest."""
        cdef double total = 0, factor
        cdef int i
        for i in range(self.n_threads):
            total += self.workers[i].squared_norm
        factor = highest / (sqrt(total) * self.scale + 1e-6)
        return factor if factor < 1 else 1

    # -------------------------------------------------- on any thread, a share of a job

    cdef void _update(self, int share, floating *parameters) noexcept nogil:
        """One share of the optimizer's step."""
        cdef Py_ssize_t begin, end
        cdef floating *average = NULL
        if self._averages() and not self.limits_norms:
            average = <floating *> self.average
        self._range(share, &begin, &end)
        self.workers[share].penalty = update(
            self.blocks, self.n_blocks, begin, end, parameters,
            <floating **> self.gradient_of_worker, self.n_gradients,
            self.rule, <floating *> self.state, self.n_parameters, self.n_slots,
            self.scalars, self.scale, self.weight_sum, average)

    cdef void _max_norm(self, int share, floating *parameters) noexcept nogil:
        limit_norms(self.blocks, self.n_blocks, share, self.n_threads, parameters)

    cdef void _average(self, int share, floating *parameters) noexcept nogil:
        cdef Py_ssize_t begin, end
        self._range(share, &begin, &end)
        update_average(
            begin, end, parameters, self.scalars, <floating *> self.average)

    cdef void _norm(self, int share, floating *parameters) noexcept nogil:
        """One share of the reduced gradients and of their norm."""
        cdef Py_ssize_t begin, end
        self._range(share, &begin, &end)
        reduce_gradients(
            begin, end, <floating **> self.gradient_of_worker, self.n_gradients)
        self.workers[share].squared_norm = squared_norm(
            self.blocks, self.n_blocks, begin, end, parameters,
            <const floating *> self.gradient_of_worker[0], self.weight_sum)

    cdef void _reduce(self, int share, floating *nothing) noexcept nogil:
        cdef Py_ssize_t begin, end
        self._range(share, &begin, &end)
        reduce_gradients(
            begin, end, <floating **> self.gradient_of_worker, self.n_gradients)

    cdef void _gradient(self, int share, floating *parameters) noexcept nogil:
        """One share of the gradient of the rows.

        They are taken in chunks for which the activations have room, and each share
        is a slice of every chunk. Where shares meet there is one chunk, and this ends
        at the first meeting.
        """
        cdef Worker *worker = &self.workers[share]
        cdef Walk *walk = &worker.walk
        cdef Py_ssize_t chunk = self.first, count, begin, end
        walk.loss = walk.reported = 0
        walk.mask_seed = <uint64_t> self.scalars[MASK_SEED]
        walk.mask_step = <uint64_t> self.scalars[MASK_STEP]
        worker.weight_sum = 0
        worker.n_rows = 0
        while chunk < self.last:
            if share == 0:
                self._poll_signals()
            if self.interrupted:
                return
            count = min(self.capacity, self.last - chunk)
            begin, end = self._slice(share, count), self._slice(share + 1, count)
            if begin < end:
                walk.count = end - begin
                walk.batch_row = chunk - self.first + begin
                worker.weight_sum += self.data.fetch(
                    self.rows + chunk + begin, &worker.batch, walk,
                    <floating *> worker.batch.input)
                walk.accumulate = worker.n_rows > 0
                execute(self.ops, self.first_meeting, self.tensors, walk, parameters)
                worker.n_rows += walk.count
            chunk += count

    cdef void _rest(self, int share, floating *parameters) noexcept nogil:
        """What one share does after a meeting, until the next one or the end."""
        cdef Worker *worker = &self.workers[share]
        if worker.n_rows and not self.interrupted:
            execute(self.ops + self.first_op, self.last_op - self.first_op,
                    self.tensors, &worker.walk, parameters)

    cdef inline Py_ssize_t _slice(self, int share, Py_ssize_t count) noexcept nogil:
        """Where the rows of a share begin; with few rows, the last have none."""
        cdef Py_ssize_t sharing = min(count, <Py_ssize_t> self.n_threads)
        return count * min(share, sharing) // sharing

    cdef inline void _range(
        self, int share, Py_ssize_t *begin, Py_ssize_t *end) noexcept nogil:
        """The part of the flat parameter buffer that a share updates."""
        cdef Py_ssize_t lines = (
            self.n_parameters + RANGE_ALIGNMENT - 1) // RANGE_ALIGNMENT
        begin[0] = lines * share // self.n_threads * RANGE_ALIGNMENT
        end[0] = min(
            lines * (share + 1) // self.n_threads * RANGE_ALIGNMENT, self.n_parameters)

    # ----------------------------------------------------------- between two jobs

    cdef void _add_up_weights(self) noexcept nogil:
        """The sum over the shares, in their order; and how many of them had rows."""
        cdef int i
        self.weight_sum = 0
        self.n_gradients = 0
        for i in range(self.n_threads):
            self.weight_sum += self.workers[i].weight_sum
            if self.workers[i].n_rows:
                self.n_gradients = i + 1

    cdef double _reported(self) noexcept nogil:
        cdef double total = 0
        cdef int i
        for i in range(self.n_threads):
            total += self.workers[i].walk.reported
        return total

    cdef double _penalty(self) noexcept nogil:
        cdef double total = 0
        cdef int i
        for i in range(self.n_threads):
            total += self.workers[i].penalty
        return total

    cdef void _poll_signals(self) noexcept nogil:
        """Looks by the clock whether Ctrl-C was pressed; only the first thread asks."""
        cdef double now = monotonic_seconds()
        if now < self.next_signal_check:
            return
        self.next_signal_check = now + SECONDS_BETWEEN_SIGNAL_CHECKS
        with gil:
            try:
                PyErr_CheckSignals()
            except BaseException as error:
                self.raised = error
                self.interrupted = True


# The jobs that threads share, by the precision of an engine, which is the context.

cdef void gradient_of_share(void *engine, int share) noexcept nogil:
    if (<Engine> engine).double_precision:
        (<Engine> engine)._gradient(share, <double *> (<Engine> engine).parameters)
    else:
        (<Engine> engine)._gradient(share, <float *> (<Engine> engine).parameters)


cdef void rest_of_share(void *engine, int share) noexcept nogil:
    if (<Engine> engine).double_precision:
        (<Engine> engine)._rest(share, <double *> (<Engine> engine).parameters)
    else:
        (<Engine> engine)._rest(share, <float *> (<Engine> engine).parameters)


cdef void reduce_share(void *engine, int share) noexcept nogil:
    if (<Engine> engine).double_precision:
        (<Engine> engine)._reduce(share, <double *> NULL)
    else:
        (<Engine> engine)._reduce(share, <float *> NULL)


cdef void norm_share(void *engine, int share) noexcept nogil:
    if (<Engine> engine).double_precision:
        (<Engine> engine)._norm(share, <double *> (<Engine> engine).parameters)
    else:
        (<Engine> engine)._norm(share, <float *> (<Engine> engine).parameters)


cdef void update_share(void *engine, int share) noexcept nogil:
    if (<Engine> engine).double_precision:
        (<Engine> engine)._update(share, <double *> (<Engine> engine).parameters)
    else:
        (<Engine> engine)._update(share, <float *> (<Engine> engine).parameters)


cdef void max_norm_share(void *engine, int share) noexcept nogil:
    if (<Engine> engine).double_precision:
        (<Engine> engine)._max_norm(share, <double *> (<Engine> engine).parameters)
    else:
        (<Engine> engine)._max_norm(share, <float *> (<Engine> engine).parameters)


cdef void average_share(void *engine, int share) noexcept nogil:
    if (<Engine> engine).double_precision:
        (<Engine> engine)._average(share, <double *> (<Engine> engine).parameters)
    else:
        (<Engine> engine)._average(share, <float *> (<Engine> engine).parameters)
