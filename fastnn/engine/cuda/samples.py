"""A training set on a device, and the batches that are gathered from it."""

from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from fastnn.engine.cpu.gather import Table
from fastnn.engine.cpu.shuffle import shuffle
from fastnn.engine.cuda.calls import (
    NUMBERS_GATHERED,
    ROW_BLOCK,
    THREADS,
    Launch,
    Rows,
    blocks_for,
)
from fastnn.engine.device import Device, DeviceArray, uploaded


@dataclass(frozen=True)
class StepPlace:
    """What a step begins with, in the device's memory.

    The table of steps, the present row of it, and the sums of the step, of which the
    first ``n_sums`` begin as 0.
    """

    table: Any
    scalars: Any
    sums: Any
    n_sums: int


@dataclass(frozen=True)
class Part:
    """Samples that are on the device together, side by side in the order of an epoch.

    They are ``n_steps`` mini-batches of ``count`` rows, or the rows from ``first`` to
    ``last`` of a single one.
    """

    start: int  # in the order
    count: int
    first: int
    last: int
    n_steps: int = 1

    @property
    def rows(self) -> slice:
        size = self.n_steps * (self.last - self.first)
        return slice(self.start, self.start + size)

    @property
    def is_whole(self) -> bool:
        return self.last - self.first == self.count


# To be closed by who does not want the rest.
Parts = Generator[Part, None, None]


def parts_of(n_rows: int, batch_size: int, together: int) -> Parts:
    """Mini-batches of so many rows, at most ``together`` of which are there at once."""
    if together < batch_size:
        for start in range(0, n_rows, batch_size):
            count = min(batch_size, n_rows - start)
            for first in range(0, count, together):
                last = min(first + together, count)
                yield Part(start + first, count, first, last)
        return
    n_full, rest = divmod(n_rows, batch_size)
    n_steps = together // batch_size
    for step in range(0, n_full, n_steps):
        steps = min(n_steps, n_full - step)
        yield Part(step * batch_size, batch_size, 0, batch_size, steps)
    if rest:
        yield Part(n_full * batch_size, rest, 0, rest)


@dataclass(frozen=True)
class Layout:
    """What samples consist of: X, y and perhaps weights; X may be sparse."""

    n_inputs: int
    n_targets: int
    dtype: np.dtype
    is_sparse: bool
    n_weights: int  # columns of weights

    def sizes(self, n_rows: int, n_values: int) -> dict[str, tuple[int, np.dtype]]:
        """Numbers of each array, and their dtype, for rows of X of so many values."""
        sizes = {
            "X": (n_values, self.dtype),
            "y": (n_rows * self.n_targets, self.dtype),
        }
        if self.n_weights:
            sizes["weight"] = n_rows * self.n_weights, self.dtype
        if self.is_sparse:
            sizes["starts"] = n_rows + 1, np.dtype(np.int64)
            sizes["columns"] = n_values, np.dtype(np.int64)
        return sizes

    def n_bytes(self, n_rows: int, n_values: int) -> int:
        sizes = self.sizes(n_rows, n_values).values()
        return sum(size * dtype.itemsize for size, dtype in sizes)


