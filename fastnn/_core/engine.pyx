"""A plan and its buffers on the CPU: gradients, updates and epochs without the GIL.

Every thread runs the same code on its own rows of each mini-batch. They meet twice a
step: when all gradients are there, and when all parameters are updated.
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
from fastnn._core.plan cimport PHASE_TRAIN, block_t, op_t, tensor_t
from fastnn._core.tables import BLOCK_DTYPE, OP_DTYPE, TENSOR_DTYPE
from fastnn._core.update cimport penalty, reduce_gradients, squared_norm, update

cdef extern from "elementwise.h":
    enum:
        N_SCALARS
        CLIP_NORM
        MASK_SEED
        MASK_STEP

cdef extern from "shuffle.h":
    ctypedef struct word_source_t:
        void *state
        uint32_t (*next_uint32)(void *) noexcept nogil
        uint64_t (*next_uint64)(void *) noexcept nogil
    void shuffle(Py_ssize_t n, Py_ssize_t *order, word_source_t source) noexcept nogil

cdef extern from "barrier.h":
    ctypedef struct barrier_t:
        pass
    barrier_t *barrier_new(int n_threads)
    void barrier_free(barrier_t *)
    void barrier_wait(barrier_t *) noexcept nogil
    double monotonic_seconds() noexcept nogil

cdef extern from "denormals.h":
    ctypedef unsigned long float_mode_t
    float_mode_t flush_denormals() noexcept nogil
    void restore_float_mode(float_mode_t) noexcept nogil

cdef enum Command:
    STEPS, GRADIENT, UPDATE, LEAVE

cdef double SECONDS_BETWEEN_SIGNAL_CHECKS = 0.1

# Ranges of the flat buffer start at multiples of this many numbers: no two threads
# write to one cache line.
cdef enum:
    RANGE_ALIGNMENT = 16

# One thread's share of a step.
cdef struct Worker:
    Walk walk
    Batch batch
    void *gradients
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
    cdef int rule, n_slots, n_threads
    cdef bint double_precision
    cdef Dataset data
    cdef readonly Py_ssize_t n_rows
    cdef Py_ssize_t batch_size, capacity
    cdef Worker *workers
    cdef void **gradient_of_worker
    cdef Py_ssize_t *order
    cdef const Py_ssize_t *rows     # numbers of the rows to work on
    cdef Py_ssize_t n_chosen        # how many of them a gradient is asked for
    cdef barrier_t *barrier
    cdef list owners
    # What the threads are to do, and what came of it.
    cdef Command command
    cdef const double *scalars
    cdef Py_ssize_t first_step, n_steps
    cdef bint stop, interrupted
    cdef double step_weight, epoch_loss, next_signal_check
    cdef object raised
    cdef readonly object gradients

    def __cinit__(
        self, ops, tensors, blocks, Py_ssize_t n_parameters, Py_ssize_t activation_size,
        parameters, X, y, sample_weight, Py_ssize_t batch_size, Py_ssize_t capacity,
        int rule, state, int n_threads,
    ):
        dtype = parameters.dtype
        for array, expected in (
            (ops, OP_DTYPE), (tensors, TENSOR_DTYPE), (blocks, BLOCK_DTYPE),
        ):
            if array.dtype != expected or not array.flags.c_contiguous:
                raise TypeError(f"not the records of a plan: {array.dtype}")
        self.owners = [ops, tensors, blocks, parameters, state]
        self.ops = <const op_t *> address(ops)
        self.tensors = <const tensor_t *> address(tensors)
        self.blocks = <const block_t *> address(blocks)
        self.n_ops, self.n_blocks = len(ops), len(blocks)
        self.n_parameters = n_parameters
        self.double_precision = dtype == np.float64
        self.parameters = address(parameters)
        self.rule = rule
        self.n_slots = 0 if state is None else len(state)
        self.state = NULL if state is None else address(state)
        self.data = Dataset(X, y, sample_weight)
        self.n_rows = self.data.n_rows
        self.batch_size, self.capacity = batch_size, capacity
        self.n_threads = n_threads
        order = np.arange(self.n_rows, dtype=np.intp)
        self.owners.append(order)
        self.order = <Py_ssize_t *> address(order)
        self.rows = self.order
        self._allocate(dtype, activation_size)
        self.barrier = barrier_new(n_threads)
        if self.barrier == NULL:
            raise MemoryError("no memory for the threads' meeting point")

    def _allocate(self, dtype, Py_ssize_t activation_size):
        # What a thread has at most, and full cache lines of each activation.
        cdef Py_ssize_t rows = (self.capacity + self.n_threads - 1) // self.n_threads
        rows = (rows + RANGE_ALIGNMENT - 1) // RANGE_ALIGNMENT * RANGE_ALIGNMENT
        cdef Worker *worker
        cdef int me
        self.workers = <Worker *> calloc(self.n_threads, sizeof(Worker))
        self.gradient_of_worker = <void **> calloc(self.n_threads, sizeof(void *))
        if self.workers == NULL or self.gradient_of_worker == NULL:
            raise MemoryError("no memory for the threads' state")
        for me in range(self.n_threads):
            worker = &self.workers[me]
            gradients = aligned(self.n_parameters, dtype, self.owners)
            if me == 0:
                self.gradients = gradients
            worker.gradients = address(gradients)
            self.gradient_of_worker[me] = worker.gradients
            worker.walk.phase = PHASE_TRAIN
            worker.walk.activations = address(
                aligned(rows * activation_size, dtype, self.owners))
            worker.walk.capacity = rows
            worker.batch = self.data.new_batch(rows, dtype, self.owners)

    def __dealloc__(self):
        barrier_free(self.barrier)
        free(self.workers)
        free(self.gradient_of_worker)

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
        self.scalars = &scalars[0, 0]
        self.first_step, self.n_steps = first, scalars.shape[0]
        self.epoch_loss = 0
        self._command(STEPS)
        return self.epoch_loss

    def gradient(self, const Py_ssize_t[::1] rows, const double[::1] scalars):
        """Sums over these rows: loss, reported loss and weights; and the gradients."""
        cdef double loss = 0
        cdef int i, n_gradients
        check_scalars(scalars)
        self.scalars = &scalars[0]
        self.n_chosen = rows.shape[0]
        self.rows = &rows[0]
        try:
            self._command(GRADIENT)
        finally:
            self.rows = self.order
        for i in range(self.n_threads):
            loss += self.workers[i].walk.loss
        return loss, self._reported(), self._weight_sum(&n_gradients)

    def update(self, const double[::1] scalars, double weight_sum):
        """Takes a step along the gradients; returns the penalty before it."""
        check_scalars(scalars)
        self.scalars = &scalars[0]
        self.step_weight = weight_sum
        self._command(UPDATE)
        return self._penalty()

    def penalty(self):
        """Half the sum of alpha w^2 over all parameters."""
        if self.double_precision:
            return penalty(self.blocks, self.n_blocks, <double *> self.parameters)
        return penalty(self.blocks, self.n_blocks, <float *> self.parameters)

    def work(self, int me):
        """What thread number me > 0 does until it is told to leave."""
        cdef float_mode_t mode
        with nogil:
            mode = flush_denormals()
            while True:
                barrier_wait(self.barrier)
                if self.command == LEAVE:
                    break
                self._run(me)
            restore_float_mode(mode)

    def leave(self):
        """Sends the other threads home."""
        self.command = LEAVE
        if self.n_threads > 1:
            with nogil:
                barrier_wait(self.barrier)

    def _command(self, Command command):
        cdef float_mode_t mode
        self.command = command
        self.stop = self.interrupted = False
        self.raised = None
        self.next_signal_check = monotonic_seconds() + SECONDS_BETWEEN_SIGNAL_CHECKS
        with nogil:
            mode = flush_denormals()
            if self.n_threads > 1:
                barrier_wait(self.barrier)
            self._run(0)
            restore_float_mode(mode)
        if self.raised is not None:
            raise self.raised

    # ------------------------------------------------------------------ on all threads

    cdef void _run(self, int me) noexcept nogil:
        if self.double_precision:
            self._obey(me, <double *> self.parameters)
        else:
            self._obey(me, <float *> self.parameters)

    cdef void _obey(self, int me, floating *parameters) noexcept nogil:
        if self.command == STEPS:
            self._take_steps(me, parameters)
        elif self.command == GRADIENT:
            self._sum_gradients(me, parameters)
        else:
            self._update(me, self.scalars, self.step_weight, 1, parameters)
            self._meet()

    cdef void _take_steps(self, int me, floating *parameters) noexcept nogil:
        cdef Py_ssize_t step, first, last
        cdef double weight_sum, step_loss
        cdef int n_gradients
        for step in range(self.n_steps):
            first = (self.first_step + step) * self.batch_size
            last = min(first + self.batch_size, self.n_rows)
            self._gradient(
                me, first, last, self.scalars + step * N_SCALARS, parameters)
            self._meet()
            if self.interrupted:
                break
            weight_sum = self._weight_sum(&n_gradients)
            if weight_sum > 0:
                self._update(me, self.scalars + step * N_SCALARS, weight_sum,
                             n_gradients, parameters)
                if me == 0:
                    step_loss = self._reported()
                    self.stop = not isfinite(step_loss)
                    self.epoch_loss += (last - first) * step_loss / weight_sum
            self._meet()
            if me == 0 and weight_sum > 0:
                self.epoch_loss += (last - first) * self._penalty() / weight_sum
            if self.stop:
                break

    cdef void _update(
        self, int me, const double *scalars, double weight_sum, int n_gradients,
        floating *parameters,
    ) noexcept nogil:
        """This thread's part of the optimizer's step."""
        cdef Py_ssize_t begin, end
        cdef double scale = 1 / weight_sum
        self._range(me, &begin, &end)
        if scalars[CLIP_NORM] > 0:
            reduce_gradients(
                begin, end, <floating **> self.gradient_of_worker, n_gradients)
            n_gradients = 1
            self.workers[me].squared_norm = squared_norm(
                self.blocks, self.n_blocks, begin, end, parameters,
                <const floating *> self.gradient_of_worker[0])
            self._meet()
            scale *= self._clipping(scalars[CLIP_NORM], scale)
        self.workers[me].penalty = update(
            self.blocks, self.n_blocks, begin, end, parameters,
            <floating **> self.gradient_of_worker, n_gradients,
            self.rule, <floating *> self.state, self.n_parameters, self.n_slots,
            scalars, scale)

    cdef double _clipping(self, double highest, double scale) noexcept nogil:
        """What brings the norm of the gradients times scale down to the highest."""
        cdef double total = 0, factor
        cdef int i
        for i in range(self.n_threads):
            total += self.workers[i].squared_norm
        factor = highest / (sqrt(total) * scale + 1e-6)
        return factor if factor < 1 else 1

    cdef void _sum_gradients(self, int me, floating *parameters) noexcept nogil:
        cdef Py_ssize_t begin, end
        cdef int n_gradients
        self._gradient(me, 0, self.n_chosen, self.scalars, parameters)
        self._meet()
        self._weight_sum(&n_gradients)
        self._range(me, &begin, &end)
        reduce_gradients(begin, end, <floating **> self.gradient_of_worker, n_gradients)
        self._meet()

    cdef void _gradient(
        self, int me, Py_ssize_t first, Py_ssize_t last, const double *scalars,
        floating *parameters,
    ) noexcept nogil:
        """This thread's part of the gradient of the rows at first to last - 1 in order.

        They are taken in chunks for which the activations have room, and each thread
        takes its slice of every chunk.
        """
        cdef Worker *worker = &self.workers[me]
        cdef Walk *walk = &worker.walk
        cdef Py_ssize_t chunk = first, count, begin, end
        walk.loss = walk.reported = 0
        walk.accumulate = False
        walk.mask_seed = <uint64_t> scalars[MASK_SEED]
        walk.mask_step = <uint64_t> scalars[MASK_STEP]
        worker.weight_sum = 0
        worker.n_rows = 0
        while chunk < last:
            if me == 0:
                self._poll_signals()
            if self.interrupted:
                return
            count = min(self.capacity, last - chunk)
            begin, end = self._slice(me, count), self._slice(me + 1, count)
            if begin < end:
                walk.count = end - begin
                walk.batch_row = chunk - first + begin
                worker.weight_sum += self.data.fetch(
                    self.rows + chunk + begin, &worker.batch, walk,
                    <floating *> worker.batch.input)
                execute(self.ops, self.n_ops, self.tensors, walk, parameters,
                        <floating *> worker.gradients)
                walk.accumulate = True
                worker.n_rows += walk.count
            chunk += count

    cdef inline Py_ssize_t _slice(self, int me, Py_ssize_t count) noexcept nogil:
        """Where the rows of thread me begin; with few rows, the last have none."""
        cdef Py_ssize_t sharing = min(count, <Py_ssize_t> self.n_threads)
        return count * min(me, sharing) // sharing

    cdef inline void _range(
        self, int me, Py_ssize_t *begin, Py_ssize_t *end) noexcept nogil:
        """The part of the flat parameter buffer that this thread updates."""
        cdef Py_ssize_t lines = (
            self.n_parameters + RANGE_ALIGNMENT - 1) // RANGE_ALIGNMENT
        begin[0] = lines * me // self.n_threads * RANGE_ALIGNMENT
        end[0] = min(
            lines * (me + 1) // self.n_threads * RANGE_ALIGNMENT, self.n_parameters)

    cdef inline void _meet(self) noexcept nogil:
        if self.n_threads > 1:
            barrier_wait(self.barrier)

    cdef double _weight_sum(self, int *n_gradients) noexcept nogil:
        """The sum over the threads, in their order; and how many of them had rows."""
        cdef double total = 0
        cdef int i
        n_gradients[0] = 0
        for i in range(self.n_threads):
            total += self.workers[i].weight_sum
            if self.workers[i].n_rows:
                n_gradients[0] = i + 1
        return total

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
