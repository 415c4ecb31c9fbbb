"""Calls of kernels, and what the ops of a plan say about their arguments.

A call has all its arguments: what changes from step to step lies in the device's
memory.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.engine.device import Argument, Call, Device
from fastnn.plan.records import Plan
from fastnn.plan.tables import KINDS, PHASES, SPACES

# Of a block: a power of two, at most MAX_THREADS of csrc/base/cuda/device.h.
THREADS = 256
# A block over columns: columns side by side, threads over the rows of each.
COLUMN_BLOCK = (32, 8)
# A block over rows: a warp of lanes for each.
ROW_BLOCK = (32, 8)
# Places that a block of sums has side by side, as csrc/base/cuda/axes.h has it.
PLACES_AT_ONCE = 32
# Blocks of a loop over numbers, at most; each writes one partial sum of a loss.
MOST_BLOCKS = 4096
# Numbers that a thread takes of a loop which ends in sums.
NUMBERS_SUMMED = 4
# The sums of a step, as csrc/base/cuda/device.h numbers them.
LOSS, REPORTED, WEIGHT, PENALTY, SCALE, EPOCH, REPORTS = range(7)
# Numbers that a thread gathers, as csrc/data/gather.cu has it.
NUMBERS_GATHERED = 8

_SPACES = {code: name for name, code in SPACES.items()}


@dataclass(frozen=True)
class Buffers:
    """Where a walk finds what it works on: buffers of the device, by space and role."""

    # Those of plan.h, but for the parameters' gradients perhaps; as many as there are
    # inputs of theirs.
    spaces: dict[str, Any]
    weight: Any | None  # of the samples
    scalars: Any | None  # the step's row of the optimizer's table; in training
    sums: Any
    partial: Any
    capacity: int  # rows that activations, and columns of weights, have room for
    weighs_losses: bool = False  # whether each has a column of weights


@dataclass(frozen=True)
class Rows:
    """The rows that a walk works on."""

    count: int
    first: int = 0  # the first one's number within the mini-batch
    accumulate: bool = False  # add to gradients instead of overwriting them


@dataclass(frozen=True)
class Launch:
    """A kernel with its grid, block and arguments."""

    stem: str
    name: str
    grid: int
    block: tuple[int, int]
    arguments: tuple[Argument, ...]

    def call(self, device: Device) -> Call:
        kernel = device.kernel(self.stem, self.name)
        return partial(kernel, self.grid, self.block, self.arguments)


def n_sums(plan: Plan) -> int:
    """Numbers in the sums of a step and its epoch."""
    return REPORTS + 4 * max(1, len(plan.losses))


def reports_in(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is reported of each loss, and its weights: of a step, and of its epoch."""
    return sums[REPORTS:].reshape(2, -1, 2)


