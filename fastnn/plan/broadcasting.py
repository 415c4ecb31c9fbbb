"""How values broadcast along each other, and the loops that it takes to add them."""

from itertools import zip_longest
from typing import Any, Protocol


class Value(Protocol):
    """What the rules of broadcasting look at: see `fastnn.plan.tape.Tensor`."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def per_sample(self) -> bool: ...


# Axes that an addition takes.
MOST_AXES = 4


def keeps_rows(a: Value, b: Value | None) -> bool:
    """Whether b broadcasts along a with the last axis by itself, as views ask for."""
    return len(_axes_of(a, b, True, 0)) <= MOST_AXES


def broadcast_axes(
    a: Value, b: Value | None, rows: bool = False, lead: int = 0
) -> dict[str, Any]:
    """Shape of a and strides of b over it, with like neighbours joined into one axis.

    Parameters
    ----------
    a, b : Value
    rows : bool, default=False
        Whether the last axis stays one by itself.
    lead : int, default=0
        Numbers from one row of the last axis of b to the next, where rows of b do not
        lie side by side; then only with ``rows``.

    Raises
    ------
    ValueError
        If b does not broadcast to the shape of a.
    """
    axes = _axes_of(a, b, rows, lead)
    if len(axes) > MOST_AXES:
        shape = b.shape if b is not None else ()
        raise ValueError(
            f"shape {shape} broadcasts to shape {a.shape} along too many separate axes"
        )
    scaled = 1 << (MOST_AXES - len(axes))
    axes += [[1, 0]] * (MOST_AXES - len(axes))
    dims, strides = zip(*reversed(axes), strict=True)
    return {"dim": dims, "stride": strides, "per_sample": scaled}


def _axes_of(a: Value, b: Value | None, rows: bool, lead: int) -> list[list[int]]:
    """From the last axis to the first, then the samples: [length, stride of b]."""
    shape = b.shape if b is not None else ()
    if b is not None and b.per_sample and len(b.shape) != len(a.shape):
        raise ValueError(
            f"values of shapes {a.shape} and {b.shape} for each sample cannot be "
            "added: give them the same number of axes"
        )
    if len(shape) > len(a.shape) or any(
        n not in (1, m)
        for m, n in zip(reversed(a.shape), reversed(shape), strict=False)
    ):
        raise ValueError(f"shape {shape} does not broadcast to shape {a.shape}")
    padded = (1,) * (len(a.shape) - len(shape)) + shape
    pairs = list(zip(a.shape, padded, strict=True))
    axes: list[list[int]] = []
    stride = 1
    row: list[list[int]] = []
    if rows and pairs:
        length, own = pairs.pop()
        row, stride = [[length, int(own > 1)]], lead or own
    for length, own in reversed(pairs):
        if length > 1:
            join_axis(axes, length, stride if own > 1 else 0)
        stride *= own
    join_axis(axes, 1, stride if b is not None and b.per_sample else 0)
    return row + axes


def join_axis(axes: list[list[int]], length: int, *strides: int) -> None:
    """Append an axis in front, or join it with the one behind if all run on alike.

    Parameters
    ----------
    axes : list of list of int
        From the last to the first, of each its length and the strides of some values
        along it.
    length : int
    *strides : int
        Of the same values.
    """
    if axes:
        behind_length, *behind = axes[-1]
        if list(strides) == [stride * behind_length for stride in behind]:
            axes[-1] = [behind_length * length, *behind]
            return
    axes.append([length, *strides])


def broadcast_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that NumPy broadcasts both shapes to.

    Raises
    ------
    ValueError
        If there is none.
    """
    pairs = list(zip_longest(reversed(a), reversed(b), fillvalue=1))
    if any(m != n and 1 not in (m, n) for m, n in pairs):
        raise ValueError(
            f"shapes {a} and {b} do not go together: axes, counted from the last, must "
            "be equally long or 1"
        )
    return tuple(max(pair) for pair in reversed(pairs))