class Samples(ABC):
    """X, y and sample weights; rows of X may be sparse until they are gathered.

    Parameters
    ----------
    device : Device
    layout : Layout
    n_rows : int
    batch_size : int
    capacity : int
        Rows that are gathered together at most.

    Attributes
    ----------
    input, target, weight
        Buffers of what was gathered last; weights column by column, each with room for
        ``capacity`` rows.
    cursor
        Buffer of the numbers of the present mini-batch, among those that are there, and
        of its row in the table of steps.
    """

    # Buffers: the samples that are there, and in which order they are taken.
    _there: dict[str, Any]
    _places: Any

    def __init__(
        self,
        device: Device,
        layout: Layout,
        n_rows: int,
        batch_size: int,
        capacity: int,
    ):
        self._device, self._layout = device, layout
        self.n_rows, self._batch_size = n_rows, batch_size
        self._order = np.arange(n_rows, dtype=np.intp)
        dtype = layout.dtype
        self._suffix = "_f64" if dtype == np.float64 else "_f32"
        self.cursor = device.empty(2, np.int64)
        self.input = device.empty(capacity * layout.n_inputs, dtype)
        self.target = device.empty(capacity * layout.n_targets, dtype)
        self._capacity, self.weight = capacity, None
        if layout.n_weights:
            self.weight = device.empty(capacity * layout.n_weights, dtype)

    def shuffle(self, bit_generator: Any) -> None:
        """Shuffle the order of the rows with NumPy's bit generator."""
        shuffle(self._order, bit_generator)

    @abstractmethod
    def steps(self, first: int, n_steps: int) -> Parts:
        """Bring the mini-batches numbered from ``first`` on, part by part.

        The cursor stands at the first one's number, and is moved by the steps.
        """

    @abstractmethod
    def batch(self, rows: NDArray[np.intp]) -> Parts:
        """Bring these rows, a single mini-batch, part by part."""

    @abstractmethod
    def _at(self, first: int) -> int:
        """Where a row of a mini-batch is, as far as that is there."""

    def gather(self, rows: Rows, place: StepPlace) -> Launch:
        """What gathers these rows of the mini-batch that a step stands at."""
        there = {name: buffer.address for name, buffer in self._there.items()}
        layout, count = self._layout, rows.count
        n, n_targets = layout.n_inputs, layout.n_targets
        targets = n_targets, there["y"], self.target.address
        weights = (
            layout.n_weights, there.get("weight", 0), self._capacity,
            0 if self.weight is None else self.weight.address,
        )  # fmt: skip
        at = self._at(rows.first)
        where = (
            self._places.address, self.cursor.address, self._batch_size, rows.first,
            at, place.table.address, place.scalars.address, place.n_sums,
            place.sums.address,
        )  # fmt: skip
        X, to = there["X"], self.input.address
        if layout.is_sparse:
            table = there["starts"], there["columns"], X, to
            numbers = (count, n, *table, *targets, *weights, *where)
            name, grid = f"gather_sparse{self._suffix}", -(-count // ROW_BLOCK[1])
            return Launch("gather", name, grid, ROW_BLOCK, numbers)
        arguments = (count, n, X, to, *targets, *weights, *where)
        grid = blocks_for(count * max(n, n_targets), NUMBERS_GATHERED)
        name = f"gather{self._suffix}"
        return Launch("gather", name, grid, (THREADS, 1), arguments)


class ResidentSamples(Samples):
    """All of them in the device's memory.

    Parameters
    ----------
    device : Device
    layout : Layout
    X : {ndarray, CSR matrix or array, DeviceArray} of shape (n_samples, n_inputs)
        A sparse one is canonical. What is on the device in the dtype that is computed
        in is not copied.
    y : ndarray of shape (n_samples, target_columns)
    sample_weight : ndarray of shape (n_samples,) or (n_samples, n_weights) or None
    batch_size, capacity : int
    """

    def __init__(
        self,
        device: Device,
        layout: Layout,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None,
        batch_size: int,
        capacity: int,
    ):
        super().__init__(device, layout, X.shape[0], batch_size, capacity)
        arrays = {"X": X, "y": y, "weight": sample_weight}
        if layout.is_sparse:
            arrays |= {"X": X.data, "starts": X.indptr, "columns": X.indices}
        sizes = layout.sizes(self.n_rows, stored_values(X))
        self._there = {
            name: self._copy(arrays[name], dtype) for name, (_, dtype) in sizes.items()
        }
        self._places = device.empty(self.n_rows, np.int64)
        self._order_is_there = False

    def _copy(self, array: NDArray | DeviceArray, dtype: np.dtype) -> Any:
        if isinstance(array, DeviceArray):
            return self._device.cast(array, dtype).buffer
        return uploaded(self._device, array, dtype).buffer

    def shuffle(self, bit_generator: Any) -> None:
        super().shuffle(bit_generator)
        self._order_is_there = False

    def _upload_order(self, rows: NDArray[np.intp]) -> None:
        self._device.upload(rows.astype(np.int64, copy=False), self._places)

    def steps(self, first: int, n_steps: int) -> Parts:
        if not self._order_is_there:
            self._upload_order(self._order)
            self._order_is_there = True
        n_rows = min(n_steps * self._batch_size, self.n_rows - first * self._batch_size)
        return parts_of(n_rows, self._batch_size, self.n_rows)

    def batch(self, rows: NDArray[np.intp]) -> Parts:
        self._upload_order(rows)
        self._order_is_there = False
        return parts_of(len(rows), len(rows), len(rows))

    def _at(self, first: int) -> int:
        return first


def stored_values(X: Any) -> int:
    """Numbers that are stored of X."""
    return int(X.nnz if sparse.issparse(X) else X.size)


def canonical(X: Any) -> Any:
    """Sparse rows in which no column stands twice: lanes write them side by side."""
    Table(X)  # raises if the structure is damaged
    if X.has_canonical_format:
        return X
    X = X.copy()
    X.sum_duplicates()
    return X
