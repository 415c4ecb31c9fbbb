"""A training set in the device's memory, and the batches that are gathered from it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from fastnn.cuda.calls import (
    NUMBERS_GATHERED,
    ROW_BLOCK,
    THREADS,
    Launch,
    Rows,
    blocks_for,
)
from fastnn.device import Device, DeviceArray


@dataclass(frozen=True)
class Place:
    """Where a step finds out which samples it takes, and what it begins with.

    Buffers of the device: the order of the samples, the numbers of the present
    mini-batch and of its row in the table of steps, that table, the row, and the sums.
    """

    order: Any
    cursor: Any
    batch_size: int
    table: Any
    scalars: Any
    sums: Any


class Samples:
    """X, y and sample weights; rows of X may be sparse until they are gathered.

    Parameters
    ----------
    device : Device
    X : {ndarray, CSR matrix or array, DeviceArray} of shape (n_samples, n_inputs)
        What is on the device in the dtype that is computed in is not copied.
    y : ndarray of shape (n_samples, target_columns)
    sample_weight : ndarray of shape (n_samples,) or None
    dtype : dtype
        What is computed in, and kept on the device.
    capacity : int
        Rows that are gathered together at most.
    """

    def __init__(
        self,
        device: Device,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None,
        dtype: np.dtype,
        capacity: int,
    ):
        self._device = device
        self._suffix = "_f64" if dtype == np.float64 else "_f32"
        self.n_rows, self._n_inputs = X.shape
        self._sparse = sparse.issparse(X)
        if self._sparse:
            X = _canonical(X)
            self._starts = self._copy(X.indptr, np.int64)
            self._columns = self._copy(X.indices, np.int64)
            X = X.data
        self._X = self._copy(X, dtype)
        self._y = self._copy(y, dtype)
        self._n_columns = y.shape[1]
        self._weight = (
            None if sample_weight is None else self._copy(sample_weight, dtype)
        )
        self.input = device.empty(capacity * self._n_inputs, dtype)
        self.target = device.empty(capacity * self._n_columns, dtype)
        self.weight = None if sample_weight is None else device.empty(capacity, dtype)

    def _copy(self, array: NDArray | DeviceArray, dtype: Any) -> Any:
        if isinstance(array, DeviceArray):
            return array.buffer
        buffer = self._device.empty(array.size, dtype)
        if array.size:
            self._device.upload(np.ascontiguousarray(array, dtype), buffer)
        return buffer

    def gather(self, rows: Rows, place: Place) -> Launch:
        """What gathers these rows of the mini-batch that a step stands at."""
        own = self.target.after(rows.at * self._n_columns)
        targets = self._n_columns, self._y.address, own.address
        weights = (
            0 if self._weight is None else self._weight.address,
            0 if self.weight is None else self.weight.after(rows.at).address,
        )
        where = (
            place.order.address, place.cursor.address, place.batch_size, rows.first,
            place.table.address, place.scalars.address, place.sums.address,
        )  # fmt: skip
        X, n, count = self._X.address, self._n_inputs, rows.count
        to = self.input.after(rows.at * n).address
        if self._sparse:
            table = self._starts.address, self._columns.address, X, to
            numbers = (count, n, *table, *targets, *weights, *where)
            name, grid = f"gather_sparse{self._suffix}", -(-count // ROW_BLOCK[1])
            return Launch("gather", name, grid, ROW_BLOCK, numbers)
        arguments = (count, n, X, to, *targets, *weights, *where)
        grid = blocks_for(count * max(n, self._n_columns), NUMBERS_GATHERED)
        name = f"gather{self._suffix}"
        return Launch("gather", name, grid, (THREADS, 1), arguments)


def _canonical(X: Any) -> Any:
    """Sparse rows in which no column stands twice: lanes write them side by side."""
    if X.has_canonical_format:
        return X
    X = X.copy()
    X.sum_duplicates()
    return X
