"""Two values made one, each broadcast along the other; and one that is scaled."""

from typing import Any

from fastnn.plan.broadcasting import broadcast_shape, join_axis
from fastnn.plan.ops.broadcast import add
from fastnn.plan.tape import ALWAYS, TRAIN, Tape
from fastnn.plan.tensor import Tensor, samples_of

# Places are the codes of csrc/ops/merge/merge.h.
MERGES = "sum", "product", "maximum"


def broadcast_add(tape: Tape, a: Tensor, b: Tensor) -> Tensor:
    """``a + b``, as :func:`multiply` has the product.

    :func:`fastnn.plan.ops.add` takes a second operand that broadcasts along the first,
    and an activation.
    """
    if a.per_sample and b.per_sample and a.shape == b.shape:
        return add(tape, a, b)
    return _merge(tape, "sum", a, b)


def multiply(tape: Tape, a: Tensor, b: Tensor) -> Tensor:
    """``a * b``, one for each sample.

    Parameters
    ----------
    a, b : Tensor
        Of shapes that NumPy would broadcast to one. At least one of them is one for
        each sample; the other may be a parameter.

    Raises
    ------
    ValueError
        If the shapes do not go together.
    """
    return _merge(tape, "product", a, b)


def maximum(tape: Tape, a: Tensor, b: Tensor) -> Tensor:
    """The larger of a and b, as :func:`multiply` has the product.

    Where they are equal each gets half of the gradient.
    """
    return _merge(tape, "maximum", a, b)


def scale(tape: Tape, x: Tensor, factor: float, shift: float = 0.0) -> Tensor:
    """``factor * x + shift``.

    Parameters
    ----------
    x : Tensor
        One for each sample.
    factor, shift : float
    """
    x = tape.dense(x)
    y = tape.activation(x.shape, x)
    fields = samples_of(x)
    tape.emit("scale", (x,), (y,), ALWAYS, scalar=(factor, shift, 0, 0), **fields)

    def adjoint() -> None:
        dx = tape.activation(x.shape)
        dy, slope = tape.dense_gradient_of(y), (factor, 0, 0, 0)
        tape.emit("scale", (dy,), (dx,), TRAIN, scalar=slope, **fields)
        tape.contribute(x, dx)

    tape.record(y, adjoint)
    return y


def _merge(tape: Tape, kind: str, a: Tensor, b: Tensor) -> Tensor:
    if not (a.per_sample or b.per_sample):
        raise ValueError("one of two values that are merged must be one of each sample")
    a, b = tape.dense(a), tape.dense(b)
    y = tape.activation(broadcast_shape(a.shape, b.shape), a, b)
    fields = merge_fields(kind, y, a, b)
    tape.emit("merge", (a, b), (y,), ALWAYS, **fields)
    read = (None, None) if kind == "sum" else (a, b)

    def adjoint() -> None:
        dy = tape.dense_gradient_of(y)
        for accumulate, gradients in tape.accumulators(a, b):
            tape.emit(
                "merge_gradient", (dy, *read), gradients, TRAIN,
                accumulate=accumulate, **fields,
            )  # fmt: skip
            for value, gradient in zip((a, b), gradients, strict=True):
                if gradient is not None and value.per_sample:
                    tape.contribute(value, gradient)

    tape.record(y, adjoint)
    return y


def merge_fields(kind: str, y: Tensor, a: Tensor, b: Tensor) -> dict[str, Any]:
    """What the record of an op says that makes y of a and b."""
    return {
        "code": MERGES.index(kind),
        **samples_of(y),
        "params": _params(y.shape, a, b),
    }


def _params(shape: tuple[int, ...], a: Tensor, b: Tensor) -> list[int]:
    """What csrc/ops/merge/merge_ops.c reads: axes, with like neighbours joined."""
    padded = [(1,) * (len(shape) - len(t.shape)) + t.shape for t in (a, b)]
    axes: list[list[int]] = []  # from the last to the first
    sizes = [1, 1]
    for length, *own in zip(*map(reversed, (shape, *padded)), strict=True):
        steps = [size if n > 1 else 0 for n, size in zip(own, sizes, strict=True)]
        if length > 1:
            join_axis(axes, length, *steps)
        sizes = [n * size for n, size in zip(own, sizes, strict=True)]
    join_axis(axes, 1, *(t.size if t.per_sample else 0 for t in (a, b)))
    by_axis = zip(*reversed(axes), strict=True)
    return [len(axes), *(number for each in by_axis for number in each)]
