"""Matrix products over the last axis."""

from math import prod

from fastnn.plan.tape import ALWAYS, TRAIN, Tape
from fastnn.plan.tensor import Tensor


def product(tape: Tape, a: Tensor, b: Tensor) -> Tensor:
    """``a @ b`` over the last axis of a, for a matrix b that all samples share."""
    if len(b.shape) != 2 or a.shape[-1:] != b.shape[:1]:
        raise ValueError(
            f"a product over the last axis of shape {a.shape} needs a matrix of as "
            f"many rows, got shape {b.shape}"
        )
    m, (k, n) = prod(a.shape[:-1]), b.shape
    y = tape.activation((*a.shape[:-1], n), a, b)
    # dim: count, m, n, k, of which the one that runs over the samples is marked.
    tape.emit(
        "product",
        (a, b),
        (y,),
        ALWAYS,
        dim=(1, m, n, k),
        per_sample=1 << 1,
    )

    def adjoint() -> None:
        dy = tape.gradient_of(y)
        if b.needs_gradient:
            db, accumulate = tape.accumulator(b)
            tape.emit(
                "product", (a, dy), (db,), TRAIN,
                dim=(1, k, n, m), per_sample=1 << 3, transpose=1,
                accumulate=accumulate,
            )  # fmt: skip
        if a.needs_gradient:
            da = tape.activation(a.shape)
            tape.emit(
                "product", (dy, b), (da,), TRAIN,
                dim=(1, m, k, n), per_sample=1 << 1, transpose=2,
            )  # fmt: skip
            tape.contribute(a, da)

    tape.record(y, adjoint)
    return y
