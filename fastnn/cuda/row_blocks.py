"""A training step of a small network in two launches: see csrc/cuda/row_blocks.h.

In a chain of kernels each costs a launch, a microsecond or two, whatever it computes.
Here each block of threads owns a few rows of the mini-batch and does for them all that
a :class:`fastnn.cuda.walk.Walk` would launch, one call after another; a second launch
sums over the rows of all blocks: gradients of parameters, and losses. Every activation
has a place of its own, because blocks are at different ops at one time, and because the
second launch reads what the first has left.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn._core.tables import (
    ALIGNMENT,
    CALL_DTYPE,
    CALLS,
    KINDS,
    N_SCALARS,
    PHASES,
    SPACES,
    TASK_DTYPE,
)
from fastnn.cuda.calls import ROW_BLOCK, Room, Rows, partial_sums_of_loss
from fastnn.cuda.samples import Place, Samples
from fastnn.cuda.walk import Walk
from fastnn.device import Argument, Call, Device
from fastnn.plan import Plan

# Rows of a block: as many as a thread has in registers (PRODUCT_ROWS of
# csrc/cuda/row_product.h).
BLOCK_ROWS = 4

# Whether a plan gains by it is predicted from the data sheet of an H100, in clocks of
# its 132 processors at some 1.7 GHz; nothing of it has been measured.
# A kernel of a chain, launched by a graph: 1.2 microseconds, beside what it computes.
LAUNCH_CLOCKS = 2000
# An op within a block: it waits for its loads once or twice, and for the other threads.
STAGE_CLOCKS = 500
# A block reads every weight that a product of its rows multiplies by. A processor gets
# 64 bytes a clock from the second-level cache; the arithmetic, of four rows at half the
# processor's 128 multiplications a clock (64 in float64), takes as long.
BYTES_PER_CLOCK = 64
PROCESSORS = 132

# The calls that sum over rows, where they write gradients of parameters.
_SUMS = ("product_over_rows", "reduce", "prelu_slope_gradient", "row_norm_sums")

# Threads of a tile of the gradient of weights, down and across, each with 4 rows of 16
# bytes; larger ones where there are enough of them to occupy half of the processors.
_TILES = ((8, 8), (4, 4))
_ENOUGH_TILES = 64


def can_share_rows(plan: Plan) -> bool:
    """Whether all that a plan does in training can be done for a few rows at a time."""
    ops = plan.ops_of("train")
    if plan.needs_whole_batches or plan.statistic_size or not len(ops):
        return False
    products = ops[ops["kind"] == KINDS["product"]]
    spaces = plan.tensors["space"][products["output"][:, 0]]
    over_rows = spaces == SPACES["gradient"]
    alike = np.where(
        over_rows, products["transpose"] == 1, products["transpose"] & 1 == 0
    )
    return bool(alike.all() and (products["dim"][:, 0] == 1).all())


def gains_by_row_blocks(plan: Plan, batch_size: int, itemsize: int) -> bool:
    """Whether a step is predicted to take less time so than as a chain of kernels."""
    if not can_share_rows(plan):
        return False
    ops = plan.ops_of("train")
    products = ops[(ops["kind"] == KINDS["product"]) & (ops["transpose"] & 1 == 0)]
    weights = int((products["dim"][:, 2] * products["dim"][:, 3]).sum())
    # Products of samples of several rows take them four at a time.
    rows = int(products["dim"][:, 1].max(initial=1))
    turns = -(-blocks_of(batch_size) // PROCESSORS) * rows
    stages = STAGE_CLOCKS * len(ops) + weights * itemsize / BYTES_PER_CLOCK
    return turns * stages <= LAUNCH_CLOCKS * len(ops)


def blocks_of(count: int) -> int:
    """Blocks of threads for so many rows."""
    return -(-count // BLOCK_ROWS)


def activation_size(plan: Plan) -> int:
    """Numbers that the activations of one row take, each in a place of its own."""
    return _places_of_activations(plan)[1]


def _places_of_activations(plan: Plan) -> tuple[NDArray[np.int64], int]:
    """Numbers before each tensor for one row, and those of all activations of one."""
    is_activation = plan.tensors["space"] == SPACES["activation"]
    sizes = (
        -(-np.where(is_activation, plan.tensors["size"], 0) // ALIGNMENT) * ALIGNMENT
    )
    offsets = np.where(
        is_activation, np.cumsum(sizes) - sizes, plan.tensors["train_offset"]
    )
    return offsets, int(sizes.sum())


@dataclass(frozen=True)
class _Recorded:
    """A call, for the rows that it was recorded for."""

    name: str
    arguments: tuple[Argument, ...]
    shares: int  # that it can be divided into
    sums: tuple[int, ...]  # tensors that it sums to, over all rows; () for none


class RowBlocks(Walk):
    """The calls of training a plan for some rows: two kernels.

    Parameters
    ----------
    plan, device, dtype, room
        As of :class:`fastnn.cuda.walk.Walk`, with room for as many activations as
        :func:`activation_size` counts, and for a copy of the step's scalars in each
        block.
    samples : Samples
    place : Place
    """

    def __init__(
        self,
        plan: Plan,
        device: Device,
        dtype: np.dtype,
        room: Room,
        samples: Samples,
        place: Place,
    ):
        super().__init__(plan, device, dtype, PHASES["train"], room)
        self._offsets, _ = _places_of_activations(plan)
        self._samples, self._place = samples, place
        # Each loss has its own partial sums, until they are summed up.
        self._most_parts = partial_sums_of_loss(plan, room.capacity)
        self._recorded: list[_Recorded] = []
        self._n_losses = 0
        self._uploaded: list[Any] = []

    def calls(self, rows: Rows) -> list[Call]:
        """The calls that gather these rows and do all ops."""
        every = self._record(rows)
        # Arguments grow evenly from block to block, and with the rows of one.
        first = self._record(replace(rows, count=BLOCK_ROWS))
        second = self._record(
            replace(
                rows, count=BLOCK_ROWS, first=rows.first + BLOCK_ROWS, at=BLOCK_ROWS
            )
        )
        shorter = self._record(replace(rows, count=BLOCK_ROWS - 1))
        own = [
            _record_of(call, after.arguments, fewer.arguments)
            for call, after, fewer in zip(first, second, shorter, strict=True)
            if not call.sums
        ]
        blocks = blocks_of(rows.count)
        lacking = blocks * BLOCK_ROWS - rows.count
        calls = [self._call("row_blocks", blocks, len(own), self._upload(own), lacking)]
        records, tasks = _shared_out([call for call in every if call.sums])
        if tasks:
            addresses = self._upload(tasks), self._upload(records)
            calls.append(self._call("sums_over_rows", len(tasks), *addresses))
        return calls

    def _upload(self, records: list[Any]) -> int:
        array = np.frombuffer(np.array(records).tobytes(), np.int64)
        buffer = self._device.empty(array.size, np.int64)
        self._device.upload(array, buffer)
        self._uploaded.append(buffer)
        return int(buffer.address)

    def _call(self, name: str, grid: int, *arguments: int) -> Call:
        kernel = self._device.kernel(f"row_blocks{self._suffix}", name + self._suffix)
        return partial(kernel, grid, ROW_BLOCK, arguments)

    # ------------------------------------------------------------- what is recorded

    def _record(self, rows: Rows) -> list[_Recorded]:
        self._recorded, self._n_losses = [], 0
        self._rows = rows
        place = replace(self._place, scalars=self._copy_of_scalars())
        gather = self._samples.gather(rows, place)
        name = gather.name.removesuffix(self._suffix)
        self._recorded.append(_Recorded(name, gather.arguments, 1, ()))
        super().calls(rows)
        return self._recorded

    def _launch(
        self, stem: str, name: str, grid: int, block: tuple[int, int], *arguments: Any
    ) -> None:
        name = name.removesuffix(self._suffix)
        sums: tuple[int, ...] = ()
        if name == "finish_loss":
            sums = (-1,)
        elif name in _SUMS:
            outputs = (int(number) for number in self._op["output"] if number >= 0)
            spaces = self._plan.tensors["space"]
            sums = tuple(n for n in outputs if spaces[n] == SPACES["gradient"])
        self._recorded.append(_Recorded(name, arguments, grid, sums))

    def _is_dropped_by(self, after: Any) -> bool:
        return False  # one after the other, they are in the same launch

    def _bias_gradient(self, dy: int, saved: int, da: int, db: int) -> None:
        # The sum is over the rows of all blocks, and the slope is not.
        if da:
            self._slope(dy, saved, da)
        self._reduce(da or dy, db)

    def _product(self) -> None:
        m, n, k = self._dim(1), self._dim(2), self._dim(3)
        a, b, c = self._input(0), self._input(1), self._output(0)
        a_lead, b_lead, c_lead = map(self._lead, range(3))
        transpose = int(self._op["transpose"])
        if transpose & 1:
            strip = 16 // self._dtype.itemsize
            for down, across in _TILES:
                tiles = -(-m // (4 * down)) * -(-n // (strip * across))
                if tiles >= _ENOUGH_TILES:
                    break
            self._launch(
                "row_blocks", "product_over_rows", tiles, ROW_BLOCK, m, n, k, a, a_lead,
                b, b_lead, down, across, self._adds(0), c, c_lead,
            )  # fmt: skip
        else:
            self._launch(
                "row_blocks", "product_of_rows", 1, ROW_BLOCK, m, n, k, a, a_lead, b,
                b_lead, transpose, c, c_lead,
            )  # fmt: skip

    def _copy_of_scalars(self) -> Any:
        """The block's own: they come with what is gathered. The first is the step's."""
        assert self._room.scalars is not None
        return self._room.scalars.after(self._rows.at // BLOCK_ROWS * N_SCALARS)

    def _step_scalars(self) -> int:
        return int(self._copy_of_scalars().address)

    def _partial_sums(self, m: int, n: int, of_rows: bool) -> tuple[int, int]:
        rows = self._rows
        first = self._n_losses * self._most_parts
        self._n_losses += 1
        if of_rows:
            first += rows.at * int(self._op["dim"][2])
            return int(self._room.partial.after(first).address), m
        first += rows.at // BLOCK_ROWS
        return int(self._room.partial.after(first).address), blocks_of(rows.count)


def _record_of(
    call: _Recorded,
    after: tuple[Argument, ...] = (),
    fewer: tuple[Argument, ...] = (),
) -> Any:
    """A call as csrc/calls.h has it.

    after, fewer: the arguments of the same call for the next block, and for a row less;
    without them it has the same ones everywhere.
    """
    record = np.zeros((), CALL_DTYPE)
    record["name"] = CALLS.index(call.name)
    for i, argument in enumerate(call.arguments):
        if not isinstance(argument, int):
            bits = argument.tobytes().ljust(8, b"\0")
            record["base"][i] = np.frombuffer(bits, np.int64)[0]
            continue
        record["base"][i] = argument
        if after:
            record["per_block"][i] = int(after[i]) - argument
            record["per_row"][i] = argument - int(fewer[i])
    return record


def _shared_out(calls: list[_Recorded]) -> tuple[list[Any], list[Any]]:
    """Records of calls, and of the tasks that blocks of threads have with them."""
    tasks: list[list[_Recorded]] = []
    for call in calls:
        # What adds to a gradient comes after what has written it, in the same task.
        alike = [task for task in tasks if _write_alike([*task, call])]
        tasks = [task for task in tasks if task not in alike]
        tasks.append([*(before for task in alike for before in task), call])
    records: list[Any] = []
    shared: list[Any] = []
    for task in tasks:
        # Different functions share out the same numbers in different ways.
        ways = {(call.name, call.shares) for call in task}
        shares = task[0].shares if len(ways) == 1 else 1
        for share in range(shares):
            numbers = len(records), len(task), share, shares
            shared.append(np.array(numbers, TASK_DTYPE))
        records += [_record_of(call) for call in task]
    return records, shared


def _write_alike(calls: list[_Recorded]) -> bool:
    """Whether the last call writes what an earlier one does."""
    return any(set(call.sums) & set(calls[-1].sums) for call in calls[:-1])
