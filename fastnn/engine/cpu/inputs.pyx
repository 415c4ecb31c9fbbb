"""The tables that a plan's inputs are read from, of as many rows each."""

from cython cimport floating
from libc.stdint cimport int32_t

from fastnn.engine.cpu.executor cimport Input, Steps
from fastnn.engine.cpu.gather cimport Table
from fastnn.engine.cpu.steps cimport StepAxis
from fastnn.utils.sequences import Sequences

cdef extern from "Python.h":
    # An item of a list, without a count of who uses it.
    void *item_of "PyList_GET_ITEM"(void *, Py_ssize_t) noexcept nogil
    Py_ssize_t size_of_list "PyList_GET_SIZE"(void *) noexcept nogil

cdef enum:
    LINE = 64  # bytes; the rows of each input begin on one


cdef class Described:
    """What loops must know of one of a plan's inputs."""

    def __cinit__(self, plan_input):
        self.name = plan_input.name
        self.n_columns, self.n_tokens = plan_input.size, plan_input.n_tokens
        self.axis = plan_input.axis


cdef tuple described(inputs):
    return tuple([Described(each) for each in inputs])


cdef class Inputs:
    """Tables in the order of a plan's inputs.

    Parameters
    ----------
    described : tuple
        What :func:`described` makes of the plan's inputs.
    tables : tuple of {ndarray, CSR matrix or array, Sequences}

    Raises
    ------
    ValueError
        If they are not what the plan reads, or not of as many rows.
    """

    def __cinit__(self, tuple described, tuple tables):
        cdef Table table
        cdef Described own
        cdef Py_ssize_t i, n_rows
        self.count = len(described)
        if len(tables) != self.count:
            raise ValueError(f"this plan has {self.count} inputs, got {len(tables)}")
        self.tables, self.axes = [], []
        for i in range(self.count):
            own = described[i]
            table = self.open(own, tables[i])
            n_rows = table.n_rows
            if own.axis:
                n_rows = (<StepAxis> self.axes[own.axis - 1]).n_rows
            if i == 0:
                self.n_rows = n_rows
            if table.n_columns != own.n_columns or n_rows != self.n_rows:
                raise ValueError(
                    f"this plan reads {own.n_columns} columns of {own.name}, got "
                    f"{table.n_columns}, in {n_rows} rows of {self.n_rows}")
            self.wide = self.wide or table.wide

    cdef Table open(self, Described own, values):
        cdef Table table
        if isinstance(values, Sequences) != bool(own.axis):
            kinds = "sequences" if own.axis else "an array"
            raise ValueError(
                f"{own.name} must be {kinds}, got {type(values).__name__}")
        starts = None
        if own.axis:
            values, starts = values.values, values.starts
            values = values.reshape(len(values), -1)
        table = Table(values, own.name, own.n_tokens)
        table.axis = own.axis
        self.tables.append(table)
        if own.axis:
            self.axes.append(StepAxis(starts, table.n_rows, own.name))
        return table

    cdef size_t bytes_for(self, Py_ssize_t n_rows, const Steps *steps, size_t itemsize):
        """Bytes that so many gathered rows of all inputs take."""
        cdef size_t total = 0
        cdef Table table
        for table in self.tables:
            total += bytes_of(table, n_rows, steps, itemsize)
        return total

    cdef void gather(
        self, const Py_ssize_t *rows, Py_ssize_t count, Py_ssize_t capacity,
        floating *buffer, Input *found, Steps *steps,
    ) noexcept nogil:
        """Gathers rows into room for ``capacity`` of them; sparse ones stay."""
        cdef Py_ssize_t i
        cdef int axis
        cdef char *at = <char *> buffer
        for i in range(self.count):
            axis = (<Table> item_of(<void *> self.tables, i)).axis
            if axis:
                (<StepAxis> item_of(<void *> self.axes, axis - 1)).find(
                    rows, count, steps + axis - 1)
                gather_rows(
                    <Table> item_of(<void *> self.tables, i), steps[axis - 1].numbers,
                    steps[axis - 1].count, <floating *> at, found + i)
            else:
                gather_rows(<Table> item_of(<void *> self.tables, i), rows, count,
                            <floating *> at, found + i)
            at += bytes_of(<Table> item_of(<void *> self.tables, i), capacity, steps,
                           sizeof(floating))

    cdef Py_ssize_t fitting(
        self, Py_ssize_t first, Py_ssize_t count, const Steps *steps) noexcept nogil:
        """How many of the next rows there is room for the steps of, at least 1."""
        cdef Py_ssize_t axis, n_axes = size_of_list(<void *> self.axes)
        cdef const Py_ssize_t *starts
        for axis in range(n_axes):
            starts = (<StepAxis> item_of(<void *> self.axes, axis)).starts + first
            while count > 1 and starts[count] - starts[0] > steps[axis].capacity:
                count -= 1
        return count

    cdef void read(
        self, Py_ssize_t first, Py_ssize_t count, Py_ssize_t *rows, Py_ssize_t capacity,
        floating *buffer, Input *found, Steps *steps,
    ) noexcept nogil:
        """The rows from first on: where they lie, or gathered, by their numbers."""
        cdef Py_ssize_t i, j
        cdef int axis
        cdef bint numbered = False
        cdef char *at = <char *> buffer
        for i in range(self.count):
            axis = (<Table> item_of(<void *> self.tables, i)).axis
            if axis:
                (<StepAxis> item_of(<void *> self.axes, axis - 1)).read(
                    first, count, steps + axis - 1)
                gather_rows(
                    <Table> item_of(<void *> self.tables, i), steps[axis - 1].numbers,
                    steps[axis - 1].count, <floating *> at, found + i)
                at += bytes_of(<Table> item_of(<void *> self.tables, i), capacity,
                               steps, sizeof(floating))
                continue
            found[i].rows = (<Table> item_of(<void *> self.tables, i)).in_place(
                first, sizeof(floating))
            if found[i].rows == NULL:
                if not numbered:
                    numbered = True
                    for j in range(count):
                        rows[j] = first + j
                gather_rows(<Table> item_of(<void *> self.tables, i), rows, count,
                            <floating *> at, found + i)
            at += bytes_of(<Table> item_of(<void *> self.tables, i), capacity, steps,
                           sizeof(floating))


cdef inline size_t bytes_of(
    Table table, Py_ssize_t n_rows, const Steps *steps, size_t itemsize,
) noexcept nogil:
    """What gathered rows of a table take, up to the next line; sparse ones nothing."""
    if table.sparse:
        return 0
    if table.axis:
        n_rows = steps[table.axis - 1].capacity
    itemsize = sizeof(int32_t) if table.n_tokens else itemsize
    return (<size_t> (n_rows * table.n_columns) * itemsize + LINE - 1) // LINE * LINE


cdef inline void gather_rows(
    Table table, const Py_ssize_t *rows, Py_ssize_t count, floating *to, Input *found,
) noexcept nogil:
    if table.sparse:
        found.rows = NULL
        found.sparse = table.sparse_rows(rows)
        return
    found.rows = to
    if table.n_tokens:
        table.gather(rows, count, <int32_t *> to)
    else:
        table.gather(rows, count, to)
