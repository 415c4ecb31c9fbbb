"""A training set on a device, and the batches that are gathered from it."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
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
from fastnn.plan.records import Input


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
class InputLayout:
    """What one input is read as: numbers of this dtype, or tokens; perhaps sparse."""

    size: int  # of a sample
    dtype: np.dtype
    n_tokens: int  # 0: they are numbers
    is_sparse: bool


@dataclass(frozen=True)
class Layout:
    """What samples consist of: inputs, y and perhaps weights."""

    inputs: tuple[InputLayout, ...]
    n_targets: int
    dtype: np.dtype
    n_weights: int  # columns of weights

    @classmethod
    def of(
        cls,
        inputs: tuple[Input, ...],
        tables: tuple[Any, ...],
        y: NDArray,
        sample_weight: NDArray | None,
        dtype: np.dtype,
    ) -> "Layout":
        """That of samples, which are computed with in this dtype."""
        n_weights = 0 if sample_weight is None else sample_weight.size // len(y)
        described = (
            InputLayout(
                each.size,
                np.dtype(np.int32) if each.n_tokens else dtype,
                each.n_tokens,
                sparse.issparse(table),
            )
            for each, table in zip(inputs, tables, strict=True)
        )
        return cls(tuple(described), y.shape[1], dtype, n_weights)

    def sizes(
        self, n_rows: int, n_values: Sequence[int]
    ) -> dict[str, tuple[int, np.dtype]]:
        """Numbers of each array, and their dtype; n_values: how many of each input."""
        sizes = {"y": (n_rows * self.n_targets, self.dtype)}
        if self.n_weights:
            sizes["weight"] = n_rows * self.n_weights, self.dtype
        for i, (each, n) in enumerate(zip(self.inputs, n_values, strict=True)):
            sizes[f"X{i}"] = n, each.dtype
            if each.is_sparse:
                sizes[f"starts{i}"] = n_rows + 1, np.dtype(np.int64)
                sizes[f"columns{i}"] = n, np.dtype(np.int64)
        return sizes

    def n_bytes(self, n_rows: int, n_values: Sequence[int]) -> int:
        sizes = self.sizes(n_rows, n_values).values()
        return sum(size * dtype.itemsize for size, dtype in sizes)

    def gathered_bytes(self, n_rows: int) -> int:
        """What rows take once they are gathered."""
        numbers = self.n_targets + max(self.n_weights, 1)
        of_inputs = sum(each.size * each.dtype.itemsize for each in self.inputs)
        return n_rows * (of_inputs + numbers * self.dtype.itemsize)


class Samples(ABC):
    """Inputs, y and sample weights; sparse rows are so until they are gathered.

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
    inputs : tuple
        Buffers of the rows of each input that were gathered last.
    target, weight
        Buffers of what belongs to them; weights column by column, each with room for
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
        self.inputs = tuple(
            device.empty(capacity * each.size, each.dtype) for each in layout.inputs
        )
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

    def gather(self, rows: Rows, place: StepPlace) -> list[Launch]:
        """What gathers these rows of the mini-batch that a step stands at."""
        there = {name: buffer.address for name, buffer in self._there.items()}
        layout, count = self._layout, rows.count
        order = self._places.address, self.cursor.address, self._batch_size
        at = self._at(rows.first)
        where = (
            *order, rows.first, at, place.table.address, place.scalars.address,
            place.n_sums, place.sums.address,
        )  # fmt: skip
        # One launch takes along what there is once; where all inputs are tokens, it
        # takes no rows of an input.
        n_targets = layout.n_targets
        along: tuple[int, ...] = (
            n_targets, there["y"], self.target.address,
            layout.n_weights, there.get("weight", 0), self._capacity,
            0 if self.weight is None else self.weight.address,
        )  # fmt: skip
        launches = []
        for i, (each, buffer) in enumerate(
            zip(layout.inputs, self.inputs, strict=True)
        ):
            n, X, to = each.size, there[f"X{i}"], buffer.address
            if each.n_tokens:
                grid = blocks_for(count * n)
                arguments = (count, n, X, to, *order, at)
                launches.append(
                    Launch("gather", "gather_tokens", grid, (THREADS, 1), arguments)
                )
                continue
            if each.is_sparse:
                table = there[f"starts{i}"], there[f"columns{i}"], X, to
                numbers = (count, n, *table, *along, *where)
                name, grid = f"gather_sparse{self._suffix}", -(-count // ROW_BLOCK[1])
                launches.append(Launch("gather", name, grid, ROW_BLOCK, numbers))
            else:
                launches.append(self._gather_dense(count, n, X, to, along, where))
            along = (0,) * len(along)
        if along[0]:
            launches.append(self._gather_dense(count, 0, 0, 0, along, where))
        return launches

    def _gather_dense(
        self,
        count: int,
        n: int,
        X: int,
        to: int,
        along: tuple[int, ...],
        where: tuple[int, ...],
    ) -> Launch:
        grid = blocks_for(count * max(n, along[0]), NUMBERS_GATHERED)
        arguments = (count, n, X, to, *along, *where)
        return Launch("gather", f"gather{self._suffix}", grid, (THREADS, 1), arguments)


class ResidentSamples(Samples):
    """All of them in the device's memory.

    Parameters
    ----------
    device : Device
    layout : Layout
    tables : tuple of {ndarray, CSR matrix or array, DeviceArray}
        One for each input. Sparse ones are canonical. What is on the device in the
        dtype that is computed in is not copied.
    y : ndarray of shape (n_samples, target_columns)
    sample_weight : ndarray of shape (n_samples,) or (n_samples, n_weights) or None
    batch_size, capacity : int
    """

    def __init__(
        self,
        device: Device,
        layout: Layout,
        tables: tuple[Any, ...],
        y: NDArray,
        sample_weight: NDArray | None,
        batch_size: int,
        capacity: int,
    ):
        super().__init__(device, layout, len(y), batch_size, capacity)
        arrays: dict[str, Any] = {"y": y, "weight": sample_weight}
        for i, X in enumerate(tables):
            arrays[f"X{i}"] = X
            if sparse.issparse(X):
                arrays[f"X{i}"] = X.data
                arrays |= {f"starts{i}": X.indptr, f"columns{i}": X.indices}
        sizes = layout.sizes(self.n_rows, list(map(stored_values, tables)))
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
