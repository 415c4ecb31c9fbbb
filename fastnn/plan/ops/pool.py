"""Windows over the places of a sample, each made one number, and the adjoints."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from fastnn.plan.tape import ALWAYS, EVALUATE, PREDICT, TRAIN, Tape
from fastnn.plan.tensor import Tensor, samples_of
from fastnn.plan.windows import Windows, windows

# Places are the codes of csrc/ops/pool/pool.h.
POOLS = "mean", "sum", "max"


def pool(tape: Tape, kind: str, x: Tensor, along: Sequence[Windows]) -> Tensor:
    """The mean, the sum or the largest of each window, channel by channel.

    Places that a window has outside of the sample do not count. Of numbers that are
    equally large the first in C order gets the gradient; a NaN is larger than all.

    Parameters
    ----------
    kind : {"mean", "sum", "max"}
    x : Tensor
        One for each sample, with a last axis of channels.
    along : sequence of Windows
        For each other axis, of which there are one or two. None has gaps within.
    """
    if kind not in POOLS:
        raise ValueError(f"kind must be one of {POOLS}, got {kind!r}")
    if x.shape[:-1] != tuple(axis.length for axis in along):
        raise ValueError(f"windows {tuple(along)} do not lie over the shape {x.shape}")
    x = tape.dense(x)
    y = tape.activation((*(axis.count for axis in along), x.shape[-1]), x)
    fields = _fields(kind, x, along)
    # Which place of a window is the largest: a quarter of what the backward pass would
    # read if it looked at windows of 2 x 2 again, and x need not be kept for it.
    largest = tape.activation(y.shape) if kind == "max" and x.needs_gradient else None
    if largest is None:
        tape.emit("pool", (x,), (y,), ALWAYS, **fields)
    else:
        tape.emit("pool", (x,), (y, largest), TRAIN, **fields)
        tape.emit("pool", (x,), (y,), PREDICT | EVALUATE, **fields)

    def adjoint() -> None:
        dx = tape.activation(x.shape)
        dy = tape.dense_gradient_of(y)
        tape.emit("pool_gradient", (dy, largest), (dx,), TRAIN, **fields)
        tape.contribute(x, dx)

    tape.record(y, adjoint)
    return y


def repeat(tape: Tape, x: Tensor, times: Sequence[int]) -> Tensor:
    """Each place of x so many times along each axis but the last, the channels.

    It is the adjoint of sums over windows that lie side by side.

    Parameters
    ----------
    x : Tensor
        One for each sample, with a last axis of channels.
    times : sequence of int
        For each other axis, of which there are one or two.
    """
    x = tape.dense(x)
    along = [windows(n * k, k, k) for n, k in zip(x.shape[:-1], times, strict=True)]
    y = tape.activation((*(axis.length for axis in along), x.shape[-1]), x)
    fields = _fields("sum", y, along)
    tape.emit("pool_gradient", (x,), (y,), ALWAYS, **fields)

    def adjoint() -> None:
        dx = tape.activation(x.shape)
        tape.emit("pool", (tape.dense_gradient_of(y),), (dx,), TRAIN, **fields)
        tape.contribute(x, dx)

    tape.record(y, adjoint)
    return y


def _fields(kind: str, x: Tensor, along: Sequence[Windows]) -> dict[str, Any]:
    """What both ops say of windows over x; sequences have a single row of places."""
    rows, columns = along if len(along) == 2 else (windows(1, 1), *along)
    return {
        "code": POOLS.index(kind),
        **samples_of(x),
        "params": [x.shape[-1], *_params(rows), *_params(columns)],
    }


def _params(axis: Windows) -> list[int]:
    """What csrc/ops/pool/pool.h reads of an axis: places of windows and the reverse."""
    starts = [i * axis.stride - axis.before for i in range(axis.count)]
    begin = [max(start, 0) for start in starts]
    end = [min(start + axis.reach, axis.length) for start in starts]
    first = [bisect_right(end, place) for place in range(axis.length)]
    last = [bisect_right(begin, place) for place in range(axis.length)]
    return [axis.length, axis.count, *begin, *end, *first, *last]
