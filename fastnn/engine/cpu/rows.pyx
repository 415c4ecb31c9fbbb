"""Tables of which a step sees few rows: gradients and updates of those alone.

The gradients of a table are those of its uses, which lie in the activations of the
shares, one for each token. They are brought together by a sort of the rows that they
belong to, and added up as they are needed.
"""

import numpy as np

from cython cimport floating
from libc.stdint cimport int32_t
from libc.string cimport memcpy

from fastnn.engine.cpu.dataset cimport address
from fastnn.engine.cpu.executor cimport Walk, count_on, locate_number
from fastnn.engine.cpu.memory cimport owned_zeros
from fastnn.engine.cpu.update cimport (
    PIECE,
    add_into,
    block_scalars,
    block_scalars_t,
    norm_of_piece,
    slope_of_squares,
    step_of_piece,
)
from fastnn.plan.structs cimport block_t, row_gradient_t, tensor_t
from fastnn.plan.tables import ROW_GRADIENT_DTYPE

cdef extern from "tables/elementwise.h":
    enum:
        N_SCALARS

cdef enum:
    AHEAD = 8   # rows, before their turn, that are asked for: they lie anywhere


cdef class TouchedRows:
    """The rows of a plan's tables that a mini-batch has come to.

    Parameters
    ----------
    uses : ndarray of records
        The plan's ``row_gradients``.
    tensors, blocks : ndarray of records
        The plan's.
    most : int
        Uses of rows in a mini-batch at most.
    """

    def __cinit__(self, uses, tensors, blocks, Py_ssize_t most):
        if uses.dtype != ROW_GRADIENT_DTYPE or not uses.flags.c_contiguous:
            raise TypeError(f"not the records of a plan: {uses.dtype}")
        self.owners = [uses, tensors, blocks]
        self.uses = <const row_gradient_t *> address(uses)
        self.tensors = <const tensor_t *> address(tensors)
        self.blocks = <const block_t *> address(blocks)
        self.n_uses = len(uses)
        for i in range(2):
            self.buffers[i] = <row_t *> owned_zeros(most, sizeof(row_t), self.owners)
        self.starts = <Py_ssize_t *> owned_zeros(
            most + 1, sizeof(Py_ssize_t), self.owners)

    cdef void collect(
        self, Walk **walks, int n_walks, size_t itemsize) noexcept nogil:
        """Finds the rows that these walks have come to, and where their gradients lie.

        The gradients of a row follow one another in the order of its uses and, in each,
        that of the mini-batch, however many walks share it.
        """
        cdef Py_ssize_t n = 0, i, use
        cdef int walk
        for use in range(self.n_uses):
            for walk in range(n_walks):
                n = self.note(self.uses + use, walks[walk], itemsize, n)
        self.rows = sort_rows(n, self.buffers[0], self.buffers[1])
        self.count = 0
        for i in range(n):
            if i == 0 or self.rows[i].place != self.rows[i - 1].place:
                self.starts[self.count] = i
                self.count += 1
        self.starts[self.count] = n

    cdef Py_ssize_t note(
        self, const row_gradient_t *use, Walk *walk, size_t itemsize, Py_ssize_t n,
    ) noexcept nogil:
        """Notes the rows of one use by one walk behind n others; how many there are."""
        cdef const block_t *block = self.blocks + use.block
        cdef const tensor_t *read = self.tensors + use.tokens
        cdef Py_ssize_t count = count_on(read.axis, walk) * read.size, i
        cdef size_t apart = block.columns * itemsize
        cdef const int32_t *tokens = <const int32_t *> locate_number(
            self.tensors, use.tokens, walk, NULL, itemsize)
        cdef const char *gradient = <const char *> locate_number(
            self.tensors, use.gradient, walk, NULL, itemsize)
        cdef row_t *row = self.buffers[0] + n
        for i in range(count):
            row[i].place = block.offset + tokens[i] * block.columns
            row[i].gradient = gradient + i * apart
        return n + count

    cdef double squared_norm(
        self, int share, int n_shares, const floating *parameters, double weight_sum,
    ) noexcept nogil:
        """A share of the sum of the squared gradients, penalty included."""
        cdef Py_ssize_t i, first = 0, n
        cdef Py_ssize_t last = self.count * (share + 1) // n_shares
        cdef const block_t *block = NULL
        cdef floating piece[PIECE]
        cdef const floating *gradient
        cdef double total = 0, slope = 0, l1 = 0
        for i in range(self.count * share // n_shares, last):
            if block != self.block_of(i, block):
                block = self.block_of(i, block)
                slope = slope_of_squares(block, weight_sum)
                l1 = block.l1 * weight_sum
            first = 0
            while first < block.columns:
                n = min(block.columns - first, <Py_ssize_t> PIECE)
                gradient = self.sum(i, first, n, piece)
                total += norm_of_piece(
                    n, parameters + self.rows[self.starts[i]].place + first, gradient,
                    piece, slope, l1)
                first += n
        return total

    cdef double update(
        self, int share, int n_shares, floating *parameters, int rule,
        floating *state, Py_ssize_t n_parameters, int n_slots, const double *scalars,
        double scale, double weight_sum,
    ) noexcept nogil:
        """A share of the step: as `update` of ranges, but of these rows alone.

        Returns the penalty of these rows before it.
        """
        cdef Py_ssize_t i, j, first, n, place
        cdef Py_ssize_t last = self.count * (share + 1) // n_shares
        cdef const block_t *block = NULL
        cdef block_scalars_t own
        cdef floating h[N_SCALARS]
        cdef floating piece[PIECE]
        cdef const floating *gradient
        cdef double total = 0
        for j in range(N_SCALARS):
            h[j] = <floating> scalars[j]
        for i in range(self.count * share // n_shares, last):
            if block != self.block_of(i, block):
                block = self.block_of(i, block)
                own = block_scalars(block, scalars, scale, weight_sum)
            if i + AHEAD < last:
                self.ask_for(i + AHEAD, block.columns, parameters, state, n_parameters,
                             n_slots)
            place = self.rows[self.starts[i]].place
            first = 0
            while first < block.columns:
                n = min(block.columns - first, <Py_ssize_t> PIECE)
                gradient = self.sum(i, first, n, piece)
                total += step_of_piece(
                    n, place + first, parameters, gradient, piece, &own, rule, state,
                    n_parameters, n_slots, h, scale)
                first += n
        return total

    cdef const block_t *block_of(
        self, Py_ssize_t i, const block_t *before) noexcept nogil:
        """The table of a row; that of the one before is where to look first."""
        cdef Py_ssize_t place = self.rows[self.starts[i]].place
        cdef const block_t *block = before
        cdef Py_ssize_t use = 0
        while block == NULL or not (
                block.offset <= place < block.offset + block.size):
            block = self.blocks + self.uses[use].block
            use += 1
        return block

    cdef const floating *sum(
        self, Py_ssize_t i, Py_ssize_t first, Py_ssize_t n, floating *piece,
    ) noexcept nogil:
        """n numbers of the gradient of a row: where they lie, or added up in piece."""
        cdef Py_ssize_t at = self.starts[i], end = self.starts[i + 1]
        cdef const floating *gradient = <const floating *> self.rows[at].gradient
        if end == at + 1:
            return gradient + first
        memcpy(piece, gradient + first, n * sizeof(floating))
        for at in range(at + 1, end):
            add_into(n, <const floating *> self.rows[at].gradient + first, piece)
        return piece

    cdef void ask_for(
        self, Py_ssize_t i, Py_ssize_t columns, const floating *parameters,
        const floating *state, Py_ssize_t n_parameters, int n_slots,
    ) noexcept nogil:
        cdef Py_ssize_t place = self.rows[self.starts[i]].place
        cdef int j
        prefetch_row(self.rows[self.starts[i]].gradient, columns * sizeof(floating))
        prefetch_row(parameters + place, columns * sizeof(floating))
        for j in range(n_slots):
            prefetch_row(
                state + j * n_parameters + place, columns * sizeof(floating))

    cdef summed(self, floating *nothing):
        """By the number of each table's block: numbers of rows, and their gradients."""
        cdef Py_ssize_t i, first, n
        cdef const block_t *block
        cdef floating piece[PIECE]
        cdef floating *to
        dtype = np.float32 if floating is float else np.float64
        found = {self.uses[i].block: ([], []) for i in range(self.n_uses)}
        for i in range(self.count):
            block = self.block_of(i, NULL)
            ids, rows = found[<int> (block - self.blocks)]
            ids.append(
                (self.rows[self.starts[i]].place - block.offset) // block.columns)
            row = np.empty(block.columns, dtype)
            rows.append(row)
            to = <floating *> address(row)
            first = 0
            while first < block.columns:
                n = min(block.columns - first, <Py_ssize_t> PIECE)
                memcpy(to + first, self.sum(i, first, n, piece), n * sizeof(floating))
                first += n
        return {
            number: (
                np.array(ids, np.intp),
                np.reshape(rows, (len(ids), self.blocks[<int> number].columns)),
            )
            for number, (ids, rows) in found.items()
        }
