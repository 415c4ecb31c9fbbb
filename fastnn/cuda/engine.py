"""A plan and its buffers on a device: what ``_core/engine.pyx`` is on the CPU.

Parameters, state and average are the caller's arrays, in the host's memory, between
two calls; during one they are the device's copies. Nothing is read back within an
epoch: the row of the step table, the sums of a step and its place in the data set are
all on the device, and what is called for a step is the same for all steps of as many
rows.
"""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn._core.tables import AVERAGE_RATE, CLIP_NORM, N_SCALARS, OPTIMIZERS, PHASES
from fastnn.cuda.calls import (
    COLUMN_BLOCK,
    NUMBERS_SUMMED,
    THREADS,
    Call,
    Room,
    Rows,
    blocks_for,
    partial_sums,
)
from fastnn.cuda.device import Device
from fastnn.cuda.row_blocks import (
    RowBlocks,
    gains_by_row_blocks,
    places_of_activations,
)
from fastnn.cuda.samples import Samples
from fastnn.cuda.walk import Walk
from fastnn.plan import Plan

# The sums of a step, as csrc/cuda/device.h numbers them.
LOSS, REPORTED, WEIGHT, PENALTY, SCALE, EPOCH = range(6)

# Steps whose scalars are on the device at once.
STEPS_AT_ONCE = 8192


