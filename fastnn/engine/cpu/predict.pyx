"""Predictions and losses of tables of rows, on one thread or several."""

cimport numpy as cnp

import numpy as np

from fastnn.engine.cpu.forward cimport ForwardOps, Pass
from fastnn.engine.cpu.inputs cimport Inputs
from fastnn.engine.cpu.memory cimport buffer_free, buffer_zeros

cnp.import_array()

cdef extern from "base/team.h":
    ctypedef struct team_t:
        pass
    team_t *team_new(int n_threads, int flushes)
    void team_free(team_t *) noexcept nogil
    void team_run(team_t *, void (*)(void *, int) noexcept nogil, void *) noexcept nogil


cdef class Forward(ForwardOps):
    """The forward ops of a plan, ready for any number of callers at a time.

    All room that is needed belongs to a call.
    """

    def accepts(self, X):
        """Whether X is all that is read: plain numbers of its shape, with rows.

        Floats, or bytes of images.
        """
        if type(X) is not np.ndarray or self.plain_shape is None:
            return False
        cdef cnp.ndarray array = X
        cdef int i, n_axes = cnp.PyArray_NDIM(array)
        cdef int number_type = cnp.PyArray_TYPE(array)
        if n_axes != 1 + len(self.plain_shape) or cnp.PyArray_DIM(array, 0) == 0:
            return False
        for i in range(1, n_axes):
            if cnp.PyArray_DIM(array, i) != <Py_ssize_t> self.plain_shape[i - 1]:
                return False
        if n_axes > 2 and not cnp.PyArray_IS_C_CONTIGUOUS(array):
            return False
        return (
            number_type == cnp.NPY_FLOAT or number_type == cnp.NPY_DOUBLE
            or (n_axes > 2 and number_type == cnp.NPY_UINT8)
        ) and cnp.PyArray_ISBEHAVED_RO(array)

    def predict(
        self, cnp.ndarray parameters, tuple tables, int n_threads=1, *,
        bint check_input=False, bint strict=True,
    ):
        """Predictions for every row of the tables, of shape (n, n_outputs).

        They are float64 if a table or the parameters are. None as soon as a raw output
        is not finite, if strict, or a number of X, where that is to be checked: only
        where that is all that is read.
        """
        cdef Inputs inputs = Inputs(self.inputs, tables)
        cdef Pass walker
        cdef bint finite
        result = self.new_predictions(parameters, inputs)
        if n_threads > 1:
            finite = Shares(self, parameters, inputs, n_threads).run(
                parameters, result, check_input, strict)
        else:
            walker = Pass(self, parameters, inputs, inputs.n_rows)
            walker.check_input, walker.strict = check_input, strict
            walker.begin(parameters, 0, inputs.n_rows, result, None, None)
            walker.go()
            finite = walker.finite
        return result if finite or not strict else None

    def evaluate(self, cnp.ndarray parameters, tuple tables, y, sample_weight):
        """Sums over all rows: loss, and what is reported of each one of the plan."""
        cdef Inputs inputs = Inputs(self.inputs, tables)
        cdef Pass walker = Pass(self, parameters, inputs, inputs.n_rows)
        walker.begin(parameters, 0, inputs.n_rows, None, y, sample_weight)
        walker.go()
        return walker.walk.loss, walker.reported()

    def judge(
        self, cnp.ndarray parameters, tuple tables, y, sample_weight, *,
        bint strict=True,
    ):
        """What predict returns, and what evaluate does."""
        cdef Inputs inputs = Inputs(self.inputs, tables)
        cdef Pass walker = Pass(self, parameters, inputs, inputs.n_rows)
        result = self.new_predictions(parameters, inputs)
        walker.begin(parameters, 0, inputs.n_rows, result, y, sample_weight)
        walker.strict = strict
        walker.go()
        if strict and not walker.finite:
            result = None
        return result, (walker.walk.loss, walker.reported())

    cdef new_predictions(self, cnp.ndarray parameters, Inputs inputs):
        cdef cnp.npy_intp shape[2]
        shape[0] = inputs.n_rows
        shape[1] = self.n_outputs
        cdef int number_type = (
            cnp.NPY_DOUBLE if inputs.wide else cnp.PyArray_TYPE(parameters))
        return cnp.PyArray_EMPTY(2, shape, number_type, 0)


cdef class Shares:
    """The passes of one call of predict, one for each thread."""

    cdef list owners
    cdef void **passes
    cdef int n_passes
    cdef Py_ssize_t n_rows, together

    def __cinit__(
        self, Forward forward, cnp.ndarray parameters, Inputs inputs, int n_threads,
    ):
        self.n_rows = inputs.n_rows
        self.together = forward.rows_of_a_pass(cnp.PyArray_ITEMSIZE(parameters))
        self.n_passes = max(1, min(n_threads, (self.n_rows - 1) // self.together + 1))
        self.passes = <void **> buffer_zeros(self.n_passes, sizeof(void *))
        if self.passes == NULL:
            raise MemoryError("no memory for what the threads share")
        self.owners = []
        for i in range(self.n_passes):
            walker = Pass(forward, parameters, inputs, self.end(i + 1) - self.end(i))
            self.owners.append(walker)
            self.passes[i] = <void *> walker

    def __dealloc__(self):
        buffer_free(self.passes)

    cdef Py_ssize_t end(self, int share):
        """The row before which a share begins.

        Rows that one thread alone would take together stay together, and give the same
        bits.
        """
        cdef Py_ssize_t parts = (self.n_rows + self.together - 1) // self.together
        return min(parts * share // self.n_passes * self.together, self.n_rows)

    cdef bint run(self, cnp.ndarray parameters, result, bint check_input, bint strict):
        """Fills the result; whether all was finite."""
        cdef Pass walker, first = self.owners[0]
        cdef team_t *team
        cdef bint finite = True
        for i, walker in enumerate(self.owners):
            walker.check_input, walker.strict = check_input, strict
            walker.begin(
                parameters, self.end(i), self.end(i + 1), result, None, None)
            walker.stopped = &first.stop
        team = team_new(self.n_passes, False)
        if team == NULL:
            raise MemoryError("no memory for what the threads share")
        with nogil:
            team_run(team, pass_of_share, <void *> self)
            team_free(team)
        for walker in self.owners:
            walker.end()
            finite = finite and walker.finite
        return finite


cdef void pass_of_share(void *shares, int share) noexcept nogil:
    (<Pass> (<Shares> shares).passes[share]).run()
