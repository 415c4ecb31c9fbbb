"""What the threads of an engine share: its buffers, and the parts that they work on.

There are as many shares of every job as threads, and any thread may take any.
"""

import numpy as np

from cython cimport floating
from libc.stdint cimport int64_t, uint64_t

from fastnn.engine.cpu.dataset cimport (
    Dataset,
    address,
    count_losses,
    plain,
    real_type,
)
from fastnn.engine.cpu.executor cimport Input, Steps, Walk, execute
from fastnn.engine.cpu.max_norm cimport limit_norms
from fastnn.engine.cpu.meeting cimport next_meeting
from fastnn.plan.structs cimport PHASE_TRAIN, block_t, op_t, tensor_t
from fastnn.engine.cpu.precision cimport new_precision
from fastnn.engine.cpu.rows cimport TouchedRows
from fastnn.engine.cpu.memory cimport Buffer, buffer_free, buffer_zeros, owned_zeros
from fastnn.engine.cpu.signals cimport is_due, new_watch, pending_error
from fastnn.engine.cpu.steps cimport StepAxis, allocate_steps
from fastnn.plan.tables import (
    BLOCK_DTYPE,
    OP_DTYPE,
    OPTIMIZER_SLOTS,
    OPTIMIZERS,
    TENSOR_DTYPE,
)
from fastnn.engine.cpu.update cimport (
    reduce_gradients,
    squared_norm,
    update,
    update_average,
)

cdef extern from "update/block_scalars.h":
    double clipping_factor(double, double, double) noexcept nogil

cdef extern from "tables/elementwise.h":
    enum:
        AVERAGE_RATE
        MASK_SEED
        MASK_STEP
        MIXED_SHARE

# Ranges of the flat buffer start at multiples of this many numbers: no two threads
# write to one cache line.
cdef enum:
    RANGE_ALIGNMENT = 16