class DeviceEngine:
    """Gradients, updates and epochs on a device: see :class:`fastnn.engine.Engine`.

    Parameters
    ----------
    device : Device
    plan : Plan
    parameters, X, y, sample_weight, batch_size, state, average
        As :class:`fastnn.engine.Engine` has checked them.
    capacity : int
        Rows for which activations have room; larger batches are taken in chunks.
    rule : int
        Number of the optimizer's rule.
    """

    def __init__(
        self,
        device: Device,
        plan: Plan,
        parameters: NDArray,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None,
        batch_size: int,
        capacity: int,
        rule: int,
        state: NDArray | None,
        average: NDArray | None,
    ):
        dtype = parameters.dtype
        self._device, self._plan, self._dtype = device, plan, dtype
        self._suffix = "_f64" if dtype == np.float64 else "_f32"
        self._batch_size, self._capacity = batch_size, capacity
        self._rule = OPTIMIZERS[rule]
        self._samples = Samples(device, X, y, sample_weight, dtype, capacity)
        self.n_rows = self._samples.n_rows
        self._order = np.arange(self.n_rows, dtype=np.int64)
        self._order_is_there = False

        n = plan.n_parameters
        # The caller's arrays, and the device's copies.
        self._host = {"parameters": parameters}
        if state is not None:
            self._host["state"] = state
        if average is not None:
            self._host["average"] = average
        self._copies = {
            name: device.empty(array.size, dtype) for name, array in self._host.items()
        }
        self._weights = self._copies["parameters"]
        self.gradients = np.zeros(n, dtype)
        self._gradients = device.empty(n, dtype)
        device.upload(self.gradients, self._gradients)
        self._blocks = device.empty(plan.blocks.nbytes, np.uint8)
        device.upload(np.frombuffer(plan.blocks.tobytes(), np.uint8), self._blocks)
        # Numbers of a block_scalars_t of csrc/block_scalars.h.
        self._block_scalars = device.empty(6 * len(plan.blocks), np.float64)
        self._rows_of_order = device.empty(self.n_rows, np.int64)
        self._table = device.empty(STEPS_AT_ONCE * N_SCALARS, np.float64)
        self._cursor = device.empty(2, np.int64)
        by_rows = gains_by_row_blocks(plan, batch_size, dtype.itemsize)
        size = places_of_activations(plan)[1] if by_rows else plan.train_size
        self._room = Room(
            spaces={
                "input": self._samples.input,
                "target": self._samples.target,
                "parameter": self._weights,
                "gradient": self._gradients,
                "activation": device.empty(capacity * size, dtype),
                "statistic": device.empty(plan.statistic_size, dtype),
            },
            weight=self._samples.weight,
            scalars=device.empty(N_SCALARS, np.float64),
            sums=device.empty(EPOCH + 1, np.float64),
            partial=device.empty(partial_sums(plan, capacity), np.float64),
            capacity=capacity,
        )
        gather = partial(
            self._samples.gather, order=self._rows_of_order, cursor=self._cursor,
            batch_size=batch_size,
        )  # fmt: skip
        self._gather = None if by_rows else gather
        self._walk = (
            RowBlocks(plan, device, dtype, self._room, gather)
            if by_rows
            else Walk(plan, device, dtype, PHASES["train"], self._room)
        )
        trained = plan.blocks[plan.blocks["trainable"] == 1]
        self._has_penalty = any(trained[term].any() for term in ("penalty", "l1", "l2"))
        self._limited = trained[trained["max_norm"] > 0]
        self._chunk_calls: dict[Rows, list[Call]] = {}

    # ------------------------------------------------------------------ what is called

    def shuffle(self, bit_generator: Any) -> None:
        """Shuffles the order of the rows with NumPy's bit generator."""
        np.random.RandomState(bit_generator).shuffle(self._order)
        self._order_is_there = False

    def gradient(
        self, rows: NDArray[np.intp], scalars: NDArray[np.float64]
    ) -> tuple[float, float, float]:
        """Sums over these rows: loss, reported loss and weights; and the gradients."""
        self._upload("parameters")
        self._device.upload(rows.astype(np.int64), self._rows_of_order)
        self._order_is_there = False
        self._begin(scalars[np.newaxis], 0)
        self._run_all(self._start_step())
        self._run_all(self._gradient_calls(len(rows)))
        self._device.download(self._gradients, self.gradients)
        loss, reported, weight = self._sums()[:PENALTY]
        return float(loss), float(reported), float(weight)

    def update(self, scalars: NDArray[np.float64], weight_sum: float) -> float:
        """Takes a step along the gradients; returns the penalty before it."""
        self._upload(*self._host)
        self._device.upload(scalars, self._room.scalars)
        self._set_weight(weight_sum)
        try:
            self._run_all(self._update_calls(scalars[np.newaxis]))
        finally:
            self._download()
        return float(self._sums()[PENALTY])

    def penalty(self, weight_sum: float) -> float:
        """The penalty of all parameters, as it is part of a sum of losses."""
        self._upload("parameters")
        self._set_weight(weight_sum)
        self._run_all(self._penalty_calls())
        return float(self._sums()[PENALTY])

    def steps(self, scalars: NDArray[np.float64], first: int) -> float:
        """Takes the mini-batches numbered from first on, one for each row of scalars.

        Returns the sum over them of rows times mean loss, as it was before each update:
        not finite if one of them is not.
        """
        self._upload(*self._host)
        if not self._order_is_there:
            self._device.upload(self._order, self._rows_of_order)
            self._order_is_there = True
        self._begin(scalars, first)
        counts = [
            min(self._batch_size, self.n_rows - step * self._batch_size)
            for step in range(first, first + len(scalars))
        ]
        calls = {
            count: [
                *self._start_step(),
                *self._gradient_calls(count),
                *self._update_calls(scalars),
                self._single("step", "finish_step", count, self._room.sums.address),
            ]
            for count in set(counts)
        }
        try:
            for count in counts:
                self._run_all(calls[count])
        except KeyboardInterrupt:
            # Between a step and its constraints: they may be asked for twice.
            self._run_all([self._max_norm(block) for block in self._limited])
            raise
        finally:
            self._download()
        return float(self._sums()[EPOCH])

    def reduced_products(self) -> int:
        """How many products were taken in another precision than the parameters'."""
        return 0

    def assemble(self) -> None:
        """There are no other threads to let in."""

    def leave(self) -> None:
        """There are no other threads to send home."""

    # ------------------------------------------------------------------ host and device

    def _upload(self, *names: str) -> None:
        for name in names:
            if self._host[name].size:
                self._device.upload(self._host[name], self._copies[name])

    def _download(self) -> None:
        for name, array in self._host.items():
            if array.size:
                self._device.download(self._copies[name], array)

    def _begin(self, scalars: NDArray[np.float64], first: int) -> None:
        """Steps begin at the first row of these scalars, with mini-batch first."""
        self._device.upload(scalars, self._table)
        self._device.upload(np.array([0, first - 1], np.int64), self._cursor)
        self._device.upload(np.zeros(EPOCH + 1), self._room.sums)

    def _set_weight(self, weight_sum: float) -> None:
        sums = np.zeros(EPOCH + 1)
        sums[WEIGHT] = weight_sum
        self._device.upload(sums, self._room.sums)

    def _sums(self) -> NDArray[np.float64]:
        sums = np.empty(EPOCH + 1)
        self._device.download(self._room.sums, sums)
        return sums

    # ------------------------------------------------------------------ lists of calls

    @staticmethod
    def _run_all(calls: list[Call]) -> None:
        for call in calls:
            call()

    def _single(self, stem: str, name: str, *arguments: Any) -> Call:
        """A kernel of a single block."""
        return partial(self._device.kernel(stem, name), 1, (THREADS, 1), arguments)

    def _all_parameters(self, name: str, grid: int, *arguments: Any) -> Call:
        kernel = self._device.kernel("update", f"{name}{self._suffix}")
        size = self._plan.n_parameters
        return partial(kernel, grid, (THREADS, 1), (size, *arguments))

    def _start_step(self) -> list[Call]:
        room = self._room
        assert room.scalars is not None
        return [
            self._single(
                "step", "start_step", self._table.address, self._cursor.address,
                room.scalars.address, room.sums.address,
            )
        ]  # fmt: skip

    def _gradient_calls(self, count: int) -> list[Call]:
        """Of the rows of a mini-batch, chunk by chunk."""
        calls = []
        for first in range(0, count, self._capacity):
            rows = Rows(min(self._capacity, count - first), first, first > 0)
            if rows not in self._chunk_calls:
                self._chunk_calls[rows] = self._calls_of_chunk(rows)
            calls += self._chunk_calls[rows]
        return calls

    def _calls_of_chunk(self, rows: Rows) -> list[Call]:
        weight = self._samples.weight
        sums = self._room.sums.address
        add_weights = self._single(
            "step", f"add_weights{self._suffix}", rows.count,
            0 if weight is None else weight.address, sums,
        )  # fmt: skip
        gather = [] if self._gather is None else self._gather(rows)
        gathered = [launch.call(self._device) for launch in gather]
        return [*gathered, *self._walk.calls(rows), add_weights]

    def _update_calls(self, scalars: NDArray[np.float64]) -> list[Call]:
        """Of a step, with what the rows of scalars of any step ask for."""
        room, n_blocks = self._room, len(self._plan.blocks)
        assert room.scalars is not None
        row, sums, partial_ = (
            buffer.address for buffer in (room.scalars, room.sums, room.partial)
        )
        weights, gradients = self._weights.address, self._gradients.address
        blocks = self._blocks.address, n_blocks
        grid = blocks_for(self._plan.n_parameters, NUMBERS_SUMMED)
        calls = []
        parts = 0
        if scalars[:, CLIP_NORM].any():
            parts = grid
            calls.append(
                self._all_parameters(
                    "squared_norm", grid, *blocks, weights, gradients, sums, partial_
                )
            )
        calls.append(self._single("step", "set_scale", parts, partial_, row, sums))
        calls += self._penalty_calls()
        state = self._copies["state"].address
        own = self._block_scalars.address
        calls.append(
            self._single("update", "find_block_scalars", *blocks, row, sums, own)
        )
        calls.append(
            self._all_parameters(
                f"step_{self._rule}", blocks_for(self._plan.n_parameters), *blocks,
                weights, gradients, state, row, sums,
                own,
            )
        )  # fmt: skip
        calls += [self._max_norm(block) for block in self._limited]
        if scalars[:, AVERAGE_RATE].any():
            average = self._copies["average"].address
            grid = blocks_for(self._plan.n_parameters)
            calls.append(self._all_parameters("average", grid, row, weights, average))
        return calls

    def _penalty_calls(self) -> list[Call]:
        if not self._has_penalty:
            return []
        grid = blocks_for(self._plan.n_parameters, NUMBERS_SUMMED)
        sums, parts = self._room.sums.address, self._room.partial.address
        return [
            self._all_parameters(
                "penalty", grid, self._blocks.address, len(self._plan.blocks),
                self._weights.address, sums, parts,
            ),
            self._single("step", "set_penalty", grid, parts, sums),
        ]  # fmt: skip

    def _max_norm(self, block: Any) -> Call:
        kernel = self._device.kernel("max_norm", f"max_norm{self._suffix}")
        columns = int(block["columns"])
        arguments = (
            int(block["size"]) // columns, columns, self._dtype.type(block["max_norm"]),
            self._room.sums.address, self._weights.after(int(block["offset"])).address,
        )  # fmt: skip
        grid = -(-columns // COLUMN_BLOCK[0])
        return partial(kernel, grid, COLUMN_BLOCK, arguments)
