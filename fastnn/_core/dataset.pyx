"""A training set, and the batches that are taken from it."""

cimport numpy as cnp

import numpy as np

from cython cimport floating

from fastnn._core.executor cimport Walk
from fastnn._core.gather cimport Table

cnp.import_array()


cdef class Dataset:
    """Rows of X, of y and, perhaps, of sample weights that belong together."""

    def __cinit__(self, X, y, sample_weight):
        self.X = Table(X)
        self.y = Table(y)
        self.sample_weight = (
            None if sample_weight is None else Table(sample_weight.reshape(-1, 1)))
        self.n_rows = self.X.n_rows

    cdef Batch new_batch(self, Py_ssize_t n_rows, dtype, list owners):
        """Room for so many different rows, kept alive by owners."""
        cdef Batch batch
        batch.input = NULL
        batch.target = address(aligned(n_rows * self.y.n_columns, dtype, owners))
        batch.weight = address(aligned(n_rows, dtype, owners))
        if not self.X.sparse:
            batch.input = address(aligned(n_rows * self.X.n_columns, dtype, owners))
        return batch

    cdef double fetch(
        self, const Py_ssize_t *rows, Batch *batch, Walk *walk, floating *input,
    ) noexcept nogil:
        """Gathers the walk's rows into the batch; returns the sum of their weights.

        input is the batch's own: its type says what is computed in.
        """
        cdef floating *weight = <floating *> batch.weight
        cdef double weight_sum = 0
        cdef Py_ssize_t i
        if self.X.sparse:
            walk.sparse_input = self.X.sparse_rows(rows)
        else:
            self.X.gather(rows, walk.count, input)
        walk.input = input
        self.y.gather(rows, walk.count, <floating *> batch.target)
        walk.target = batch.target
        if self.sample_weight is None:
            return walk.count
        self.sample_weight.gather(rows, walk.count, weight)
        walk.weight = weight
        for i in range(walk.count):
            weight_sum += weight[i]
        return weight_sum


cdef aligned(Py_ssize_t size, dtype, list owners):
    """Zeros on a cache line boundary, kept alive by owners."""
    itemsize = np.dtype(dtype).itemsize
    raw = np.zeros(size * itemsize + 64, np.uint8)
    start = -raw.ctypes.data % 64
    array = raw[start : start + size * itemsize].view(dtype)
    owners.append(array)
    return array


cdef void *address(array):
    """Where the numbers of an array begin; NULL for None."""
    return NULL if array is None else cnp.PyArray_DATA(<cnp.ndarray?> array)
