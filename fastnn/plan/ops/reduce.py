"""Mean, sum or maximum over any axes of a sample, and the adjoints."""

from collections.abc import Sequence
from math import prod
from typing import Any

from fastnn.plan.tape import ALWAYS, TRAIN, Tape
from fastnn.plan.tensor import Tensor, samples_of

# Places are the codes of csrc/ops/reduce/reduce.h.
REDUCTIONS = "mean", "sum", "max"


def reduce(
    tape: Tape,
    kind: str,
    x: Tensor,
    axes: Sequence[int] | None = None,
    mask: Tensor | None = None,
    *,
    keepdims: bool = False,
) -> Tensor:
    """The mean, sum or maximum of x over some axes of each sample.

    What nothing is left of, because the mask lets nothing pass, is 0. Where several
    numbers are the largest they share the gradient.

    Parameters
    ----------
    kind : {"mean", "sum", "max"}
    x : Tensor
        One for each sample.
    axes : sequence of int, default=None
        Of a sample, negative ones counted from the last. None is all of them.
    mask : Tensor, default=None
        Of a shape that NumPy would broadcast to that of x, for each sample or for all:
        numbers of x where it is 0 are passed over, whatever they are. It has no
        gradient. None lets all pass.
    keepdims : bool, default=False
        Whether axes that are reduced stay, with length 1.
    """
    if kind not in REDUCTIONS:
        raise ValueError(f"kind must be one of {REDUCTIONS}, got {kind!r}")
    reduced = _axes(range(len(x.shape)) if axes is None else axes, x.shape)
    shape = tuple(
        1 if axis in reduced else n
        for axis, n in enumerate(x.shape)
        if keepdims or axis not in reduced
    )
    x, mask = tape.dense(x), None if mask is None else tape.dense(mask)
    y = tape.activation(shape, x)
    share = None if kind == "sum" else tape.activation(shape)
    fields: dict[str, Any] = {
        "code": REDUCTIONS.index(kind),
        **samples_of(x),
        "params": _params(x, reduced, mask),
    }
    tape.emit("reduce", (x, mask), (y, share), ALWAYS, **fields)

    def adjoint() -> None:
        dx = tape.activation(x.shape)
        compared = (x, y) if kind == "max" else (None, None)
        dy = tape.dense_gradient_of(y)
        tape.emit(
            "reduce_gradient", (dy, *compared, share, mask), (dx,), TRAIN, **fields,
        )  # fmt: skip
        tape.contribute(x, dx)

    tape.record(y, adjoint)
    return y


def _axes(axes: Sequence[int], shape: tuple[int, ...]) -> set[int]:
    rank = len(shape)
    found = {axis + rank if axis < 0 else axis for axis in axes}
    if len(found) < len(axes) or not found <= set(range(rank)):
        raise ValueError(
            f"axes must be different ones of the {rank} of a sample of shape {shape}, "
            f"got {tuple(axes)}"
        )
    return found


def _params(x: Tensor, reduced: set[int], mask: Tensor | None) -> list[int]:
    """What csrc/ops/reduce/reduce_ops.c reads: axes, with like neighbours joined."""
    rank = len(x.shape)
    passes = () if mask is None else mask.shape
    padded = (1,) * (rank - len(passes)) + passes
    if len(padded) > rank or any(
        n not in (1, m) for n, m in zip(padded, x.shape, strict=True)
    ):
        raise ValueError(
            f"a mask of shape {passes} does not broadcast to the shape {x.shape}"
        )
    results = numbers = 1
    found: list[tuple[int, int, int]] = []  # from the last axis to the first
    for axis in reversed(range(rank)):
        length = x.shape[axis]
        steps = (
            0 if axis in reduced else results,
            0 if padded[axis] == 1 else numbers,
        )
        if length > 1 and found and steps == _after(found[-1]):
            found[-1] = (found[-1][0] * length, *found[-1][1:])
        elif length > 1:
            found.append((length, *steps))
        results *= 1 if axis in reduced else length
        numbers *= padded[axis]
    lengths = list(zip(*reversed(found or [(1, 0, 0)]), strict=True))
    of_mask = mask.size if mask is not None and mask.per_sample else 0
    return [len(lengths[0]), *sum(lengths, ()), prod(x.shape), results, of_mask]


def _after(axis: tuple[int, int, int]) -> tuple[int, int]:
    """The steps of an axis in front of this one that runs on alike."""
    length, *steps = axis
    return length * steps[0], length * steps[1]
