"""Rows that are sequences: which steps they have, in the table of all steps."""

cimport numpy as cnp

import numpy as np

from fastnn.engine.cpu.memory cimport owned_zeros

cnp.import_array()


cdef class StepAxis:
    """Where the steps of each row begin, of one input.

    Parameters
    ----------
    starts : ndarray of shape (n_rows + 1,), intp
        They rise from 0 to the number of steps; no row is without.
    n_steps : int
    name : str
        What messages call the input.

    Raises
    ------
    ValueError
        If they are not so.
    """

    def __cinit__(self, starts, Py_ssize_t n_steps, str name):
        if (not isinstance(starts, np.ndarray) or starts.dtype != np.intp
                or starts.ndim != 1 or len(starts) < 2
                or starts[0] != 0 or starts[len(starts) - 1] != n_steps):
            raise ValueError(
                f"the starts of the sequences {name} must be intp numbers that rise "
                f"from 0 to the number of steps, {n_steps}")
        # A copy, which nobody changes once it has been looked at.
        self.owner = starts = np.array(starts, order="C")
        if not (np.diff(starts) > 0).all():
            raise ValueError(f"a sequence of {name} has no steps")
        self.starts = <const Py_ssize_t *> cnp.PyArray_DATA(<cnp.ndarray> starts)
        self.n_rows = len(starts) - 1

    cdef Py_ssize_t most(self, Py_ssize_t n_rows):
        """The most steps that so many different rows have."""
        lengths = np.diff(self.owner)
        n_rows = min(n_rows, self.n_rows)
        if n_rows < self.n_rows:
            lengths = np.partition(lengths, self.n_rows - n_rows)[self.n_rows - n_rows:]
        return int(lengths.sum())

    cdef Py_ssize_t total(
        self, const Py_ssize_t *rows, Py_ssize_t count) noexcept nogil:
        """The steps of these rows."""
        cdef Py_ssize_t i, n = 0
        for i in range(count):
            n += self.starts[rows[i] + 1] - self.starts[rows[i]]
        return n

    cdef void find(
        self, const Py_ssize_t *rows, Py_ssize_t count, Steps *found) noexcept nogil:
        """Where the steps of these rows are, and where each row's will begin."""
        cdef Py_ssize_t *starts = <Py_ssize_t *> found.starts
        cdef Py_ssize_t i, step, n = 0
        for i in range(count):
            starts[i] = n
            for step in range(self.starts[rows[i]], self.starts[rows[i] + 1]):
                found.numbers[n] = step
                n += 1
        starts[count] = found.count = n

    cdef void read(
        self, Py_ssize_t first, Py_ssize_t count, Steps *found) noexcept nogil:
        """The same of the rows from first on."""
        cdef Py_ssize_t *starts = <Py_ssize_t *> found.starts
        cdef Py_ssize_t i, step
        cdef const Py_ssize_t *own = self.starts + first
        for i in range(count + 1):
            starts[i] = own[i] - own[0]
        found.count = starts[count]
        for step in range(found.count):
            found.numbers[step] = own[0] + step


cdef void allocate_steps(
    Steps *steps, Py_ssize_t n_rows, Py_ssize_t n_steps, Py_ssize_t size,
    Py_ssize_t itemsize, list owners) except *:
    """Room for the steps of so many rows, with activations of this size each."""
    cdef Py_ssize_t line = 16
    n_steps = (n_steps + line - 1) // line * line
    steps.capacity = n_steps
    steps.starts = <const Py_ssize_t *> owned_zeros(
        n_rows + 1, sizeof(Py_ssize_t), owners)
    steps.numbers = <Py_ssize_t *> owned_zeros(n_steps, sizeof(Py_ssize_t), owners)
    steps.activations = owned_zeros(n_steps * size, itemsize, owners)
