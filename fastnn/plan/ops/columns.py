"""Columns of the last axis, and values side by side along it.

Neither copies where what reads and writes the numbers can do with views: the gradients
of columns are written into that of the whole, values into what they are a part of.
"""

from collections.abc import Sequence

from fastnn.plan.tape import ALWAYS, TRAIN, Tape
from fastnn.plan.tensor import Tensor


def columns(tape: Tape, x: Tensor, start: int, width: int) -> Tensor:
    """``x[..., start : start + width]``, a view.

    Parameters
    ----------
    x : Tensor
        One for each sample.
    start : int
        The first column, an entry of the last axis.
    width : int
        How many, 1 or more.
    """
    n = x.shape[-1] if x.per_sample and x.shape else 0
    if not 0 <= start < start + width <= n:
        raise ValueError(
            f"columns start={start}, width={width} must lie within the last axis of a "
            f"value of each sample, got one of shape {x.shape}"
        )
    if width == n:
        return x
    y = tape.view(x, start, width)
    parts = tape.parts_of(x)
    if not parts:  # the adjoint of all of them, after those of what is made of them
        tape.defer(lambda: _columns_adjoint(tape, x, parts))
    parts.append((start, y))
    return y


def _columns_adjoint(
    tape: Tape, x: Tensor, parts: Sequence[tuple[int, Tensor]]
) -> None:
    gradients = [
        (start, tape.gradient_of(part))
        for start, part in parts
        if tape.has_gradient(part)
    ]
    if not gradients:
        return
    dx, end = tape.activation(x.shape, axis=x.axis), 0
    for start, stop, group in _apart(gradients):
        if len(group) == 1:
            _fill(tape, dx, end, start)
            tape.place(group[0][1], dx, start, TRAIN)
        else:
            _fill(tape, dx, end, stop)
            for first, gradient in group:
                to = tape.view(dx, first, gradient.shape[-1])
                tape.copy(gradient, to, TRAIN, accumulate=True)
        end = stop
    _fill(tape, dx, end, x.shape[-1])
    tape.contribute(x, dx)


def _fill(tape: Tape, x: Tensor, start: int, stop: int) -> None:
    """Columns without a gradient are zeros."""
    if start < stop:
        tape.copy(None, tape.view(x, start, stop - start), TRAIN)


def _apart(
    parts: Sequence[tuple[int, Tensor]],
) -> list[tuple[int, int, list[tuple[int, Tensor]]]]:
    """First column, end and members of groups of parts, within which they overlap."""
    groups: list[tuple[int, int, list[tuple[int, Tensor]]]] = []
    for start, part in sorted(parts, key=lambda each: each[0]):
        stop = start + part.shape[-1]
        if groups and start < groups[-1][1]:
            first, end, group = groups.pop()
            groups.append((first, max(end, stop), [*group, (start, part)]))
        else:
            groups.append((start, stop, [(start, part)]))
    return groups


def concatenate(tape: Tape, parts: Sequence[Tensor]) -> Tensor:
    """The parts side by side along the last axis.

    Parameters
    ----------
    parts : sequence of Tensor
        One for each sample, of shapes that differ in the last axis only.
    """
    rows = {
        (part.axis, part.shape[:-1]) for part in parts if part.per_sample and part.shape
    }
    if len(rows) != 1 or not all(part.per_sample and part.shape for part in parts):
        raise ValueError(
            "values side by side must be one or more of each sample, and of one shape "
            f"but for the last axis, got the shapes {[part.shape for part in parts]}"
        )
    if len(parts) == 1:
        return parts[0]
    widths = [part.shape[-1] for part in parts]
    starts = [sum(widths[:i]) for i in range(len(parts))]
    shape = *parts[0].shape[:-1], sum(widths)
    y = tape.activation(shape, *parts, axis=parts[0].axis)
    for part, start in zip(parts, starts, strict=True):
        tape.place(part, y, start, ALWAYS)

    def adjoint() -> None:
        dy = tape.gradient_of(y)
        for part, start, width in zip(parts, starts, widths, strict=True):
            if part.needs_gradient:
                tape.contribute(part, tape.view(dy, start, width))

    tape.record(y, adjoint)
    return y
