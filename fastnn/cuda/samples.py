"""A training set in the device's memory, and the batches that are gathered from it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from fastnn.cuda.calls import ROW_BLOCK, THREADS, Launch, Rows, blocks_for
from fastnn.cuda.device import Device


class Samples:
    """X, y and sample weights; rows of X may be sparse until they are gathered.

    Parameters
    ----------
    device : Device
    X : {ndarray, CSR matrix or array} of shape (n_samples, n_inputs)
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

    def _copy(self, array: NDArray, dtype: Any) -> Any:
        buffer = self._device.empty(array.size, dtype)
        if array.size:
            self._device.upload(np.ascontiguousarray(array, dtype), buffer)
        return buffer

    def gather(
        self, rows: Rows, order: Any, cursor: Any, batch_size: int
    ) -> list[Launch]:
        """What gathers these rows of the mini-batch that the cursor stands at."""
        sample = order.address, cursor.address, batch_size, rows.first
        tables = [(self._y, self._n_columns, self.target)]
        if self._weight is not None:
            tables.append((self._weight, 1, self.weight))
        launches: list[Launch] = []
        if self._sparse:
            numbers = (
                rows.count, self._n_inputs, *sample, self._starts.address,
                self._columns.address, self._X.address,
                self.input.after(rows.at * self._n_inputs).address,
            )  # fmt: skip
            name, grid = f"gather_sparse{self._suffix}", -(-rows.count // ROW_BLOCK[1])
            launches.append(Launch("gather", name, grid, ROW_BLOCK, numbers))
        else:
            tables.append((self._X, self._n_inputs, self.input))
        name = f"gather{self._suffix}"
        for source, n, to in tables:
            place = to.after(rows.at * n).address
            arguments = (rows.count, n, *sample, source.address, place)
            grid = blocks_for(rows.count * n)
            launches.append(Launch("gather", name, grid, (THREADS, 1), arguments))
        return launches


def _canonical(X: Any) -> Any:
    """Sparse rows in which no column stands twice: lanes write them side by side."""
    if X.has_canonical_format:
        return X
    X = X.copy()
    X.sum_duplicates()
    return X
