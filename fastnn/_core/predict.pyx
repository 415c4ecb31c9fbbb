"""Forward passes over the rows of a table, without the GIL.

All room that is needed belongs to a call, so that any number of threads may predict
with one model.
"""

cimport numpy as cnp

import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from cython cimport floating
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from fastnn._core.dataset cimport address, plain, real_type, width_of
from fastnn._core.executor cimport Walk, execute, locate
from fastnn._core.gather cimport Table
from fastnn._core.meeting cimport custom_loss, next_meeting
from fastnn._core.plan cimport (
    PHASE_EVALUATE,
    PHASE_PREDICT,
    SPACE_TARGET,
    op_t,
    tensor_t,
)
from fastnn._core.tables import OP_DTYPE, TENSOR_DTYPE

cnp.import_array()

cdef extern from "finite.h":
    bint all_finite_f32(Py_ssize_t, const float *) noexcept nogil
    bint all_finite_f64(Py_ssize_t, const double *) noexcept nogil

cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident() noexcept nogil

cdef extern from "team.h":
    ctypedef struct team_t:
        pass
    team_t *team_new(int n_threads, int flushes)
    void team_free(team_t *) noexcept nogil
    void team_run(team_t *, void (*)(void *, int) noexcept nogil, void *) noexcept nogil
    double monotonic_seconds() noexcept nogil

cdef enum:
    # Rows that go through the network together: enough for the products to run at
    # speed, few enough for their activations to stay in the cache.
    ROWS_OF_A_PASS = 512
    # What their activations and their copy of X may take, however wide the network is,
    # unless a single row takes more.
    BYTES_OF_A_PASS = 32 << 20
    ROW_ALIGNMENT = 16

cdef double SECONDS_BETWEEN_SIGNAL_CHECKS = 0.1


