"""Sums with a second operand that is broadcast, and activations."""

from fastnn.plan.broadcasting import keeps_rows
from fastnn.plan.tables import ACTIVATION_DEFAULTS, ACTIVATION_READS, ACTIVATIONS
from fastnn.plan.tape import ALWAYS, EVALUATE, PREDICT, TRAIN, Tape
from fastnn.plan.tensor import Tensor


def add(
    tape: Tape,
    a: Tensor,
    b: Tensor | None = None,
    activation: str = "identity",
    phase: int = ALWAYS,
    option: float | None = None,
) -> Tensor:
    """``activation(a + b)``, with b broadcast along the trailing axes of a.

    Parameters
    ----------
    a : Tensor
        One for each sample.
    b : Tensor, default=None
        Of a shape that NumPy would broadcast to that of a.
    activation : str, default="identity"
        A name of the activation table.
    phase : int, default=ALWAYS
        When it runs; what runs at predict only has no adjoint.
    option : float, default=None
        The activation's own parameter; None is its default.
    """
    if option is None:
        option = ACTIVATION_DEFAULTS[activation]
    if activation == "identity" and b is None:
        return a
    if b is not None and ACTIVATION_READS[activation] == "input":
        # The slope is read from the sum, which must then be kept.
        z = add(tape, a, b, phase=phase)
        return add(tape, z, None, activation, phase, option)
    if phase == PREDICT:
        a = tape.dense(a, PREDICT | EVALUATE)  # raw outputs are read before it is made
    by_rows = keeps_rows(a, b)
    if not by_rows:
        a, b = tape.dense(a), None if b is None else tape.dense(b)
    y = tape.activation(a.shape, *(t for t in (a, b) if t is not None))
    fields = {
        "code": ACTIVATIONS.index(activation),
        "scalar": (option, 0, 0, 0),
    }
    tape.emit("add", (a, b), (y,), phase, axes=(a, b), **fields)
    if phase == PREDICT:
        return y
    reads = ACTIVATION_READS[activation]
    saved = {None: None, "output": y, "input": a}[reads]
    summed = (
        b is not None and b.needs_gradient and not (b.per_sample and b.shape == a.shape)
    )

    def adjoint() -> None:
        dy = tape.gradient_of(y) if by_rows else tape.dense_gradient_of(y)
        # The identity's da is dy itself: nothing is written.
        da = None if saved is None else tape.activation(a.shape)
        db, accumulate = None, False
        if b is not None and summed:
            db, accumulate = tape.accumulator(b)
        if da is not None or db is not None:
            tape.emit(
                "add_gradient", (dy, saved), (da, db), TRAIN,
                accumulate=accumulate, axes=(a, db or b), **fields,
            )  # fmt: skip
        tape.contribute(a, da or dy)
        if b is not None and b.per_sample:
            tape.contribute(b, db or da or dy)

    tape.record(y, adjoint)
    return y


def as_it_is_elsewhere(tape: Tape, x: Tensor, y: Tensor) -> None:
    """Write that y, which an op makes of x in training, is x at predict and evaluation.

    The two are one place, and nothing is done, where x is needed no longer.
    """
    tape.emit("add", (x,), (y,), PREDICT | EVALUATE, axes=(x, None))
