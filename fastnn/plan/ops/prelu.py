"""Activations with a learned slope."""

from fastnn.plan.broadcasting import broadcast_axes
from fastnn.plan.tape import ALWAYS, TRAIN, Tape
from fastnn.plan.tensor import Tensor


def prelu(tape: Tape, x: Tensor, slope: Tensor) -> Tensor:
    """x where it is positive, ``slope * x`` elsewhere, with the slope broadcast.

    Parameters
    ----------
    x : Tensor
        One for each sample.
    slope : Tensor
        Of a shape that NumPy would broadcast to that of x.
    """
    x, slope = tape.dense(x), tape.dense(slope)
    y = tape.activation(x.shape, x, slope)
    axes = broadcast_axes(x, slope)
    tape.emit("prelu", (x, slope), (y,), ALWAYS, **axes)

    def adjoint() -> None:
        dy = tape.dense_gradient_of(y)
        dx = tape.activation(x.shape) if x.needs_gradient else None
        dslope, accumulate = None, False
        if slope.needs_gradient:
            dslope, accumulate = tape.accumulator(slope)
        tape.emit(
            "prelu_gradient", (dy, x, slope), (dx, dslope), TRAIN,
            accumulate=accumulate, **axes,
        )  # fmt: skip
        if dx is not None:
            tape.contribute(x, dx)
        if dslope is not None and slope.per_sample:
            tape.contribute(slope, dslope)

    tape.record(y, adjoint)
    return y