def blocks_for(size: int, each: int = 1) -> int:
    """Blocks of threads for a loop over so many numbers."""
    return max(1, min(MOST_BLOCKS, -(-size // (THREADS * each))))


def partial_sums(plan: Plan, capacity: int) -> int:
    """The most partial sums that the losses or an update make."""
    losses = plan.ops[plan.ops["kind"] == KINDS["loss"]]
    # As many as there are rows.
    of_loss = int(losses["dim"][:, 2].max(initial=1)) * capacity
    return max(of_loss, 2 * MOST_BLOCKS)  # an update makes two kinds of them


class CallsOfOps:
    """Writes calls for one op after another: what all ops of a plan need for it."""

    def __init__(
        self,
        plan: Plan,
        device: Device,
        dtype: np.dtype,
        phase: int,
        room: Buffers,
        precision: str | None = None,
    ):
        self._plan = plan
        self._device = device
        self._dtype = dtype
        self._suffix = "_f64" if dtype == np.float64 else "_f32"
        self._room = room
        self._precision = precision
        self._ops = [op for op in plan.ops if op["phase"] & phase]
        name = "train_offset" if phase == PHASES["train"] else "predict_offset"
        self._offsets = plan.tensors[name]
        self._calls: list[Call] = []
        self._rows = Rows(0)
        self._losses: set[int] = set()  # whose weights have been added up
        self._op = plan.ops[0]
        self._integers: Any = None
        if len(plan.params):
            self._integers = device.empty(len(plan.params), np.int64)
            device.upload(plan.params, self._integers)

    # ------------------------------------------------------------------ what ops say

    def address(self, number: int) -> int:
        """Where a tensor lies; 0 for one that is absent."""
        if number < 0:
            return 0
        return self._view(number).address

    def _view(self, number: int) -> Any:
        """A buffer that begins where a tensor does."""
        tensor = self._plan.tensors[number]
        space = _SPACES[int(tensor["space"])]
        scale = self._room.capacity if space == "activation" else 1
        first = int(self._offsets[number]) * scale + int(tensor["first"])
        buffer = self._room.spaces[space]
        if space == "input":
            buffer = buffer[int(tensor["index"])]
        return buffer.after(first)

    def _input(self, i: int) -> int:
        return self.address(int(self._op["input"][i]))

    def _output(self, i: int) -> int:
        return self.address(int(self._op["output"][i]))

    def _weight(self) -> int:
        """Where the weights of the samples lie; 0 where each is 1."""
        weight = self._room.weight
        return 0 if weight is None else int(weight.address)

    def _own_weights(self) -> Any | None:
        """Those that the op's loss has."""
        room = self._room
        if room.weight is None or not room.weighs_losses:
            return room.weight
        return room.weight.after((1 + int(self._op["loss"])) * room.capacity)

    def _own_weight(self) -> int:
        weight = self._own_weights()
        return 0 if weight is None else int(weight.address)

    def _step_scalars(self) -> int:
        """Where the step's row of the optimizer's table lies."""
        assert self._room.scalars is not None  # it is asked for in training only
        return int(self._room.scalars.address)

    def _dim(self, i: int) -> int:
        scaled = int(self._op["per_sample"]) >> i & 1
        return int(self._op["dim"][i]) * (self._rows.count if scaled else 1)

    def _numbers_of(self, number: int) -> int:
        """How many numbers a tensor has, of all samples."""
        tensor = self._plan.tensors[number]
        return int(tensor["size"]) * (self._rows.count if tensor["per_sample"] else 1)

    def _params(self) -> int:
        """Where integers of the op's own lie."""
        return int(self._integers.after(int(self._op["params"])).address)

    def _rows_in(self, i: int, width: int) -> tuple[int, int]:
        """Where an input lies, and how far apart its rows, of so many numbers, are."""
        return self._input(i), self._lead_of(int(self._op["input"][i]), width)

    def _rows_out(self, i: int, width: int) -> tuple[int, int]:
        """The same of an output."""
        return self._output(i), self._lead_of(int(self._op["output"][i]), width)

    def _lead_of(self, number: int, width: int) -> int:
        lead = int(self._plan.tensors[number]["lead"]) if number >= 0 else 0
        return lead or width

    def _lead(self, i: int) -> int:
        return int(self._op["lead"][i])

    def _stride(self, i: int) -> int:
        return int(self._op["stride"][i])

    def _scalar(self, i: int) -> float:
        return float(self._op["scalar"][i])

    def _real(self, value: float) -> Argument:
        # What is too large for float32 becomes infinite, as it does in C.
        with np.errstate(all="ignore"):
            return self._dtype.type(value)

    def _adds(self, i: int) -> int:
        """Whether an output is added to: gradients also from the second chunk on."""
        number = int(self._op["output"][i])
        is_gradient = (
            number >= 0 and self._plan.tensors[number]["space"] == SPACES["gradient"]
        )
        return int(self._op["accumulate"] or (self._rows.accumulate and is_gradient))

    @property
    def _axes(self) -> tuple[int, ...]:
        return (*map(self._dim, range(4)), *map(self._stride, range(4)))

    @property
    def _size(self) -> int:
        return self._dim(0) * self._dim(1) * self._dim(2) * self._dim(3)

    # ------------------------------------------------------------------ how they run

    def _launch(
        self, stem: str, name: str, grid: int, block: tuple[int, int], *arguments: Any
    ) -> None:
        launch = Launch(stem, name, grid, block, arguments)
        self._calls.append(launch.call(self._device))

    def _each(self, stem: str, name: str, size: int, *arguments: Any) -> None:
        """Over numbers, one by one."""
        grid = blocks_for(size)
        name += self._suffix
        self._launch(stem, name, grid, (THREADS, 1), size, *arguments)

    def _each_row(self, stem: str, name: str, m: int, *arguments: Any) -> None:
        """Over rows."""
        grid = max(1, -(-m // ROW_BLOCK[1]))
        self._launch(stem, name + self._suffix, grid, ROW_BLOCK, m, *arguments)

    def _each_column(self, stem: str, name: str, n: int, *arguments: Any) -> None:
        grid = -(-n // COLUMN_BLOCK[0])
        self._launch(stem, name + self._suffix, grid, COLUMN_BLOCK, *arguments)

    def _sum(self, stem: str, name: str, *arguments: Any) -> None:
        """Over the places of a second operand that was broadcast."""
        places = 1
        for i in range(4):
            places *= self._dim(i) if self._stride(i) else 1
        grid = -(-places // PLACES_AT_ONCE) if self._stride(3) else places
        self._launch(stem, name + self._suffix, grid, (THREADS, 1), *arguments)
