"""Images that are changed at random, by a few numbers for each sample."""

from typing import Any

import numpy as np

from fastnn.engine.cpu.meeting import augmented
from fastnn.engine.cuda.calls import MOST_BLOCKS, THREADS, blocks_for
from fastnn.engine.cuda.op_calls import OpCalls
from fastnn.engine.device import Argument
from fastnn.plan.tables import MASK_SEED, MASK_STEP, N_SCALARS

# Integers of a map, in front of its constant, as csrc/ops/augment/warp.h has it.
_WARP_PARAMS = 8


def warp(op: OpCalls) -> None:
    bits = op.own_params(_WARP_PARAMS + 1)[_WARP_PARAMS]
    constant = op.real(float(bits.view(np.float64)))
    _augment(op, "warp", op.dim(2), op.input(0), constant, op.output(0), *_map(op))


def warp_gradient(op: OpCalls) -> None:
    blocks = blocks_for(op.dim(2) * int(op.own_params(4)[3]))
    _augment(op, "warp_gradient", blocks, op.input(0), op.output(0), *_map(op))


def _map(op: OpCalls) -> tuple[Argument, ...]:
    """What the map of a sample is made of; outside of training nothing is drawn."""
    draw = (0, 0, 0) if op.buffers.scalars is None else op.draw()
    return *draw, op.params(), *_options(op)


def _options(op: OpCalls) -> tuple[np.float64, ...]:
    return tuple(np.float64(op.scalar(i)) for i in range(4))


def contrast(op: OpCalls) -> None:
    _contrast(op, "contrast", op.input(0))


def contrast_gradient(op: OpCalls) -> None:
    _contrast(op, "contrast_gradient", op.input(0), op.input(1))


def _contrast(op: OpCalls, name: str, *inputs: int) -> None:
    channels = int(op.own_params(1)[0])
    least, most, *limits = _options(op)
    _augment(
        op, name, op.dim(2) * channels, op.dim(3), channels, *inputs, op.output(0),
        *op.draw(), least, most, *map(op.real, limits),
    )  # fmt: skip


def erase(op: OpCalls) -> None:
    least, most, *fill = _options(op)
    _augment(
        op, "erase", op.dim(2), op.dim(3), op.params(), op.input(0), op.output(0),
        *op.draw(), least, most, *map(op.real, fill),
    )  # fmt: skip


def _augment(op: OpCalls, name: str, blocks: int, *arguments: Any) -> None:
    """Of all samples, by at most so many blocks of threads."""
    grid = max(1, min(blocks, MOST_BLOCKS))
    op.launch("augment", name, grid, (THREADS, 1), op.dim(2), *arguments)


def custom_augment(op: OpCalls) -> None:
    """A function of Python's, with a copy of a mini-batch."""
    function = op.plan.functions[op.code]
    number, rank = op.own_params(2)
    shape = op.rows.count, *op.own_params(2 + int(rank))[2:]
    x_at, y_at = (op.view(int(op.record[side][0])) for side in ("input", "output"))
    # Not the op: it has the calls, of which this is one.
    device, dtype, table = op.device, op.dtype, op.buffers.scalars

    def run() -> None:
        x, scalars = np.empty(shape, dtype), np.empty(N_SCALARS)
        device.download(x_at, x)
        device.download(table, scalars)
        seed, step = scalars[[MASK_SEED, MASK_STEP]].astype(np.uint64)
        device.upload(augmented(function, x, seed, step, number), y_at)

    op.walk.calls.append(run)


CALLS = {
    "warp": warp,
    "warp_gradient": warp_gradient,
    "contrast": contrast,
    "contrast_gradient": contrast_gradient,
    "erase": erase,
    "custom_augment": custom_augment,
}
