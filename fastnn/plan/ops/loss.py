"""Losses of raw outputs, and the softmax."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastnn.plan.records import CustomFunction
from fastnn.plan.tables import LOSSES
from fastnn.plan.tape import ALWAYS, EVALUATE, PREDICT, TRAIN, Tape
from fastnn.plan.tensor import Tensor, rows_of, samples_of


@dataclass(frozen=True)
class Head:
    """Columns of the raw outputs that a loss looks at by themselves.

    Parameters
    ----------
    start, width : int
        The first of them, and how many.
    target : int
        First column of the target that belongs to them.
    options : sequence of float, default=()
        The loss' own parameters for them.
    """

    start: int
    width: int
    target: int
    options: Sequence[float] = ()


def softmax(
    tape: Tape, z: Tensor, phase: int = ALWAYS, heads: Sequence[int] | None = None
) -> Tensor:
    """The softmax over the last axis, or over each of some heads side by side.

    Parameters
    ----------
    z : Tensor
    phase : int, default=ALWAYS
    heads : sequence of int, default=None
        Widths that the last axis is divided into, only where nothing is trained.
        None is one head.
    """
    if phase == PREDICT:
        z = tape.dense(z, PREDICT | EVALUATE)  # raw outputs are read before it is made
    y = tape.activation(z.shape, z)
    for start, width in _spans(heads or z.shape[-1:]):
        rows = rows_of(z, width)
        tape.emit(
            "softmax", (z,), (y,), phase,
            lead=(z.shape[-1], 0, 0), stride=(start, 0, 0, 0), **rows,
        )  # fmt: skip
    if phase == PREDICT:
        return y

    def adjoint() -> None:
        dz = tape.activation(z.shape)
        tape.emit(
            "softmax_gradient", (tape.gradient_of(y), y), (dz,), TRAIN,
            **rows_of(z, z.shape[-1]),
        )  # fmt: skip
        tape.contribute(z, dz)

    tape.record(y, adjoint)
    return y


def loss(
    tape: Tape,
    name: str,
    z: Tensor,
    target: Tensor,
    heads: Sequence[Head] | None = None,
    *,
    weight: float = 1.0,
    report: float = 1.0,
    options: Sequence[float] = (),
) -> None:
    """Add a loss of the raw outputs z to what is minimised.

    It is one of those that the tape says: see :meth:`fastnn.plan.tape.Tape.named`.

    Parameters
    ----------
    name : str
        A row of the table of losses.
    z : Tensor
    target : Tensor
        As wide as z, or a column of class numbers, as the loss reads it.
    heads : sequence of Head, default=None
        Parts of the last axis of z, which together are all of it, each with a loss
        of its own. None is one head.
    weight : float, default=1
        Factor of what is minimised, besides that of the tape.
    report : float, default=1
        Further factor of the number that is reported.
    options : sequence of float, default=()
        The loss' own parameters, where there is one head.
    """
    number, factor = tape.loss_term()
    dz = tape.activation(z.shape)
    for phase, outputs in ((TRAIN, (dz,)), (EVALUATE, ())):
        for head in heads or [Head(0, z.shape[-1], 0, options)]:
            own = (*head.options, 0, 0)[:2]
            tape.emit(
                "loss", (z, target), outputs, phase, code=LOSSES.index(name),
                lead=(z.shape[-1], target.shape[-1], 0),
                stride=(head.start, head.target, 0, 0),
                scalar=(weight * factor, report, *own), loss=number,
                **rows_of(z, head.width),
            )  # fmt: skip
    tape.contribute(z, dz)


def custom_loss(
    tape: Tape, function: CustomFunction, z: Tensor, target: Tensor
) -> None:
    """Add a Python function's loss of the raw outputs z to what is minimised.

    Parameters
    ----------
    function : callable
        See :class:`fastnn.losses.CustomLoss`.
    z, target : Tensor
    """
    z, target = tape.dense(z), tape.dense(target)
    code = tape.function(function)
    number, factor = tape.loss_term()
    dz = tape.activation(z.shape)
    for phase, outputs in ((TRAIN, (dz,)), (EVALUATE, ())):
        tape.emit(
            "custom_loss", (z, target), outputs, phase, code=code,
            lead=(target.size, 0, 0), scalar=(factor, 1, 0, 0), loss=number,
            **samples_of(z),
        )  # fmt: skip
    tape.contribute(z, dz)


def _spans(widths: Sequence[int]) -> list[tuple[int, int]]:
    """First column and width of each head."""
    starts = [sum(widths[:i]) for i in range(len(widths))]
    return list(zip(starts, widths, strict=True))
