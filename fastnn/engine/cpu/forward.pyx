"""A walk over the forward ops of a plan, for some rows of a table, without the GIL."""

cimport numpy as cnp

import numpy as np

from cython cimport floating
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset

from fastnn.engine.cpu.dataset cimport (
    address,
    count_losses,
    plain,
    real_type,
    width_of,
)
from fastnn.engine.cpu.executor cimport Input, Steps, Walk, execute, locate
from fastnn.engine.cpu.inputs cimport Inputs, described
from fastnn.engine.cpu.meeting cimport custom_loss, next_meeting
from fastnn.plan.structs cimport (
    PHASE_EVALUATE,
    PHASE_PREDICT,
    SPACE_TARGET,
    op_t,
    tensor_t,
)
from fastnn.engine.cpu.memory cimport (
    buffer_free_group,
    buffer_group,
    owned_zeros,
)
from fastnn.engine.cpu.signals cimport is_due, new_watch, pending_error
from fastnn.engine.cpu.steps cimport StepAxis, allocate_steps
from fastnn.plan.tables import OP_DTYPE, TENSOR_DTYPE

cnp.import_array()

cdef extern from "base/finite.h":
    bint all_finite_f32(Py_ssize_t, const float *) noexcept nogil
    bint all_finite_f64(Py_ssize_t, const double *) noexcept nogil

cdef enum:
    # Rows that go through the network together: enough for the products to run at
    # speed, few enough for their activations to stay in the cache.
    ROWS_OF_A_PASS = 512
    # What their activations and their copy of X may take, however wide the network is,
    # unless a single row takes more.
    BYTES_OF_A_PASS = 32 << 20
    # The same of steps, with which recurrent layers take a while.
    BYTES_OF_STEPS = 8 << 20
    ROW_ALIGNMENT = 16


cdef class ForwardOps:
    """The forward ops of a plan. It belongs to no call: all room is a ``Pass``.

    The ops of the link, which makes predictions of raw outputs, stand apart: they work
    on the predictions in place, in the type that these are wanted in.
    """

    def __cinit__(self, plan):
        raw, link = plan.without_link(), plan.link()
        records = raw.ops, raw.tensors, link.ops, link.tensors, plan.params
        dtypes = OP_DTYPE, TENSOR_DTYPE, OP_DTYPE, TENSOR_DTYPE, np.int64
        for array, expected in zip(records, dtypes):
            if array.dtype != expected or not array.flags.c_contiguous:
                raise TypeError(f"not the records of a plan: {array.dtype}")
        self.owners = records
        self.ops = <const op_t *> address(raw.ops)
        self.tensors = <const tensor_t *> address(raw.tensors)
        self.link_ops = <const op_t *> address(link.ops)
        self.link_tensors = <const tensor_t *> address(link.tensors)
        self.params = <const int64_t *> address(plan.params)
        self.n_ops, self.n_link_ops = len(raw.ops), len(link.ops)
        self.activation_size = plan.predict_size
        self.sizes_of_steps = plan.predict_sizes_of_steps
        self.statistic_size = plan.statistic_size
        self.functions = plan.functions
        self.inputs = described(plan.inputs)
        self.plain_shape = plan.input_shape if plan.reads_one_table else None
        self.output = raw.output
        self.n_inputs, self.n_outputs = plan.n_inputs, plan.n_outputs
        self.n_parameters = plan.n_parameters
        self.n_targets = width_of(self.tensors, len(raw.tensors), SPACE_TARGET)
        self.n_losses = count_losses(raw.ops)

    cpdef Py_ssize_t rows_of_a_pass(self, Py_ssize_t itemsize):
        """Rows that are taken together, of numbers of this size."""
        cdef Py_ssize_t numbers = self.activation_size + self.n_inputs
        cdef Py_ssize_t rows = BYTES_OF_A_PASS // max(itemsize * numbers, 1)
        rows = min(rows, <Py_ssize_t> ROWS_OF_A_PASS)
        if rows > ROW_ALIGNMENT:
            return rows // ROW_ALIGNMENT * ROW_ALIGNMENT
        return max(rows, 1)


cdef void apply_link(
    ForwardOps forward, Py_ssize_t count, floating *rows) noexcept nogil:
    """Makes predictions of the raw outputs of some rows, in place."""
    cdef Walk walk
    if forward.n_link_ops == 0:
        return
    memset(&walk, 0, sizeof(walk))
    walk.phase = PHASE_PREDICT
    walk.params = forward.params
    walk.count = count
    walk.activations = rows
    execute(forward.link_ops, forward.n_link_ops, forward.link_tensors, &walk,
            <floating *> NULL)


