"""Masks: which steps of a value count."""

from collections.abc import Sequence

from fastnn.plan.ops.merge import scale
from fastnn.plan.tape import ALWAYS, TRAIN, Tape
from fastnn.plan.tensor import Tensor, rows_of, samples_of


def token_mask(tape: Tape, tokens: Tensor) -> Tensor:
    """1 for each token that is not 0, and 0 for the others."""
    mask = tape.activation(tokens.shape)
    tape.emit("token_mask", (tokens,), (mask,), ALWAYS, **samples_of(mask))
    return mask


def value_mask(tape: Tape, x: Tensor, value: float) -> Tensor:
    """1 for each row of x with a number other than the value, and 0 for the others.

    Parameters
    ----------
    x : Tensor
        One for each sample, with an axis or more.
    value : float
    """
    x = tape.dense(x)
    mask = tape.activation(x.shape[:-1])
    fields = rows_of(x, x.shape[-1])
    scalar = value, 0, 0, 0
    tape.emit("value_mask", (x,), (mask,), ALWAYS, scalar=scalar, **fields)
    return mask


def masked(tape: Tape, x: Tensor, mask: Tensor) -> Tensor:
    """Rows of x, and zeros where the mask is 0, whatever x is there.

    Parameters
    ----------
    x : Tensor
        One for each sample, with an axis or more.
    mask : Tensor
        Of its shape without the last axis. It has no gradient.
    """
    if mask.shape != x.shape[:-1]:
        raise ValueError(
            f"a mask of rows of shape {x.shape} has the shape {x.shape[:-1]}, got "
            f"{mask.shape}"
        )
    x, mask = tape.dense(x), tape.dense(mask)
    y = tape.activation(x.shape, x)
    fields = rows_of(x, x.shape[-1])
    tape.emit("masked", (x, mask), (y,), ALWAYS, **fields)

    def adjoint() -> None:
        dx = tape.activation(x.shape)
        tape.emit("masked", (tape.dense_gradient_of(y), mask), (dx,), TRAIN, **fields)
        tape.contribute(x, dx)

    tape.record(y, adjoint)
    return y


def ones(tape: Tape, shape: Sequence[int]) -> Tensor:
    """Ones for each sample: the mask of what has none."""
    zeros = tape.activation(tuple(shape))
    tape.copy(None, zeros, ALWAYS)
    return scale(tape, zeros, 1.0, 1.0)
