"""A training set that is larger than a device's memory goes through it in parts.

While the steps of a part run, the next one is copied to the device, and the one after
that is gathered on the host. Addresses stay: a part is moved to where the steps, which
may have been recorded, read their samples.
"""

from bisect import bisect_right
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from fastnn.engine.cpu.gather import Table
from fastnn.engine.cuda.samples import (
    Layout,
    Part,
    Parts,
    ResidentSamples,
    Samples,
    canonical,
    parts_of,
    stored_values,
)
from fastnn.engine.device import Device, DeviceArray, Transfer, no_memory
from fastnn.engine.threads import effective_n_threads
from fastnn.plan.records import Input

# Bytes of a part, at most, unless a mini-batch takes more: copies of so many go at full
# speed, and the first part of an epoch, for which all wait, is soon there.
PART_BYTES = 64 * 2**20

# Parts in pinned memory: one is being filled while one is being copied.
N_PINNED = 2

# Of the free memory this share is left to predictions, libraries and other programs.
SHARE_LEFT = 1 / 16


def samples_on(
    device: Device,
    inputs: tuple[Input, ...],
    tables: tuple[Any, ...],
    y: NDArray,
    sample_weight: NDArray | None,
    dtype: np.dtype,
    batch_size: int,
    capacity: int,
    n_threads: int | None,
    reserve: int,
) -> Samples:
    """The samples on a device, all of them where they fit.

    Parameters
    ----------
    device : Device
        It has got whatever else is needed.
    inputs : tuple of Input
        The plan's.
    tables : tuple of {ndarray, CSR matrix or array, DeviceArray}
        One for each of them.
    y : ndarray of shape (n_samples, target_columns)
    sample_weight : ndarray of shape (n_samples,) or (n_samples, n_weights) or None
    dtype : dtype
        What is computed in, and kept on the device.
    batch_size : int
    capacity : int
        Rows that are gathered together at most.
    n_threads : int or None
        Threads that gather rows on the host, as
        :func:`fastnn.engine.threads.effective_n_threads` counts them.
    reserve : int
        Bytes that somebody will need later.

    Raises
    ------
    MemoryError
        If not even a part of ``capacity`` rows fits.
    """
    tables = tuple(canonical(X) if sparse.issparse(X) else X for X in tables)
    layout = Layout.of(inputs, tables, y, sample_weight, dtype)
    data = tables, y, sample_weight
    room = int(device.free_bytes() * (1 - SHARE_LEFT)) - reserve
    room -= layout.gathered_bytes(capacity)
    n_rows = len(y)
    is_there = any(isinstance(X, DeviceArray) for X in tables)
    order = n_rows * np.dtype(np.int64).itemsize
    n_values = list(map(stored_values, tables))
    if is_there or layout.n_bytes(n_rows, n_values) + order <= room:
        try:
            return ResidentSamples(device, layout, *data, batch_size, capacity)
        except MemoryError:  # what is free may be in pieces
            if is_there:
                raise
    most_bytes = min(PART_BYTES, room // 3)  # for two of them, and their order
    samples = StreamedSamples(
        device, layout, *data, batch_size, capacity, most_bytes,
        effective_n_threads(n_threads),
    )  # fmt: skip
    if device.free_bytes() < reserve:
        raise no_memory(reserve, device.free_bytes())
    return samples


class StreamedSamples(Samples):
    """They are on the host, and go through the device's memory in parts.

    Parameters
    ----------
    device : Device
    layout : Layout
    tables : tuple of {ndarray, CSR matrix or array}
        One for each input. Sparse ones are canonical.
    y : ndarray of shape (n_samples, target_columns)
    sample_weight : ndarray of shape (n_samples,) or (n_samples, n_weights) or None
    batch_size, capacity : int
    most_bytes : int
        Of a part, of which the device has two; but it has at least ``capacity`` rows.
    n_threads : int
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
        most_bytes: int,
        n_threads: int,
    ):
        super().__init__(device, layout, len(y), batch_size, capacity)
        self._n_threads = n_threads
        self._dense = {"y": Table(y)}
        if sample_weight is not None:
            self._dense["weight"] = Table(sample_weight.reshape(len(y), -1))
        self._sparse: dict[int, Any] = {}  # by the input's number
        for i, (each, X) in enumerate(zip(layout.inputs, tables, strict=True)):
            if each.is_sparse:
                self._sparse[i] = X
            else:
                self._dense[f"X{i}"] = Table(X, n_tokens=each.n_tokens)
        self._n_together, n_values = _size_of_part(layout, tables, capacity, most_bytes)
        sizes = layout.sizes(self._n_together, n_values)
        self._there, self._arriving = (
            {name: device.empty(*size) for name, size in sizes.items()}
            for _ in range(2)
        )
        self._pinned = [
            {name: device.pinned(*size) for name, size in sizes.items()}
            for _ in range(N_PINNED)
        ]
        # Samples that are there are in order.
        self._places = device.empty(self._n_together, np.int64)
        device.upload(np.arange(self._n_together, dtype=np.int64), self._places)

    def _at(self, first: int) -> int:
        return first % self._n_together

    def steps(self, first: int, n_steps: int) -> Parts:
        start = first * self._batch_size
        order = self._order[start : start + n_steps * self._batch_size]
        return self._bring(order, self._batch_size)

    def batch(self, rows: NDArray[np.intp]) -> Parts:
        return self._bring(rows, len(rows))

    def _bring(self, order: NDArray[np.intp], batch_size: int) -> Parts:
        """Have mini-batches of an order on the device, one part after another."""
        parts = list(parts_of(len(order), batch_size, self._n_together))
        filling: dict[int, list[Future]] = {}
        sent: dict[int, Transfer] = {}

        def fill(i: int) -> None:
            if i >= len(parts):
                return
            if i - N_PINNED in sent:
                sent.pop(i - N_PINNED).wait()
            filling[i] = self._fill(pool, order[parts[i].rows], i % N_PINNED)

        def send(i: int) -> None:
            if i >= len(parts):
                return
            for share in filling.pop(i):
                share.result()
            pairs = [
                (self._pinned[i % N_PINNED][name][:size], self._arriving[name])
                for name, size in self._used(parts[i], i)
            ]
            sent[i] = self._device.send(pairs)

        with ThreadPoolExecutor(self._n_threads) as pool:
            try:
                fill(0)
                fill(1)
                send(0)
                for i, part in enumerate(parts):
                    sent[i].join()
                    for name, size in self._used(part, i):
                        self._device.copy(self._arriving[name], self._there[name], size)
                    # The first mini-batch is there at place 0.
                    self._device.copy(self._places, self.cursor, 1)
                    send(i + 1)  # behind these copies, beside the steps
                    fill(i + 2)
                    yield part
            finally:
                for transfer in sent.values():
                    transfer.wait()

    def _used(self, part: Part, i: int) -> list[tuple[str, int]]:
        """How many numbers of each array part i has."""
        n_rows = part.rows.stop - part.rows.start
        n_values = [n_rows * each.size for each in self._layout.inputs]
        for number in self._sparse:
            starts = self._pinned[i % N_PINNED][f"starts{number}"]
            n_values[number] = int(starts[n_rows])
        sizes = self._layout.sizes(n_rows, n_values)
        return [(name, size) for name, (size, _) in sizes.items() if size]

    # ------------------------------------------------------------------ on the host

    def _fill(
        self, pool: ThreadPoolExecutor, rows: NDArray[np.intp], number: int
    ) -> list[Future]:
        """Start to gather rows into pinned memory, by several threads."""
        to, n_rows = self._pinned[number], len(rows)
        for i, X in self._sparse.items():
            starts, indptr = to[f"starts{i}"], X.indptr
            starts[0] = 0
            np.cumsum(indptr[rows + 1] - indptr[rows], out=starts[1 : n_rows + 1])
        n_shares = min(self._n_threads, n_rows)
        ends = [n_rows * i // n_shares for i in range(n_shares + 1)]
        return [
            pool.submit(self._gather, rows[first:last], first, to)
            for first, last in pairwise(ends)
        ]

    def _gather(
        self, rows: NDArray[np.intp], first: int, to: dict[str, NDArray]
    ) -> None:
        """Gather rows as those from ``first`` on."""
        last = first + len(rows)
        for name, table in self._dense.items():
            n = table.n_columns
            table.take(rows, to[name][first * n : last * n].reshape(-1, n))
        for i, X in self._sparse.items():
            part = X[rows]
            values = slice(to[f"starts{i}"][first], to[f"starts{i}"][last])
            with np.errstate(all="ignore"):  # as where dense rows are gathered
                to[f"X{i}"][values] = part.data
            to[f"columns{i}"][values] = part.indices


def _size_of_part(
    layout: Layout, tables: tuple[Any, ...], unit: int, most_bytes: int
) -> tuple[int, list[int]]:
    """Rows of a part, and the most values that so many rows of each input have.

    A multiple of ``unit``, so that mini-batches are taken in the chunks that they are
    taken in where all samples fit.
    """
    n_samples = tables[0].shape[0]
    most = {
        i: np.cumsum(np.sort(np.diff(X.indptr))[::-1], dtype=np.int64)
        for i, X in enumerate(tables)
        if layout.inputs[i].is_sparse
    }

    def n_values(n_rows: int) -> list[int]:
        return [
            int(most[i][min(n_rows, n_samples) - 1])
            if i in most
            else n_rows * each.size
            for i, each in enumerate(layout.inputs)
        ]

    sizes = range(unit, n_samples + unit, unit)
    n_fitting = bisect_right(
        sizes, most_bytes, key=lambda n_rows: layout.n_bytes(n_rows, n_values(n_rows))
    )
    n_rows = sizes[max(n_fitting - 1, 0)]
    return n_rows, n_values(n_rows)