cdef class Pass:
    """One call's walk over a plan, and the room that it takes."""

    def __cinit__(
        self, ForwardOps forward, cnp.ndarray parameters, Inputs inputs,
        Py_ssize_t n_rows,
    ):
        if cnp.PyArray_SIZE(parameters) != forward.n_parameters:
            raise ValueError(
                f"this plan has {forward.n_parameters} parameters, got "
                f"{parameters.size}")
        cdef size_t itemsize = cnp.PyArray_ITEMSIZE(parameters)
        self.forward = forward
        self.inputs = inputs
        self.together = forward.rows_of_a_pass(itemsize)
        self.capacity = min(n_rows, self.together)
        memset(&self.walk, 0, sizeof(self.walk))
        self.n_axes = len(inputs.axes)
        if self.n_axes:
            self.make_room_for_steps(itemsize)
        cdef size_t[N_BUFFERS] sizes
        sizes[:] = [
            self.capacity * sizeof(Py_ssize_t),
            inputs.count * sizeof(Input),
            inputs.bytes_for(self.capacity, self.walk.steps, itemsize),
            forward.statistic_size * itemsize,
            self.capacity * forward.activation_size * itemsize,
            forward.n_losses * sizeof(double),
        ]
        if not buffer_group(N_BUFFERS, sizes, self.buffers):
            raise MemoryError("no memory for the activations of a batch")
        self.walk.capacity = self.capacity
        self.walk.params = forward.params
        self.rows, self.values = <Py_ssize_t *> self.buffers[0], self.buffers[2]
        self.walk.inputs = <Input *> self.buffers[1]
        self.walk.statistics, self.walk.activations = self.buffers[3], self.buffers[4]
        self.walk.reported = <double *> self.buffers[5]
        memset(self.walk.reported, 0, forward.n_losses * sizeof(double))

    cdef make_room_for_steps(self, Py_ssize_t itemsize):
        """Room for steps: all of a pass, or less, but for those of the longest row."""
        cdef Py_ssize_t i, most, size
        cdef StepAxis axis
        self.owners = []
        self.walk.steps = <Steps *> owned_zeros(
            self.n_axes, sizeof(Steps), self.owners)
        for i, axis in enumerate(self.inputs.axes):
            size = self.forward.sizes_of_steps[i]
            most = max(axis.most(1), BYTES_OF_STEPS // max(itemsize * size, 1))
            allocate_steps(
                self.walk.steps + i, self.capacity,
                min(most, axis.most(self.capacity)), size, itemsize, self.owners)

    def __dealloc__(self):
        buffer_free_group(N_BUFFERS, self.buffers)

    cdef begin(
        self, cnp.ndarray parameters, Py_ssize_t first, Py_ssize_t last, result, y,
        sample_weight,
    ):
        """Take note of the rows, of where predictions go, and of y if it is a loss."""
        if weighs_losses(sample_weight):
            self.owner = sample_weight = np.ascontiguousarray(sample_weight.T)
            self.walk.weight_lead = self.inputs.n_rows
        check_arrays(
            self.forward, parameters, self.inputs.n_rows, first, last, result, y,
            sample_weight)
        self.first, self.last = first, last
        self.walk.phase = PHASE_PREDICT if y is None else PHASE_EVALUATE
        self.parameters = cnp.PyArray_DATA(parameters)
        self.double_precision = cnp.PyArray_TYPE(parameters) == cnp.NPY_DOUBLE
        self.predictions = address(result)
        self.wide_predictions = result is not None and (
            cnp.PyArray_TYPE(<cnp.ndarray> result) == cnp.NPY_DOUBLE)
        self.target, self.weight = address(y), address(sample_weight)
        self.target_columns = 0 if y is None else y.shape[1]
        self.watch = new_watch()
        self.stop, self.stopped = False, &self.stop

    cdef go(self):
        with nogil:
            self.run()
        self.end()

    cdef end(self):
        if self.raised is not None:
            raise self.raised

    cdef reported(self):
        """What is reported of each loss."""
        return np.array(
            [self.walk.reported[i] for i in range(self.forward.n_losses)])

    cdef void run(self) noexcept nogil:
        if self.double_precision:
            self.finite = self.walk_over(<double *> self.parameters)
        else:
            self.finite = self.walk_over(<float *> self.parameters)

    cdef bint walk_over(self, floating *parameters) noexcept nogil:
        """All rows, in passes; whether raw outputs, and X if asked, are finite.

        X is asked for where it is one dense table of numbers.
        """
        cdef const floating *target = <const floating *> self.target
        cdef const floating *weight = <const floating *> self.weight
        cdef Py_ssize_t n_outputs = self.forward.n_outputs, first = self.first, size
        cdef const floating *raw
        cdef bint finite = True
        while first < self.last:
            self.poll_signals()
            if self.stopped[0]:
                return False
            self.walk.count = min(self.capacity, self.last - first)
            if self.n_axes:
                # Which rows are taken together does not depend on where a share begins.
                self.walk.count = self.inputs.fitting(
                    first, min(self.walk.count, self.together - first % self.together),
                    self.walk.steps)
            self.inputs.read(
                first, self.walk.count, self.rows, self.capacity,
                <floating *> self.values, self.walk.inputs, self.walk.steps)
            if self.check_input and not are_finite(
                    self.walk.count * self.forward.n_inputs,
                    <const floating *> self.walk.inputs[0].rows):
                return False
            self.walk.target = target + first * self.target_columns
            self.walk.weight = weight + first if weight != NULL else NULL
            if not self.forward_rows(parameters):
                return False
            if self.predictions != NULL:
                size = self.walk.count * n_outputs
                raw = locate(self.forward.tensors, <int> self.forward.output,
                             &self.walk, parameters)
                if finite and not are_finite(size, raw):
                    finite = False
                    if self.strict:
                        return False
                self.put(first * n_outputs, size, raw)
            first += self.walk.count
        return finite

    cdef void put(
        self, Py_ssize_t place, Py_ssize_t size, const floating *raw) noexcept nogil:
        """Predictions of the rows at hand, in the type that they are wanted in."""
        cdef double *wide
        cdef floating *to
        cdef Py_ssize_t i
        if floating is float and self.wide_predictions:
            wide = <double *> self.predictions + place
            for i in range(size):
                wide[i] = raw[i]
            apply_link(self.forward, self.walk.count, wide)
        else:
            to = <floating *> self.predictions + place
            memcpy(to, raw, size * sizeof(floating))
            apply_link(self.forward, self.walk.count, to)

    cdef bint forward_rows(self, floating *parameters) noexcept nogil:
        """Walks over the plan; whether no function of Python's has raised."""
        cdef const op_t *ops = self.forward.ops
        cdef const tensor_t *tensors = self.forward.tensors
        cdef Py_ssize_t n_ops = self.forward.n_ops, first = 0, at
        cdef Walk *walk = &self.walk
        while True:
            at = next_meeting(ops, first, n_ops, walk.phase)
            execute(ops + first, at - first, tensors, walk, parameters)
            if at == n_ops:
                return True
            # Custom losses are all that meets outside of training.
            with gil:
                try:
                    custom_loss(self.forward.functions[ops[at].code], ops + at, tensors,
                                &walk, 1, parameters)
                except BaseException as error:
                    self.raised = error
                    return False
            first = at + 1

    cdef void poll_signals(self) noexcept nogil:
        """Looks by the clock whether Ctrl-C was pressed, on the thread that leads."""
        if is_due(&self.watch):
            with gil:
                self.raised = pending_error()
                self.stopped[0] = self.raised is not None


cdef bint are_finite(Py_ssize_t size, const floating *values) noexcept nogil:
    """Whether numbers are finite; a float64 that has left float32 is not, by then."""
    if floating is float:
        return all_finite_f32(size, <const float *> values)
    else:
        return all_finite_f64(size, <const double *> values)


cdef bint weighs_losses(sample_weight):
    """Whether there are weights for each loss, behind those of the samples."""
    return cnp.PyArray_Check(sample_weight) and (
        cnp.PyArray_NDIM(<cnp.ndarray> sample_weight) == 2)


cdef check_arrays(
    ForwardOps forward, parameters, Py_ssize_t n_rows, Py_ssize_t first,
    Py_ssize_t last, result, y, sample_weight,
):
    """The last look at what the loops trust, whoever calls."""
    cdef int number_type = real_type("parameters", parameters)
    plain("parameters", parameters, number_type, forward.n_parameters)
    if result is not None:
        plain("result", result, real_type("result", result),
              n_rows * forward.n_outputs, True)
    plain("y", y, number_type, n_rows * forward.n_targets)
    cdef Py_ssize_t columns = 1
    if weighs_losses(sample_weight):
        columns = 1 + forward.n_losses
    plain("sample_weight", sample_weight, number_type, columns * n_rows)
    if not 0 <= first <= last <= n_rows:
        raise ValueError(f"there are no rows {first} to {last} among {n_rows}")