cdef class Forward:
    """The forward ops of a plan. It belongs to no call: all room is a ``Pass``.

    The ops of the link, which makes predictions of raw outputs, stand apart: they work
    on the predictions in place, in the type that these are wanted in.
    """

    cdef object owners
    cdef const op_t *ops
    cdef const op_t *link_ops
    cdef const tensor_t *tensors
    cdef const tensor_t *link_tensors
    cdef Py_ssize_t n_ops, n_link_ops, activation_size, statistic_size
    cdef Py_ssize_t output, n_inputs, n_outputs, n_parameters, n_targets
    cdef tuple functions

    def __cinit__(self, plan):
        raw, link = plan.without_link(), plan.link()
        records = raw.ops, raw.tensors, link.ops, link.tensors
        for array, expected in zip(records, 2 * (OP_DTYPE, TENSOR_DTYPE)):
            if array.dtype != expected or not array.flags.c_contiguous:
                raise TypeError(f"not the records of a plan: {array.dtype}")
        self.owners = records
        self.ops = <const op_t *> address(raw.ops)
        self.tensors = <const tensor_t *> address(raw.tensors)
        self.link_ops = <const op_t *> address(link.ops)
        self.link_tensors = <const tensor_t *> address(link.tensors)
        self.n_ops, self.n_link_ops = len(raw.ops), len(link.ops)
        self.activation_size = plan.predict_size
        self.statistic_size = plan.statistic_size
        self.functions = plan.functions
        self.output = raw.output
        self.n_inputs, self.n_outputs = plan.n_inputs, plan.n_outputs
        self.n_parameters = plan.n_parameters
        self.n_targets = width_of(self.tensors, len(raw.tensors), SPACE_TARGET)

    def accepts(self, X):
        """Whether X is a plain array of floats of the right width, with rows."""
        if type(X) is not np.ndarray:
            return False
        cdef cnp.ndarray array = X
        cdef int number_type = cnp.PyArray_TYPE(array)
        return (
            cnp.PyArray_NDIM(array) == 2
            and cnp.PyArray_DIM(array, 0) > 0
            and cnp.PyArray_DIM(array, 1) == self.n_inputs
            and (number_type == cnp.NPY_FLOAT or number_type == cnp.NPY_DOUBLE)
            and cnp.PyArray_ISBEHAVED_RO(array)
        )

    def rows_of_a_pass(self, Py_ssize_t itemsize):
        """Rows that are taken together, of numbers of this size."""
        cdef Py_ssize_t bytes_per_row = itemsize * (self.activation_size + self.n_inputs)
        cdef Py_ssize_t rows = BYTES_OF_A_PASS // max(bytes_per_row, 1)
        rows = min(rows, <Py_ssize_t> ROWS_OF_A_PASS)
        if rows > ROW_ALIGNMENT:
            return rows // ROW_ALIGNMENT * ROW_ALIGNMENT
        return max(rows, 1)

    def predict(
        self, cnp.ndarray parameters, X, int n_threads=1, *,
        bint check_input=False, bint strict=True,
    ):
        """Predictions for every row of X, of shape (n, n_outputs).

        They are float64 if X or the parameters are. None as soon as a raw output is not
        finite, if strict, or a number of X, where that is to be checked.
        """
        cdef Table table = Table(X)
        result = self.room_for_predictions(parameters, table)
        cdef Shares shares = Shares(self, parameters, table, n_threads)
        shares.run(parameters, result, check_input, strict)
        return result if shares.finite() or not strict else None

    def evaluate(self, cnp.ndarray parameters, X, y, sample_weight):
        """Sums over all rows: loss and reported loss."""
        cdef Table table = Table(X)
        cdef Pass walker = Pass(self, parameters, table, table.n_rows)
        walker.begin(parameters, 0, table.n_rows, None, y, sample_weight)
        walker.go()
        return walker.walk.loss, walker.walk.reported

    def judge(
        self, cnp.ndarray parameters, X, y, sample_weight, *, bint strict=True,
    ):
        """What predict returns, and what evaluate does."""
        cdef Table table = Table(X)
        cdef Pass walker = Pass(self, parameters, table, table.n_rows)
        result = self.room_for_predictions(parameters, table)
        walker.begin(parameters, 0, table.n_rows, result, y, sample_weight)
        walker.strict = strict
        walker.go()
        if strict and not walker.finite:
            result = None
        return result, (walker.walk.loss, walker.walk.reported)

    cdef room_for_predictions(self, cnp.ndarray parameters, Table X):
        cdef cnp.npy_intp shape[2]
        shape[0] = X.n_rows
        shape[1] = self.n_outputs
        cdef int number_type = (
            cnp.NPY_DOUBLE if X.wide else cnp.PyArray_TYPE(parameters))
        return cnp.PyArray_EMPTY(2, shape, number_type, 0)


cdef void apply_link(Forward forward, Py_ssize_t count, floating *rows) noexcept nogil:
    """Makes predictions of the raw outputs of some rows, in place."""
    cdef Walk walk
    if forward.n_link_ops == 0:
        return
    memset(&walk, 0, sizeof(walk))
    walk.phase = PHASE_PREDICT
    walk.count = count
    walk.activations = rows
    execute(forward.link_ops, forward.n_link_ops, forward.link_tensors, &walk,
            <floating *> NULL)


