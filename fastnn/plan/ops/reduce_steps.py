"""Mean, sum or maximum over the steps of sequences, and the adjoints."""

from typing import Any

from fastnn.plan.ops.reduce import REDUCTIONS
from fastnn.plan.tape import ALWAYS, TRAIN, Tape
from fastnn.plan.tensor import Tensor


def reduce_steps(
    tape: Tape, kind: str, x: Tensor, mask: Tensor | None = None
) -> Tensor:
    """The mean, sum or maximum over the steps of each sequence.

    It is 0 where the mask lets no step pass. Where several numbers are the largest they
    share the gradient.

    Parameters
    ----------
    kind : {"mean", "sum", "max"}
    x : Tensor of shape (n,)
        One for each step.
    mask : Tensor of shape (), default=None
        One for each step: those where it is 0 are passed over, whatever x is there. It
        has no gradient. None lets all pass.

    Returns
    -------
    y : Tensor of shape (n,)
        One for each sample.
    """
    if kind not in REDUCTIONS:
        raise ValueError(f"kind must be one of {REDUCTIONS}, got {kind!r}")
    if not x.axis or len(x.shape) != 1:
        raise ValueError(
            f"x must be a row of numbers for each step, got shape {x.shape} for each "
            f"{'step' if x.axis else 'sample'}"
        )
    x, mask = tape.dense(x), None if mask is None else tape.dense(mask)
    y = tape.activation(x.shape, x)
    share = tape.activation(x.shape) if kind == "max" else None
    fields: dict[str, Any] = {
        "code": REDUCTIONS.index(kind),
        "dim": (1, 1, 1, x.size),
        "per_sample": 1 << 2,
    }
    tape.emit("reduce_steps", (x, mask), (y, share), ALWAYS, **fields)

    def adjoint() -> None:
        dx = tape.activation(x.shape, axis=x.axis)
        compared = (x, y, share) if kind == "max" else (None, None, None)
        dy = tape.dense_gradient_of(y)
        tape.emit(
            "reduce_steps_gradient", (dy, *compared, mask), (dx,), TRAIN, **fields
        )
        tape.contribute(x, dx)

    tape.record(y, adjoint)
    return y
