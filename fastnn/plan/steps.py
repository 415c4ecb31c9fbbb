"""Values of which there is one for each step of a sequence.

Samples of different lengths have their steps one after the other, sample by sample, so
that an op works on them as it does on samples elsewhere. Each input of sequences has an
axis of steps of its own, numbered from 1 on.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from fastnn.plan.tables import FLAGS, KINDS, OP_FLAGS
from fastnn.plan.tensor import Tensor


def on_axes(
    kind: str,
    inputs: Sequence[Tensor | None],
    outputs: Sequence[Tensor | None],
    tensors: Sequence[dict[str, Any]],
) -> dict[str, int]:
    """The fields of an op that say whose steps it works on, or looks across.

    What an op that does not cross steps writes has the axis of what it reads.

    Raises
    ------
    ValueError
        If it would read values of steps beside others that are not of the same steps.
    """
    own = [each for each in (*inputs, *outputs) if each is not None and each.per_sample]
    axes = {each.axis for each in own} - {0}
    if OP_FLAGS[KINDS[kind]] & FLAGS["crosses"]:
        _check_one(kind, axes)
        return {"across": max(axes, default=0)}
    _check_one(kind, axes)
    if not axes:
        return {}
    (axis,) = axes
    if any(each is not None and each.per_sample and not each.axis for each in inputs):
        raise ValueError(
            f"{kind} cannot take a value of each sample beside one of each of its "
            "steps, whose number differs from sample to sample"
        )
    _put_on(axis, [each for each in outputs if each is not None], tensors)
    return {"axis": axis}


def _check_one(kind: str, axes: set[int]) -> None:
    if len(axes) > 1:
        raise ValueError(
            f"{kind} cannot take steps of different inputs, which have lengths of "
            "their own"
        )


def _put_on(
    axis: int, values: Iterable[Tensor], tensors: Sequence[dict[str, Any]]
) -> None:
    """Have values, what they are views of and what are views of them be of steps."""
    for value in values:
        if not value.per_sample or value.axis:
            continue
        base = value.record["base"] if value.record["base"] >= 0 else value.number
        for number, record in enumerate(tensors):
            if base in (number, record["base"]):
                record["axis"] = axis