cdef class Shares:
    """The passes of one call of predict, one for each thread."""

    cdef list owners
    cdef Pass first
    cdef void **passes
    cdef int n_passes
    cdef Py_ssize_t n_rows, together

    def __cinit__(self, Forward forward, cnp.ndarray parameters, Table X, int n_threads):
        self.n_rows = X.n_rows
        self.together = forward.rows_of_a_pass(cnp.PyArray_ITEMSIZE(parameters))
        self.n_passes = max(1, min(n_threads, (self.n_rows - 1) // self.together + 1))
        if self.n_passes == 1:
            self.first = Pass(forward, parameters, X, self.n_rows)
            return
        self.passes = <void **> calloc(self.n_passes, sizeof(void *))
        if self.passes == NULL:
            raise MemoryError("no memory for what the threads share")
        self.owners = []
        for i in range(self.n_passes):
            walker = Pass(forward, parameters, X, self.end(i + 1) - self.end(i))
            self.owners.append(walker)
            self.passes[i] = <void *> walker
        self.first = self.owners[0]

    def __dealloc__(self):
        free(self.passes)

    cdef Py_ssize_t end(self, int share):
        """The row before which a share begins.

        Rows that one thread alone would take together stay together, and give the same
        bits.
        """
        cdef Py_ssize_t parts = (self.n_rows + self.together - 1) // self.together
        return min(parts * share // self.n_passes * self.together, self.n_rows)

    cdef run(self, cnp.ndarray parameters, result, bint check_input, bint strict):
        cdef Pass walker
        cdef team_t *team
        cdef int i
        if self.n_passes == 1:
            self.first.check_input, self.first.strict = check_input, strict
            self.first.begin(parameters, 0, self.n_rows, result, None, None)
            self.first.go()
            return
        for i in range(self.n_passes):
            walker = self.owners[i]
            walker.check_input, walker.strict = check_input, strict
            walker.begin(
                parameters, self.end(i), self.end(i + 1), result, None, None)
            walker.stopped = &self.first.stop
        team = team_new(self.n_passes, False)
        if team == NULL:
            raise MemoryError("no memory for what the threads share")
        with nogil:
            team_run(team, pass_of_share, <void *> self)
            team_free(team)
        for walker in self.owners:
            walker.end()

    cdef bint finite(self):
        cdef Pass walker
        if self.n_passes == 1:
            return self.first.finite
        for walker in self.owners:
            if not walker.finite:
                return False
        return True


cdef void pass_of_share(void *shares, int share) noexcept nogil:
    (<Pass> (<Shares> shares).passes[share]).run()


cdef class Pass:
    """One call's walk over a plan, and the room that it takes."""

    cdef Forward forward
    cdef Py_ssize_t capacity
    cdef Table X
    cdef Walk walk
    cdef void *room
    cdef Py_ssize_t *rows
    cdef void *values
    # What begin() has been told.
    cdef Py_ssize_t first, last, target_columns
    cdef const void *parameters
    cdef const void *target
    cdef const void *weight
    cdef void *predictions
    cdef bint double_precision, wide_predictions, check_input, strict
    cdef unsigned long leader
    # What has come of it.
    cdef bint finite, stop
    cdef bint *stopped          # by whom the call is led
    cdef object raised
    cdef double next_signal_check

    def __cinit__(
        self, Forward forward, cnp.ndarray parameters, Table X, Py_ssize_t n_rows,
    ):
        if (cnp.PyArray_SIZE(parameters) != forward.n_parameters
                or X.n_columns != forward.n_inputs):
            raise ValueError(
                f"this plan has {forward.n_parameters} parameters and "
                f"{forward.n_inputs} inputs, got {parameters.size} and {X.n_columns}")
        cdef size_t itemsize = cnp.PyArray_ITEMSIZE(parameters)
        self.forward = forward
        self.X = X
        self.capacity = min(n_rows, <Py_ssize_t> forward.rows_of_a_pass(itemsize))
        # In this order: row numbers, dense input, statistics, activations.
        cdef size_t row_bytes = aligned(self.capacity * sizeof(Py_ssize_t))
        cdef size_t input_bytes = aligned(
            0 if X.sparse else self.capacity * X.n_columns * itemsize)
        cdef size_t statistic_bytes = aligned(forward.statistic_size * itemsize)
        self.room = malloc(
            64 + row_bytes + input_bytes + statistic_bytes
            + self.capacity * forward.activation_size * itemsize)
        if self.room == NULL:
            raise MemoryError("no memory for the activations of a batch")
        cdef char *start = <char *> aligned(<size_t> self.room)
        memset(&self.walk, 0, sizeof(self.walk))
        self.walk.capacity = self.capacity
        self.rows = <Py_ssize_t *> start
        self.values = start + row_bytes
        self.walk.statistics = start + row_bytes + input_bytes
        self.walk.activations = start + row_bytes + input_bytes + statistic_bytes

    def __dealloc__(self):
        free(self.room)

    cdef begin(
        self, cnp.ndarray parameters, Py_ssize_t first, Py_ssize_t last, result, y,
        sample_weight,
    ):
        """Take note of the rows, of where predictions go, and of y if it is a loss."""
        check_arrays(
            self.forward, parameters, self.X, first, last, result, y, sample_weight)
        self.first, self.last = first, last
        self.walk.phase = PHASE_PREDICT if y is None else PHASE_EVALUATE
        self.parameters = cnp.PyArray_DATA(parameters)
        self.double_precision = cnp.PyArray_TYPE(parameters) == cnp.NPY_DOUBLE
        self.predictions = address(result)
        self.wide_predictions = result is not None and (
            cnp.PyArray_TYPE(<cnp.ndarray> result) == cnp.NPY_DOUBLE)
        self.target, self.weight = address(y), address(sample_weight)
        self.target_columns = 0 if y is None else y.shape[1]
        self.leader = PyThread_get_thread_ident()
        self.next_signal_check = monotonic_seconds() + SECONDS_BETWEEN_SIGNAL_CHECKS
        self.stop, self.stopped = False, &self.stop

    cdef go(self):
        with nogil:
            self.run()
        self.end()

    cdef end(self):
        if self.raised is not None:
            raise self.raised

    cdef void run(self) noexcept nogil:
        if self.double_precision:
            self.finite = self.walk_over(<double *> self.parameters)
        else:
            self.finite = self.walk_over(<float *> self.parameters)

    cdef bint walk_over(self, floating *parameters) noexcept nogil:
        """All rows, in passes; whether their raw outputs, and X if asked, are finite."""
        cdef const floating *target = <const floating *> self.target
        cdef const floating *weight = <const floating *> self.weight
        cdef Py_ssize_t n_outputs = self.forward.n_outputs, first = self.first, size
        cdef const floating *raw
        cdef bint finite = True
        while first < self.last:
            self.poll_signals()
            if self.stopped[0]:
                return False
            self.fetch(first, min(self.capacity, self.last - first),
                       <floating *> self.values)
            if self.check_input and not are_finite(
                    self.walk.count * self.X.n_columns,
                    <const floating *> self.walk.input):
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

    cdef void fetch(
        self, Py_ssize_t first, Py_ssize_t count, floating *values) noexcept nogil:
        """The rows from first on: where they lie, or gathered into values."""
        cdef Py_ssize_t i
        self.walk.count = count
        self.walk.input = self.X.in_place(first, sizeof(floating))
        if self.walk.input != NULL:
            return
        for i in range(count):
            self.rows[i] = first + i
        if self.X.sparse:
            self.walk.sparse_input = self.X.sparse_rows(self.rows)
        else:
            self.X.gather(self.rows, count, values)
            self.walk.input = values

    cdef void poll_signals(self) noexcept nogil:
        """Looks by the clock whether Ctrl-C was pressed, on the thread that leads."""
        cdef double now = monotonic_seconds()
        if (now < self.next_signal_check
                or PyThread_get_thread_ident() != self.leader):
            return
        self.next_signal_check = now + SECONDS_BETWEEN_SIGNAL_CHECKS
        with gil:
            try:
                PyErr_CheckSignals()
            except BaseException as error:
                self.raised = error
                self.stopped[0] = True


cdef bint are_finite(Py_ssize_t size, const floating *values) noexcept nogil:
    """Whether numbers are finite; a float64 that has left float32 is not, by then."""
    if floating is float:
        return all_finite_f32(size, <const float *> values)
    else:
        return all_finite_f64(size, <const double *> values)


cdef check_arrays(
    Forward forward, parameters, Table X, Py_ssize_t first, Py_ssize_t last, result, y,
    sample_weight,
):
    """The last look at what the loops trust, whoever calls."""
    cdef int number_type = real_type("parameters", parameters)
    plain("parameters", parameters, number_type, forward.n_parameters)
    if result is not None:
        plain("result", result, real_type("result", result),
              X.n_rows * forward.n_outputs, True)
    plain("y", y, number_type, X.n_rows * forward.n_targets)
    plain("sample_weight", sample_weight, number_type, X.n_rows)
    if not 0 <= first <= last <= X.n_rows:
        raise ValueError(f"there are no rows {first} to {last} in X of {X.n_rows}")


cdef inline size_t aligned(size_t size) noexcept nogil:
    """The next multiple of a cache line."""
    return (size + 63) // 64 * 64
