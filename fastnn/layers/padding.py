"""The layers that put zeros around samples."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from fastnn.layers.base import Layer
from fastnn.layers.windows import check_rank, check_size
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor
from fastnn.utils.plain_numbers import is_integer

Amounts = list[tuple[int, int]]


class _ZeroPadding(Layer):
    """Puts zeros before and behind the places of an axis."""

    _n_axes: ClassVar[int]
    _accepted: ClassVar[str]
    _parameter_constraints: ClassVar[dict] = {"padding": "no_validation"}

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape with what is added; see :meth:`Layer.output_shape`.

        Raises
        ------
        ValueError
            If samples have other axes than places and channels.
        """
        name = type(self).__name__
        amounts = self._amounts()
        check_rank(name, input_shape, self._n_axes)
        lengths = zip(input_shape, (*amounts, (0, 0)), strict=True)
        shape = tuple(first + n + last for n, (first, last) in lengths)
        check_size(name, shape)
        return shape

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the op, if there is anything to add; see :meth:`Layer.lower`."""
        if self.output_shape(x.shape) == x.shape:
            return x
        return ops.pad(tape, x, [*self._amounts(), (0, 0)])

    def _amounts(self) -> Amounts:
        """Before and behind each axis of places."""
        found = self._read(self.padding)
        if found is None:
            raise ValueError(
                f"The 'padding' parameter of {type(self).__name__} must be "
                f"{self._accepted}, all of them integers from 0 on. Got "
                f"{self.padding!r}."
            )
        return found

    @abstractmethod
    def _read(self, padding: Any) -> Amounts | None:
        """What was passed, for each axis; None if it cannot be read."""


class ZeroPadding1D(_ZeroPadding):
    """Puts zeros before and behind the steps of a sequence.

    Parameters
    ----------
    padding : int or sequence of two int, default=1
        Steps at both ends, or those before and those behind.

    Examples
    --------
    >>> from fastnn.layers import ZeroPadding1D
    >>> ZeroPadding1D((3, 0)).output_shape((100, 6))
    (103, 6)
    """

    _n_axes = 1
    _accepted = "an integer or (before, behind)"

    def __init__(self, padding: int | Sequence[int] = 1):
        self.padding = padding

    def _read(self, padding: Any) -> Amounts | None:
        ends = _pair(padding)
        return None if ends is None else [ends]


class ZeroPadding2D(_ZeroPadding):
    """Puts zeros around images.

    Parameters
    ----------
    padding : int or sequence, default=1
        Rows and columns at all edges, or ``(height, width)``: rows above and below,
        columns on the left and on the right; or ``((top, bottom), (left, right))``.

    Examples
    --------
    >>> from fastnn.layers import ZeroPadding2D
    >>> ZeroPadding2D(2).output_shape((28, 28, 1))
    (32, 32, 1)
    >>> ZeroPadding2D(((0, 1), (0, 1))).output_shape((7, 7, 64))
    (8, 8, 64)
    """

    _n_axes = 2
    _accepted = "an integer, (height, width) or ((top, bottom), (left, right))"

    def __init__(self, padding: int | Sequence[int] | Sequence[Sequence[int]] = 1):
        self.padding = padding

    def _read(self, padding: Any) -> Amounts | None:
        several = padding if isinstance(padding, list | tuple) else (padding, padding)
        if len({isinstance(each, list | tuple) for each in several}) != 1:
            return None
        amounts = [ends for each in several if (ends := _pair(each)) is not None]
        return amounts if len(several) == len(amounts) == 2 else None


def _pair(value: Any) -> tuple[int, int] | None:
    """Two integers from 0 on, of which one is both; None for anything else."""
    several = value if isinstance(value, list | tuple) else (value, value)
    if len(several) != 2 or not all(is_integer(n, 0) for n in several):
        return None
    return int(several[0]), int(several[1])
