"""Numbers at other places of a sample: axes in another order, zeros around them."""

from collections.abc import Sequence
from math import prod

from fastnn.plan.tape import ALWAYS, TRAIN, Tape
from fastnn.plan.tensor import Tensor, samples_of


def permute(tape: Tape, x: Tensor, axes: Sequence[int]) -> Tensor:
    """The axes of each sample in another order.

    Parameters
    ----------
    x : Tensor
        One for each sample.
    axes : sequence of int
        Which axis of x each axis of the result is.
    """
    if sorted(axes) != list(range(len(x.shape))):
        raise ValueError(f"axes must be all of {x.shape} in an order, got {axes}")
    shape = tuple(x.shape[axis] for axis in axes)
    return _move(tape, x, axes, (0,) * len(axes), shape)


def pad(tape: Tape, x: Tensor, amounts: Sequence[tuple[int, int]]) -> Tensor:
    """Zeros around each sample.

    Parameters
    ----------
    x : Tensor
        One for each sample.
    amounts : sequence of tuple of int
        How many places there are before and behind x, for each of its axes.
    """
    around = list(zip(x.shape, amounts, strict=True))
    before = [first for first, _ in amounts]
    shape = tuple(first + n + last for n, (first, last) in around)
    return _move(tape, x, range(len(shape)), before, shape)


def _move(
    tape: Tape,
    x: Tensor,
    axes: Sequence[int],
    before: Sequence[int],
    shape: tuple[int, ...],
) -> Tensor:
    """A result of this shape, in which the axes of x begin so far from the edges."""
    x = tape.dense(x)
    y = tape.activation(shape, x)
    _emit(tape, x, y, axes, before, ALWAYS)

    def adjoint() -> None:
        dx = tape.activation(x.shape)
        back = [list(axes).index(axis) for axis in range(len(shape))]
        outward = [-before[axis] for axis in back]
        _emit(tape, tape.dense_gradient_of(y), dx, back, outward, TRAIN)
        tape.contribute(x, dx)

    tape.record(y, adjoint)
    return y


def _emit(
    tape: Tape,
    x: Tensor,
    y: Tensor,
    axes: Sequence[int],
    before: Sequence[int],
    phase: int,
) -> None:
    params = _params(x.shape, y.shape, axes, before)
    tape.emit("move", (x,), (y,), phase, params=params, **samples_of(y))


def _params(
    of_x: tuple[int, ...],
    of_y: tuple[int, ...],
    axes: Sequence[int],
    before: Sequence[int],
) -> list[int]:
    """What csrc/ops/move/move.h reads: axes, with like neighbours joined."""
    found: list[tuple[int, ...]] = []  # from the last axis of y to the first
    steps: list[int] = []
    for axis, first, length in list(zip(axes, before, of_y, strict=True))[::-1]:
        inside, stride = of_x[axis], prod(of_x[axis + 1 :])
        if (length, inside) == (1, 1):
            continue
        width, *edge, its_stride = found[-1] if found else (0, 0, 0, 0)
        if edge == [0, width] and stride == its_stride * width:
            found[-1] = (length * width, first * width, inside * width, its_stride)
        else:
            steps.append(steps[-1] * width if found else 1)
            found.append((length, first, inside, stride))
    if not found:
        found, steps = [(1, 0, 1, 1)], [1]
    found, steps = found[::-1], steps[::-1]
    across = [stride for *_, stride in found].index(1) if _is_whole(found) else -1
    if across == len(found) - 1:
        across = -1
    by_axis = [number for each in zip(*found, strict=True) for number in each]
    return [prod(of_x), prod(of_y), len(found), across, *by_axis, *steps]


def _is_whole(axes: Sequence[tuple[int, ...]]) -> bool:
    """Whether all of x is there, and nothing else."""
    return all((first, inside) == (0, length) for length, first, inside, _ in axes)
