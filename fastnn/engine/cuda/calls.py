"""Calls of kernels: where they find what they work on, their grids and blocks.

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
from fastnn.plan.tables import KINDS

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
    params: Any | None  # the integers of a plan's ops, see params_on
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


def params_on(device: Device, plan: Plan) -> Any | None:
    """The integers of a plan's ops, once on the device; None where there are none."""
    if not len(plan.params):
        return None
    params = device.empty(len(plan.params), np.int64)
    device.upload(plan.params, params)
    # Whatever stream reads them: a copy to the host waits for the one to the device.
    device.download(params, np.empty_like(plan.params))
    return params


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
