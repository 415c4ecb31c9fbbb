"""Random numbers, a function of the step, the op and the place."""

from typing import Any

from fastnn.engine.cuda.op_calls import OpCalls
from fastnn.engine.device import Argument
from fastnn.plan.tables import ACTIVATIONS, CHANCES, KINDS


def dropout(op: OpCalls) -> None:
    _random(op, "dropout_forward", *_dropout_options(op))


def gaussian_noise(op: OpCalls) -> None:
    _random(op, "gaussian_noise", op.real(op.scalar(0)))


def _random(op: OpCalls, name: str, *arguments: Any) -> None:
    """Of random numbers that are a function of the step, the op and the place."""
    m, n = op.dim(2), op.dim(3)
    x, y = op.input(0), op.output(0)
    op.each("random", name, m, n, x, y, *op.draw(), *arguments)


def _dropout_options(op: OpCalls) -> tuple[Argument, ...]:
    rate, scale, shift, value = map(op.scalar, range(4))
    dropped = min(int(rate * CHANCES + 0.5), CHANCES - 1)
    return dropped, *map(op.real, (scale, shift, value))


def is_dropped_by(op: OpCalls, after: OpCalls) -> bool:
    """Whether what this op adds, at most a bias, is what the next one drops."""
    added, dropped = op.record, after.record
    if (added["kind"], dropped["kind"]) != (KINDS["add"], KINDS["dropout"]):
        return False
    # Of a value for each sample the last axis is that of all rows.
    is_row = list(added["stride"][:4]) == [0, 0, 0, 1] and not added["per_sample"] >> 3
    is_bias = op.input(1) == 0 or is_row
    is_bias = is_bias and op.plan.tensors[added["input"][0]]["lead"] == 0
    is_next = added["output"][0] == dropped["input"][0]
    return bool(is_bias and is_next and added["dim"][3] == dropped["dim"][3])


def add_dropout(op: OpCalls, after: OpCalls) -> None:
    """Both at once."""
    name = f"add_dropout_{ACTIVATIONS[op.code]}"
    a, b, y = op.input(0), op.input(1), op.output(0)
    m, n, option = after.dim(2), after.dim(3), op.real(op.scalar(0))
    draw = *after.draw(), *_dropout_options(after)
    op.each("add_dropout", name, m, n, a, b, option, y, after.output(0), *draw)


CALLS = {
    "dropout": dropout,
    "gaussian_noise": gaussian_noise,
}
