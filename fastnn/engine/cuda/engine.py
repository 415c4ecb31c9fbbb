"""A plan and its buffers on a device: what ``cpu/engine.pyx`` is on the CPU.

Nothing is read back within an epoch: the row of the step table, the sums of a step and
its place in the data set are all on the device. So what is called for a step is the
same for all steps of as many rows, and is recorded once, to be launched as one.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.engine.backend import STEPS_AT_ONCE
from fastnn.engine.cuda.calls import (
    COLUMN_BLOCK,
    EPOCH,
    NUMBERS_SUMMED,
    PENALTY,
    THREADS,
    WEIGHT,
    Buffers,
    Rows,
    blocks_for,
    n_sums,
    params_on,
    partial_sums,
    reports_in,
)
from fastnn.engine.cuda.finite import worst_number
from fastnn.engine.cuda.recorder import Recorder
from fastnn.engine.cuda.samples import Part, StepPlace
from fastnn.engine.cuda.streaming import samples_on
from fastnn.engine.cuda.walk import PhaseCalls, check_supported
from fastnn.engine.device import Call, Device, DeviceArray
from fastnn.engine.mirrored import MirroredArray
from fastnn.plan.records import Plan
from fastnn.plan.tables import (
    AVERAGE_RATE,
    CLIP_NORM,
    KINDS,
    N_SCALARS,
    OPTIMIZERS,
    PHASES,
)


class DeviceEngine:
    """Gradients, updates and epochs on a device: see :class:`fastnn.engine.Engine`.

    Parameters
    ----------
    device : Device
    plan : Plan
    tables, y, sample_weight, batch_size
        As :class:`fastnn.engine.engine.Engine` has checked them.
    capacity : int
        Rows for which activations have room; larger batches are taken in chunks.
    n_threads : int or None
        Threads of the host, where samples do not fit into the device's memory.
    rule : int
        Number of the optimizer's rule.
    precision : str or None
        Of products of float32, where the device has it.
    parameters : MirroredArray
    state, average : MirroredArray or None
        They stay on the device between two calls, until somebody looks at them.
    """

    def __init__(
        self,
        device: Device,
        plan: Plan,
        tables: tuple[Any, ...],
        y: NDArray,
        sample_weight: NDArray | None,
        batch_size: int,
        capacity: int,
        n_threads: int | None,
        rule: int,
        precision: str | None,
        parameters: MirroredArray,
        state: MirroredArray | None,
        average: MirroredArray | None,
    ):
        check_supported(plan)
        dtype = parameters.dtype
        self._device, self._plan, self._dtype = device, plan, dtype
        self._suffix = "_f64" if dtype == np.float64 else "_f32"
        self._capacity = capacity
        self._rule = OPTIMIZERS[rule]
        n = plan.n_parameters
        self._trained = [
            each for each in (parameters, state, average) if each is not None
        ]
        self._weights: Any = parameters.on(device)
        self._state: Any = None if state is None else state.on(device)
        self._average: Any = None if average is None else average.on(device)
        self.gradients = np.zeros(n, dtype)
        # Rows times mean loss over the steps of the present epoch, and how many steps
        # there have been in all epochs.
        self.total, self.n_taken = 0.0, 0
        self._gradients = device.zeros(n, dtype)
        self._blocks = device.empty(plan.blocks.nbytes, np.uint8)
        device.upload(np.frombuffer(plan.blocks.tobytes(), np.uint8), self._blocks)
        # Numbers of a block_scalars_t of csrc/update/block_scalars.h.
        self._block_scalars = device.empty(6 * len(plan.blocks), np.float64)
        self._precision = precision if precision in device.precisions else None
        n_steps = min(STEPS_AT_ONCE, -(-len(y) // batch_size))
        self._table = device.empty(n_steps * N_SCALARS, np.float64)
        activation = device.empty(capacity * plan.train_size, dtype)
        statistic = device.empty(plan.statistic_size, dtype)
        self._n_sums = n_sums(plan)
        sums = device.empty(self._n_sums, np.float64)
        partial_ = device.empty(partial_sums(plan, capacity), np.float64)
        # For copies of what is trained: the start of an epoch, and the best of all.
        copied = self._trained if state is not None else []
        reserve = 2 * sum(each.size * dtype.itemsize for each in copied)
        self._samples = samples_on(
            device,
            plan.inputs,
            tables,
            y,
            sample_weight,
            dtype,
            batch_size,
            capacity,
            n_threads,
            reserve,
        )
        self.n_rows = self._samples.n_rows
        self._buffers = Buffers(
            spaces={
                "input": self._samples.inputs,
                "target": self._samples.target,
                "parameter": self._weights,
                "gradient": self._gradients,
                "activation": activation,
                "statistic": statistic,
            },
            weight=self._samples.weight,
            scalars=device.empty(N_SCALARS, np.float64),
            sums=sums,
            partial=partial_,
            capacity=capacity,
            params=params_on(device, plan),
            weighs_losses=sample_weight is not None and sample_weight.ndim == 2,
        )
        self.reports, self.epoch_reports = reports_in(np.zeros(self._n_sums))
        # A step begins with sums of 0, but for those of its epoch.
        n_of_step = self._n_sums - self.reports.size
        self._place = StepPlace(self._table, self._buffers.scalars, sums, n_of_step)
        self._walk = PhaseCalls(
            plan, device, dtype, PHASES["train"], self._buffers, self._precision
        )
        trained = plan.blocks[plan.blocks["trainable"] == 1]
        self._has_penalty = any(trained[term].any() for term in ("penalty", "l1", "l2"))
        self._limited = trained[trained["max_norm"] > 0]
        self._chunk_calls: dict[Rows, list[Call]] = {}
        # What a function of Python's is asked for cannot be recorded.
        self._recorder = None if plan.functions else Recorder(device)
        self._step_calls: dict[tuple, list[Call]] = {}

    # ------------------------------------------------------------------ what is called

    def shuffle(self, bit_generator: Any) -> None:
        """Shuffles the order of the rows with NumPy's bit generator."""
        self._samples.shuffle(bit_generator)

    def gradient(
        self, rows: NDArray[np.intp], scalars: NDArray[np.float64]
    ) -> tuple[float, float, float]:
        """Sums over these rows: loss, reported loss and weights; and the gradients."""
        self._bring()
        self._begin(scalars[np.newaxis], 0)
        with closing(self._samples.batch(rows)) as parts:
            for part in parts:
                self._run_all(self._gradient_calls(part))
        self._device.download(self._gradients, self.gradients)
        sums = self._sums()
        loss, reported, weight = sums[:PENALTY]
        self.reports = reports_in(sums)[0]
        return float(loss), float(reported), float(weight)

    def row_gradients(self) -> dict[int, tuple[NDArray[np.intp], NDArray]]:
        """Plans with tables whose gradients are rows do not get here."""
        return {}

    def partial_loss(self) -> tuple[float, float]:
        """Nothing is known of a sum that a device was in the middle of."""
        return 0.0, 0.0

    def update(self, scalars: NDArray[np.float64], weight_sum: float) -> float:
        """Takes a step along the gradients; returns the penalty before it."""
        self._bring()
        self._device.upload(scalars, self._buffers.scalars)
        self._set_weight(weight_sum)
        with self._changing():
            self._run_all(self._update_calls(0, scalars[np.newaxis]))
        return float(self._sums()[PENALTY])

    def penalty(self, weight_sum: float) -> float:
        """The penalty of all parameters, as it is part of a sum of losses."""
        self._bring()
        self._set_weight(weight_sum)
        self._run_all(self._settling_calls(0, clips=False))
        return float(self._sums()[PENALTY])

    def steps(self, scalars: NDArray[np.float64], first: int) -> None:
        """Takes the mini-batches numbered from first on, one for each row of scalars.

        Adds to ``total`` rows times mean loss of each, as it was before its update, and
        to ``n_taken`` 1; with first 0 the total begins anew.
        """
        if first == 0:
            self.total = 0.0
            self.epoch_reports = np.zeros_like(self.epoch_reports)
        self._bring()
        self._begin(scalars, first)
        with self._changing():
            try:
                with closing(self._samples.steps(first, len(scalars))) as parts:
                    for part in parts:
                        self._take(part, scalars)
            except KeyboardInterrupt:
                # Between a step and its constraints: they may be asked for twice.
                self._run_all([self._max_norm(block) for block in self._limited])
                cursor = np.empty(2, np.int64)
                self._device.download(self._samples.cursor, cursor)
                self._count(int(cursor[1]))
                raise
            self._count(len(scalars))

    def _count(self, n_steps: int) -> None:
        """Read back what the steps since :meth:`_begin` have come to."""
        sums = self._sums()
        self.total += float(sums[EPOCH])
        self.epoch_reports += reports_in(sums)[1]
        self.n_taken += n_steps

    def _take(self, part: Part, scalars: NDArray[np.float64]) -> None:
        """The steps of a part of the samples, or a part of a step."""
        kind = (
            part.count, part.first, part.last,
            *(scalars[:, column].any() for column in (CLIP_NORM, AVERAGE_RATE)),
        )  # fmt: skip
        if kind not in self._step_calls:
            calls = self._gradient_calls(part)
            if part.last == part.count:
                calls += self._update_calls(part.count, scalars)
            self._step_calls[kind] = calls
        calls = self._step_calls[kind]
        if self._recorder is not None and part.is_whole:
            self._recorder.run(kind, calls, part.n_steps)
            return
        for _ in range(part.n_steps):
            self._run_all(calls)

    def all_finite(self) -> bool:
        """Whether no parameter is an infinity or a NaN."""
        self._bring()
        shape = (self._plan.n_parameters,)
        weights = DeviceArray(self._weights, shape, self._dtype)
        return worst_number(self._device, weights) == 0

    def reduced_products(self) -> int:
        """How many products a step takes in another precision than the parameters'."""
        if self._precision is None:
            return 0
        kinds = self._plan.ops_of("train")["kind"]
        return int((kinds == KINDS["product"]).sum())

    def rest(self) -> None:
        """There are no other threads to send home."""

    # ------------------------------------------------------------------ host and device

    def _bring(self) -> None:
        """What somebody may have changed on the host is changed here as well."""
        for array in self._trained:
            array.on(self._device)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        try:
            yield
        finally:
            for array in self._trained:
                array.changed_on_device()

    def _begin(self, scalars: NDArray[np.float64], first: int) -> None:
        """Steps begin at the first row of these scalars, with mini-batch first."""
        self._device.upload(scalars, self._table)
        self._device.upload(np.array([first, 0], np.int64), self._samples.cursor)
        self._device.upload(np.zeros(self._n_sums), self._buffers.sums)

    def _set_weight(self, weight_sum: float) -> None:
        sums = np.zeros(self._n_sums)
        sums[WEIGHT] = weight_sum
        self._device.upload(sums, self._buffers.sums)

    def _sums(self) -> NDArray[np.float64]:
        sums = np.empty(self._n_sums)
        self._device.download(self._buffers.sums, sums)
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

    def _gradient_calls(self, part: Part) -> list[Call]:
        """Of the rows of a mini-batch that are there, chunk by chunk."""
        calls = []
        for first in range(part.first, part.last, self._capacity):
            rows = Rows(min(self._capacity, part.last - first), first, first > 0)
            if rows not in self._chunk_calls:
                self._chunk_calls[rows] = self._calls_of_chunk(rows)
            calls += self._chunk_calls[rows]
        return calls

    def _calls_of_chunk(self, rows: Rows) -> list[Call]:
        gathers = self._samples.gather(rows, self._place)
        calls = [launch.call(self._device) for launch in gathers]
        return [*calls, *self._walk.calls(rows)]

    def _update_calls(self, count: int, scalars: NDArray[np.float64]) -> list[Call]:
        """Of a step, with what the rows of scalars of any step ask for."""
        buffers, plan = self._buffers, self._plan
        assert buffers.scalars is not None
        row, sums, weights = (
            buffer.address for buffer in (buffers.scalars, buffers.sums, self._weights)
        )
        grid = blocks_for(plan.n_parameters)
        calls = self._settling_calls(count, clips=bool(scalars[:, CLIP_NORM].any()))
        state = 0 if self._state is None else self._state.address
        calls.append(
            self._all_parameters(
                f"step_{self._rule}", grid, self._blocks.address, len(plan.blocks),
                weights, self._gradients.address, state, row, sums,
                self._block_scalars.address,
            )
        )  # fmt: skip
        calls += [self._max_norm(block) for block in self._limited]
        if scalars[:, AVERAGE_RATE].any():
            arguments = row, weights, self._average.address
            calls.append(self._all_parameters("average", grid, *arguments))
        return calls

    def _settling_calls(self, count: int, *, clips: bool) -> list[Call]:
        """What an update of parameters depends on, and the sums of a step."""
        buffers, blocks = self._buffers, (self._blocks.address, len(self._plan.blocks))
        assert buffers.scalars is not None
        grid = blocks_for(self._plan.n_parameters, NUMBERS_SUMMED)
        sums = buffers.sums.address
        # Parts of the sum of squares, and behind them parts of the penalty.
        squares = grid, buffers.partial.address
        penalties = grid, buffers.partial.after(grid).address
        absent = 0, 0
        squares = squares if clips else absent
        penalties = penalties if self._has_penalty else absent
        calls = []
        if clips or self._has_penalty:
            calls.append(
                self._all_parameters(
                    "measure", grid, *blocks, self._weights.address,
                    self._gradients.address, sums, squares[1], penalties[1],
                )
            )  # fmt: skip
        calls.append(
            self._single(
                "step", "settle", *squares, *penalties, *blocks, count,
                buffers.scalars.address, self.reports.size, sums,
                self._block_scalars.address, self._samples.cursor.address,
            )
        )  # fmt: skip
        return calls

    def _max_norm(self, block: Any) -> Call:
        kernel = self._device.kernel("max_norm", f"max_norm{self._suffix}")
        columns = int(block["columns"])
        weights = self._weights.after(int(block["offset"]))
        arguments = (
            int(block["size"]) // columns, columns, self._dtype.type(block["max_norm"]),
            self._buffers.sums.address, weights.address,
        )  # fmt: skip
        grid = -(-columns // COLUMN_BLOCK[0])
        return partial(kernel, grid, COLUMN_BLOCK, arguments)