cdef class Shares:
    """The buffers of an engine, and one share of each of its jobs."""

    def __cinit__(
        self, ops, tensors, blocks, params, row_gradients,
        Py_ssize_t n_parameters, Py_ssize_t n_gradients, Py_ssize_t activation_size,
        tuple sizes_of_steps, Py_ssize_t statistic_size, tuple functions,
        tuple inputs, parameters,
        tuple tables, y, sample_weight,
        Py_ssize_t batch_size, Py_ssize_t capacity, int rule, state, int n_threads,
        str precision, average, tuple mixed,
    ):
        dtype = parameters.dtype
        for array, expected in (
            (ops, OP_DTYPE), (tensors, TENSOR_DTYPE), (blocks, BLOCK_DTYPE),
            (params, np.int64),
        ):
            if array.dtype != expected or not array.flags.c_contiguous:
                raise TypeError(f"not the records of a plan: {array.dtype}")
        self.owners = [ops, tensors, blocks, params, parameters, state, average]
        self.ops = <const op_t *> address(ops)
        self.tensors = <const tensor_t *> address(tensors)
        self.blocks = <const block_t *> address(blocks)
        self.params = <const int64_t *> address(params)
        self.n_ops, self.n_blocks = len(ops), len(blocks)
        self.first_meeting = next_meeting(self.ops, 0, self.n_ops, PHASE_TRAIN)
        self.n_parameters, self.n_gradients = n_parameters, n_gradients
        self.double_precision = dtype == np.float64
        cdef int number_type = real_type("parameters", parameters)
        self.parameters = plain(
            "parameters", parameters, number_type, n_parameters, True)
        self.rule = rule
        self.n_slots = 0 if state is None else len(state)
        if state is not None and self.n_slots != OPTIMIZER_SLOTS[OPTIMIZERS[rule]]:
            raise ValueError(f"{OPTIMIZERS[rule]} does not have {self.n_slots} slots")
        self.state = plain(
            "state", state, number_type, self.n_slots * n_parameters, True)
        self.average = plain("average", average, number_type, n_parameters, True)
        self.limits_norms = bool((blocks["max_norm"] * blocks["trainable"]).any())
        self.n_losses = count_losses(ops)
        self.data = Dataset(inputs, tables, y, sample_weight, self.n_losses)
        self.data.check_widths(self.tensors, len(tensors))
        self.mixes = mixed is not None
        if self.mixes:
            self.data.width, self.data.line, self.data.pixel = mixed
        self.n_rows = self.data.n_rows
        self.batch_size, self.capacity = batch_size, capacity
        self.n_threads = n_threads
        order = np.arange(self.n_rows, dtype=np.intp)
        self.owners.append(order)
        self.order = <Py_ssize_t *> address(order)
        self.rows = self.order
        self.n_axes = len(self.data.inputs.axes)
        if len(sizes_of_steps) != self.n_axes:
            raise ValueError(
                f"this plan reads {len(sizes_of_steps)} inputs of sequences, got "
                f"{self.n_axes}")
        self.touched = TouchedRows(
            row_gradients, tensors, blocks, self._most_tokens(tensors, row_gradients))
        self.averages_last = self.limits_norms or self.touched.n_uses > 0
        self._allocate(
            dtype, activation_size, sizes_of_steps, statistic_size, precision)

    def _most_tokens(self, tensors, row_gradients):
        """How many rows of tables a mini-batch comes to at most."""
        cdef Py_ssize_t total = 0
        for tensor in tensors[row_gradients["tokens"]]:
            total += tensor["size"] * self._most_copies(tensor["axis"], self.batch_size)
        return total

    def _most_copies(self, int axis, Py_ssize_t n_rows):
        """So many rows, or the most steps that they have."""
        if axis == 0:
            return n_rows
        return (<StepAxis> self.data.inputs.axes[axis - 1]).most(n_rows)

    def _allocate(
        self, dtype, Py_ssize_t activation_size, tuple sizes_of_steps,
        Py_ssize_t statistic_size, str precision,
    ):
        # What a thread has at most, and full cache lines of each activation.
        cdef Py_ssize_t rows = (self.capacity + self.n_threads - 1) // self.n_threads
        rows = (rows + RANGE_ALIGNMENT - 1) // RANGE_ALIGNMENT * RANGE_ALIGNMENT
        cdef Py_ssize_t itemsize = dtype.itemsize
        cdef Worker *worker
        cdef Buffer gradients
        cdef int me, axis
        self.workers = <Worker *> buffer_zeros(self.n_threads, sizeof(Worker))
        self.gradient_of_worker = <void **> buffer_zeros(self.n_threads, sizeof(void *))
        self.walks = <Walk **> buffer_zeros(self.n_threads, sizeof(Walk *))
        if (self.workers == NULL or self.gradient_of_worker == NULL
                or self.walks == NULL):
            raise MemoryError("no memory for the threads' state")
        for me in range(self.n_threads):
            worker = &self.workers[me]
            gradients = Buffer(self.n_gradients, itemsize)
            self.owners.append(gradients)
            if me == 0:
                self.gradients = gradients.as_array(dtype)
            self.gradient_of_worker[me] = gradients.start
            self.walks[me] = &worker.walk
            worker.walk.gradients = gradients.start
            worker.walk.phase = PHASE_TRAIN
            worker.walk.params = self.params
            worker.walk.inputs = <Input *> owned_zeros(
                self.data.inputs.count, sizeof(Input), self.owners)
            worker.walk.reported = <double *> owned_zeros(
                2 * self.n_losses, sizeof(double), self.owners)
            worker.loss_weights = worker.walk.reported + self.n_losses
            worker.walk.statistics = owned_zeros(statistic_size, itemsize, self.owners)
            worker.walk.activations = owned_zeros(
                rows * activation_size, itemsize, self.owners)
            worker.walk.capacity = rows
            worker.walk.precision = new_precision(precision, self.owners)
            worker.walk.steps = <Steps *> owned_zeros(
                self.n_axes, sizeof(Steps), self.owners)
            for axis in range(self.n_axes):
                allocate_steps(
                    worker.walk.steps + axis, rows, self._most_copies(axis + 1, rows),
                    sizes_of_steps[axis], itemsize, self.owners)
            worker.batch = self.data.new_batch(
                rows, worker.walk.steps, itemsize, self.owners)
            if self.mixes:
                worker.other = self.data.new_batch(
                    rows, worker.walk.steps, itemsize, self.owners)
                worker.others = <Py_ssize_t *> owned_zeros(
                    rows, sizeof(Py_ssize_t), self.owners)

    def __dealloc__(self):
        buffer_free(self.workers)
        buffer_free(self.gradient_of_worker)
        buffer_free(self.walks)

    cdef begin(self):
        """Forget how the last call from Python ended."""
        self.interrupted = False
        self.raised = None
        self.watch = new_watch()

    cdef bint _averages(self) noexcept nogil:
        """Whether the parameters after this step go into their average."""
        return self.average != NULL and self.scalars[AVERAGE_RATE] != 0

    cdef double _clipping(self, double highest) noexcept nogil:
        """What brings the norm of the scaled gradients down to the highest."""
        cdef double total = 0
        cdef int i
        for i in range(self.n_threads):
            total += self.workers[i].squared_norm
        return clipping_factor(total, self.scale, highest)

    # -------------------------------------------------- on any thread, a share of a job

    cdef void _update(self, int share, floating *parameters) noexcept nogil:
        """One share of the optimizer's step."""
        cdef Py_ssize_t begin, end
        cdef floating *average = NULL
        if self._averages() and not self.averages_last:
            average = <floating *> self.average
        self._range(share, self.n_gradients, &begin, &end)
        self.workers[share].penalty = update(
            self.blocks, self.n_blocks, begin, end, parameters,
            <floating **> self.gradient_of_worker, self.n_shares,
            self.rule, <floating *> self.state, self.n_parameters, self.n_slots,
            self.scalars, self.scale, self.weight_sum, average)
        if self.touched.count:
            self.workers[share].penalty += self.touched.update(
                share, self.n_threads, parameters, self.rule, <floating *> self.state,
                self.n_parameters, self.n_slots, self.scalars, self.scale,
                self.weight_sum)

    cdef void _max_norm(self, int share, floating *parameters) noexcept nogil:
        limit_norms(self.blocks, self.n_blocks, share, self.n_threads, parameters)

    cdef void _average(self, int share, floating *parameters) noexcept nogil:
        cdef Py_ssize_t begin, end
        self._range(share, self.n_parameters, &begin, &end)
        update_average(
            begin, end, parameters, self.scalars, <floating *> self.average)

    cdef void _norm(self, int share, floating *parameters) noexcept nogil:
        """One share of the reduced gradients and of their norm."""
        cdef Py_ssize_t begin, end
        self._range(share, self.n_gradients, &begin, &end)
        reduce_gradients(
            begin, end, <floating **> self.gradient_of_worker, self.n_shares)
        self.workers[share].squared_norm = squared_norm(
            self.blocks, self.n_blocks, begin, end, parameters,
            <const floating *> self.gradient_of_worker[0], self.weight_sum)
        if self.touched.count:
            self.workers[share].squared_norm += self.touched.squared_norm(
                share, self.n_threads, parameters, self.weight_sum)

    cdef void _reduce(self, int share, floating *nothing) noexcept nogil:
        cdef Py_ssize_t begin, end
        self._range(share, self.n_gradients, &begin, &end)
        reduce_gradients(
            begin, end, <floating **> self.gradient_of_worker, self.n_shares)

    cdef void _gradient(self, int share, floating *parameters) noexcept nogil:
        """One share of the gradient of the rows.

        They are taken in chunks for which the activations have room, and each share
        is a slice of every chunk. Where shares meet there is one chunk, and this ends
        at the first meeting.
        """
        cdef Worker *worker = &self.workers[share]
        cdef Walk *walk = &worker.walk
        cdef Py_ssize_t chunk = self.first, count, begin, end, loss
        walk.loss = 0
        for loss in range(self.n_losses):
            walk.reported[loss] = worker.loss_weights[loss] = 0
        walk.batch_rows = self.last - self.first
        walk.mask_seed = <uint64_t> self.scalars[MASK_SEED]
        walk.mask_step = <uint64_t> self.scalars[MASK_STEP]
        worker.weight_sum = 0
        worker.n_rows = 0
        while chunk < self.last:
            self._poll_signals()
            if self.interrupted:
                return
            count = min(self.capacity, self.last - chunk)
            begin, end = self._slice(share, count), self._slice(share + 1, count)
            if begin < end:
                walk.count = end - begin
                walk.batch_row = chunk - self.first + begin
                self.data.gather(
                    self.rows + chunk + begin, walk.count, walk.capacity, &worker.batch,
                    <floating *> worker.batch.input, walk.inputs, walk.steps)
                self._number_steps(walk, chunk + begin)
                if self.mixes and self.scalars[MIXED_SHARE] > 0:
                    self._mix(worker, <floating *> worker.other.input)
                worker.weight_sum += self.data.show(
                    &worker.batch, walk, <floating *> worker.batch.weight,
                    worker.loss_weights)
                walk.accumulate = worker.n_rows > 0
                execute(self.ops, self.first_meeting, self.tensors, walk, parameters)
                worker.n_rows += walk.count
            chunk += count

    cdef void _number_steps(self, Walk *walk, Py_ssize_t first) noexcept nogil:
        """How many steps the mini-batch has before this row, on each axis."""
        cdef Py_ssize_t axis
        for axis in range(self.n_axes):
            walk.steps[axis].batch_first = self.data.steps_of(
                axis, self.rows + self.first, first - self.first)

    cdef void _mix(self, Worker *worker, floating *other) noexcept nogil:
        """Mixes each row of a batch with the next of the mini-batch, and the last with
        the first: these may be other shares', and are gathered once more.
        """
        cdef Walk *walk = &worker.walk
        cdef Py_ssize_t i, n = self.last - self.first
        cdef Input found
        for i in range(walk.count):
            worker.others[i] = self.rows[self.first + (walk.batch_row + i + 1) % n]
        self.data.gather(
            worker.others, walk.count, walk.capacity, &worker.other, other, &found,
            NULL)
        self.data.mix(walk.count, &worker.other, &found, self.scalars, &worker.batch,
                      <floating *> worker.batch.input)

    cdef void _rest(self, int share, floating *parameters) noexcept nogil:
        """What one share does after a meeting, until the next one or the end."""
        cdef Worker *worker = &self.workers[share]
        if worker.n_rows and not self.interrupted:
            execute(self.ops + self.first_op, self.last_op - self.first_op,
                    self.tensors, &worker.walk, parameters)

    cdef Py_ssize_t _slice(self, int share, Py_ssize_t count) noexcept nogil:
        """Where the rows of a share begin; with few rows, the last have none."""
        cdef Py_ssize_t sharing = min(count, <Py_ssize_t> self.n_threads)
        return count * min(share, sharing) // sharing

    cdef void _range(
        self, int share, Py_ssize_t size, Py_ssize_t *begin, Py_ssize_t *end,
    ) noexcept nogil:
        """The part of the first so many parameters that a share updates."""
        cdef Py_ssize_t lines = (size + RANGE_ALIGNMENT - 1) // RANGE_ALIGNMENT
        begin[0] = lines * share // self.n_threads * RANGE_ALIGNMENT
        end[0] = min(lines * (share + 1) // self.n_threads * RANGE_ALIGNMENT, size)

    # ----------------------------------------------------------- between two jobs

    cdef void _add_up_weights(self) noexcept nogil:
        """The sum over the shares, in their order; and how many of them had rows."""
        cdef int i
        self.weight_sum = 0
        self.n_shares = 0
        for i in range(self.n_threads):
            self.weight_sum += self.workers[i].weight_sum
            if self.workers[i].n_rows:
                self.n_shares = i + 1

    cdef void _collect_rows(self) noexcept nogil:
        """Which rows of tables the shares have come to."""
        cdef int n_walks = 0
        while n_walks < self.n_threads and self.workers[n_walks].n_rows:
            n_walks += 1
        self.touched.collect(
            self.walks, n_walks,
            sizeof(double) if self.double_precision else sizeof(float))

    cdef double _reported(self) noexcept nogil:
        cdef double total = 0
        cdef Py_ssize_t loss
        cdef int i
        for i in range(self.n_threads):
            for loss in range(self.n_losses):
                total += self.workers[i].walk.reported[loss]
        return total

    cdef void _add_reports(self, double *reports) noexcept nogil:
        """Adds what is reported of each loss, and the sum of its weights."""
        cdef Py_ssize_t loss
        cdef int i
        for i in range(self.n_threads):
            for loss in range(self.n_losses):
                reports[2 * loss] += self.workers[i].walk.reported[loss]
                reports[2 * loss + 1] += self.workers[i].loss_weights[loss]

    cdef double _penalty(self) noexcept nogil:
        cdef double total = 0
        cdef int i
        for i in range(self.n_threads):
            total += self.workers[i].penalty
        return total

    cdef void _poll_signals(self) noexcept nogil:
        """Looks by the clock whether Ctrl-C was pressed, on the thread that leads."""
        if is_due(&self.watch):
            with gil:
                self.raised = pending_error()
                self.interrupted = self.raised is not None


# The jobs that threads share, by the precision of the shares, which are the context.

cdef void gradient_of_share(void *shares, int share) noexcept nogil:
    if (<Shares> shares).double_precision:
        (<Shares> shares)._gradient(share, <double *> (<Shares> shares).parameters)
    else:
        (<Shares> shares)._gradient(share, <float *> (<Shares> shares).parameters)


cdef void rest_of_share(void *shares, int share) noexcept nogil:
    if (<Shares> shares).double_precision:
        (<Shares> shares)._rest(share, <double *> (<Shares> shares).parameters)
    else:
        (<Shares> shares)._rest(share, <float *> (<Shares> shares).parameters)


cdef void reduce_share(void *shares, int share) noexcept nogil:
    if (<Shares> shares).double_precision:
        (<Shares> shares)._reduce(share, <double *> NULL)
    else:
        (<Shares> shares)._reduce(share, <float *> NULL)


cdef void norm_share(void *shares, int share) noexcept nogil:
    if (<Shares> shares).double_precision:
        (<Shares> shares)._norm(share, <double *> (<Shares> shares).parameters)
    else:
        (<Shares> shares)._norm(share, <float *> (<Shares> shares).parameters)


cdef void update_share(void *shares, int share) noexcept nogil:
    if (<Shares> shares).double_precision:
        (<Shares> shares)._update(share, <double *> (<Shares> shares).parameters)
    else:
        (<Shares> shares)._update(share, <float *> (<Shares> shares).parameters)


cdef void max_norm_share(void *shares, int share) noexcept nogil:
    if (<Shares> shares).double_precision:
        (<Shares> shares)._max_norm(share, <double *> (<Shares> shares).parameters)
    else:
        (<Shares> shares)._max_norm(share, <float *> (<Shares> shares).parameters)


cdef void average_share(void *shares, int share) noexcept nogil:
    if (<Shares> shares).double_precision:
        (<Shares> shares)._average(share, <double *> (<Shares> shares).parameters)
    else:
        (<Shares> shares)._average(share, <float *> (<Shares> shares).parameters)
