"""What is random in training: dropout and noise."""

from collections.abc import Sequence
from typing import Any

from fastnn.plan.ops.broadcast import as_it_is_elsewhere
from fastnn.plan.ops.merge import merge_fields
from fastnn.plan.tape import TRAIN, Tape
from fastnn.plan.tensor import Tensor, rows_of


def dropout(
    tape: Tape, x: Tensor, rate: float, scale: float, shift: float = 0, value: float = 0
) -> Tensor:
    """In training ``scale * x + shift`` or, at this rate, value; x otherwise.

    Parameters
    ----------
    x : Tensor
    rate : float
        A multiple of one over ``CHANCES`` of the compiled tables, below 1.
    scale, shift : float
        What happens to numbers that are kept.
    value : float
        What stands in place of those that are dropped.
    """
    scalar = rate, scale, shift, value
    y, fields = _random(tape, "dropout", x, scalar)

    def adjoint() -> None:
        dx = tape.activation(x.shape)
        dy, slope = tape.dense_gradient_of(y), (rate, scale, 0, 0)
        tape.emit("dropout", (dy,), (dx,), TRAIN, scalar=slope, **fields)
        tape.contribute(x, dx)

    tape.record(y, adjoint)
    return y


def spatial_dropout(tape: Tape, x: Tensor, rate: float, scale: float) -> Tensor:
    """In training ``scale * x``, or 0 for a channel of a sample at this rate; else x.

    Parameters
    ----------
    x : Tensor
        One for each sample, with a last axis of channels.
    rate : float
        A multiple of one over ``CHANCES`` of the compiled tables, below 1.
    scale : float
        Of the channels that are kept.
    """
    x = tape.dense(x)
    y = tape.activation(x.shape, x)
    factor = dropped_factors(tape, x.shape[-1], rate, scale)
    fields = merge_fields("product", y, x, factor)
    tape.emit("merge", (x, factor), (y,), TRAIN, **fields)
    as_it_is_elsewhere(tape, x, y)

    def adjoint() -> None:
        dx = tape.activation(x.shape)
        dy = tape.dense_gradient_of(y)
        tape.emit("merge", (dy, factor), (dx,), TRAIN, **fields)
        tape.contribute(x, dx)

    tape.record(y, adjoint)
    return y


def dropped_factors(tape: Tape, n: int, rate: float, scale: float) -> Tensor:
    """So many numbers for each sample, in training: 0 at this rate, else scale."""
    zeros, factor = (tape.activation((n,)) for _ in range(2))
    tape.copy(None, zeros, TRAIN)
    draw = {"code": tape.mask(), **rows_of(zeros, n)}
    tape.emit("dropout", (zeros,), (factor,), TRAIN, scalar=(rate, 0, scale, 0), **draw)
    return factor


def gaussian_noise(tape: Tape, x: Tensor, stddev: float) -> Tensor:
    """x with normal noise of this standard deviation in training; x otherwise."""
    y, _ = _random(tape, "gaussian_noise", x, (stddev, 0, 0, 0))
    tape.record(y, lambda: tape.contribute(x, tape.gradient_of(y)))
    return y


def _random(
    tape: Tape, kind: str, x: Tensor, scalar: Sequence[float]
) -> tuple[Tensor, dict[str, Any]]:
    """The output of an op that draws random numbers in training, and its fields."""
    x = tape.dense(x)
    y = tape.activation(x.shape, x)
    fields = {"code": tape.mask(), **rows_of(x, x.shape[-1])}
    tape.emit(kind, (x,), (y,), TRAIN, scalar=scalar, **fields)
    as_it_is_elsewhere(tape, x, y)
    return y, fields
