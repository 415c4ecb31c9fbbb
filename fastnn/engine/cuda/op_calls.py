"""The calls that one op makes: what its record says of the rows, and how they run."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.engine.cuda.calls import (
    COLUMN_BLOCK,
    PLACES_AT_ONCE,
    ROW_BLOCK,
    THREADS,
    Buffers,
    Launch,
    Rows,
    blocks_for,
)
from fastnn.engine.device import Argument, Call, Device
from fastnn.plan.records import Plan
from fastnn.plan.tables import SPACES

_SPACES = {code: name for name, code in SPACES.items()}

# An address, and numbers from one row to the next.
RowsAt = tuple[int, int]


@dataclass(frozen=True)
class Walk:
    """What the ops of one walk over a plan have in common, and the calls they make."""

    plan: Plan
    device: Device
    dtype: np.dtype
    offsets: NDArray[np.integer]  # of tensors, in the walk's phase
    buffers: Buffers
    precision: str | None
    rows: Rows
    calls: list[Call] = field(default_factory=list)
    weighed: set[int] = field(default_factory=set)  # losses with their weights added up


class OpCalls:
    """One op of a walk, which adds its calls to those of the walk.

    Parameters
    ----------
    walk : Walk
    record : numpy record
        Of the op.
    """

    def __init__(self, walk: Walk, record: Any):
        self.walk, self.record = walk, record
        self.plan, self.device, self.dtype = walk.plan, walk.device, walk.dtype
        self.buffers, self.rows = walk.buffers, walk.rows

    # ------------------------------------------------------------------ what ops say

    def address(self, number: int) -> int:
        """Where a tensor lies; 0 for one that is absent."""
        if number < 0:
            return 0
        return int(self.view(number).address)

    def view(self, number: int) -> Any:
        """A buffer that begins where a tensor does."""
        tensor = self.plan.tensors[number]
        space = _SPACES[int(tensor["space"])]
        scale = self.buffers.capacity if space == "activation" else 1
        first = int(self.walk.offsets[number]) * scale + int(tensor["first"])
        buffer = self.buffers.spaces[space]
        if space == "input":
            buffer = buffer[int(tensor["index"])]
        return buffer.after(first)

    def input(self, i: int) -> int:
        """Where an input lies; 0 where it is absent."""
        return self.address(int(self.record["input"][i]))

    def output(self, i: int) -> int:
        """The same of an output."""
        return self.address(int(self.record["output"][i]))

    def weight(self) -> int:
        """Where the weights of the samples lie; 0 where each is 1."""
        weight = self.buffers.weight
        return 0 if weight is None else int(weight.address)

    def own_weights(self) -> Any | None:
        """Those that the op's loss has."""
        buffers = self.buffers
        if buffers.weight is None or not buffers.weighs_losses:
            return buffers.weight
        return buffers.weight.after((1 + int(self.record["loss"])) * buffers.capacity)

    def own_weight(self) -> int:
        """Where these lie; 0 where each is 1."""
        weight = self.own_weights()
        return 0 if weight is None else int(weight.address)

    @property
    def code(self) -> int:
        """Which of its family's functions it is."""
        return int(self.record["code"])

    def step_scalars(self) -> int:
        """Where the step's row of the optimizer's table lies."""
        assert self.buffers.scalars is not None  # it is asked for in training only
        return int(self.buffers.scalars.address)

    def dim(self, i: int) -> int:
        """A dimension, of so many rows."""
        scaled = int(self.record["per_sample"]) >> i & 1
        return int(self.record["dim"][i]) * (self.rows.count if scaled else 1)

    def numbers_of(self, number: int) -> int:
        """How many numbers a tensor has, of all samples."""
        tensor = self.plan.tensors[number]
        return int(tensor["size"]) * (self.rows.count if tensor["per_sample"] else 1)

    def size_of_output(self, i: int) -> int:
        """How many numbers an output has, of all samples."""
        return self.numbers_of(int(self.record["output"][i]))

    def params(self) -> int:
        """Where integers of the op's own lie."""
        params: Any = self.buffers.params
        return int(params.after(int(self.record["params"])).address)

    def own_params(self, count: int) -> NDArray[np.int64]:
        """The first so many of these integers."""
        first = int(self.record["params"])
        return self.plan.params[first : first + count]

    def draw(self) -> tuple[int, int, int]:
        """What random numbers are a function of, beside the place."""
        first_row = int(self.record["dim"][2]) * self.rows.first
        return self.step_scalars(), self.code, first_row

    def rows_in(self, i: int, width: int) -> RowsAt:
        """Where an input lies, and how far apart its rows, of so many numbers, are."""
        return self.input(i), self.lead_of(int(self.record["input"][i]), width)

    def rows_out(self, i: int, width: int) -> RowsAt:
        """The same of an output."""
        return self.output(i), self.lead_of(int(self.record["output"][i]), width)

    def lead_of(self, number: int, width: int) -> int:
        lead = int(self.plan.tensors[number]["lead"]) if number >= 0 else 0
        return lead or width

    def lead(self, i: int) -> int:
        return int(self.record["lead"][i])

    def stride(self, i: int) -> int:
        return int(self.record["stride"][i])

    def scalar(self, i: int) -> float:
        return float(self.record["scalar"][i])

    def real(self, value: float) -> Argument:
        """A number of the dtype that is computed in."""
        # What is too large for float32 becomes infinite, as it does in C.
        with np.errstate(all="ignore"):
            return self.dtype.type(value)

    def adds(self, i: int) -> int:
        """Whether an output is added to: gradients also from the second chunk on."""
        number = int(self.record["output"][i])
        is_gradient = (
            number >= 0 and self.plan.tensors[number]["space"] == SPACES["gradient"]
        )
        return int(self.record["accumulate"] or (self.rows.accumulate and is_gradient))

    @property
    def axes(self) -> tuple[int, ...]:
        """All dimensions and strides."""
        return (*map(self.dim, range(4)), *map(self.stride, range(4)))

    @property
    def size(self) -> int:
        """Numbers that the dimensions span."""
        return self.dim(0) * self.dim(1) * self.dim(2) * self.dim(3)

    # ------------------------------------------------------------------ how they run

    def launch(
        self, stem: str, name: str, grid: int, block: tuple[int, int], *arguments: Any
    ) -> None:
        """A kernel of a stem, for the dtype that is computed in."""
        name += "_f64" if self.dtype == np.float64 else "_f32"
        launch = Launch(stem, name, grid, block, arguments)
        self.walk.calls.append(launch.call(self.device))

    def each(self, stem: str, name: str, size: int, *arguments: Any) -> None:
        """Over numbers, one by one."""
        self.launch(stem, name, blocks_for(size), (THREADS, 1), size, *arguments)

    def each_row(self, stem: str, name: str, m: int, *arguments: Any) -> None:
        """Over rows."""
        grid = max(1, -(-m // ROW_BLOCK[1]))
        self.launch(stem, name, grid, ROW_BLOCK, m, *arguments)

    def each_column(self, stem: str, name: str, n: int, *arguments: Any) -> None:
        """Over columns."""
        grid = -(-n // COLUMN_BLOCK[0])
        self.launch(stem, name, grid, COLUMN_BLOCK, *arguments)

    def sum(self, stem: str, name: str, *arguments: Any) -> None:
        """Over the places of a second operand that was broadcast."""
        places = 1
        for i in range(4):
            places *= self.dim(i) if self.stride(i) else 1
        grid = -(-places // PLACES_AT_ONCE) if self.stride(3) else places
        self.launch(stem, name, grid, (THREADS, 1), *arguments)
