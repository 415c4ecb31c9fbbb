"""The layers that give samples another shape."""

from collections.abc import Sequence
from math import prod
from typing import ClassVar

from fastnn.layers.base import Layer
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor
from fastnn.utils.plain_numbers import is_integer


class Reshape(Layer):
    """Gives each sample another shape, with the same numbers in C order.

    Nothing is copied.

    Parameters
    ----------
    target_shape : sequence of int
        Of a sample, without the axis of the samples. One length may be -1: it is what
        the others leave of the numbers of a sample.

    Examples
    --------
    >>> from fastnn.layers import Reshape
    >>> Reshape((28, 28)).output_shape((784,))
    (28, 28)
    >>> Reshape((-1, 2)).output_shape((3, 4))
    (6, 2)
    """

    _parameter_constraints: ClassVar[dict] = {"target_shape": "no_validation"}

    def __init__(self, target_shape: Sequence[int]):
        self.target_shape = target_shape

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The target shape; see :meth:`Layer.output_shape`.

        Raises
        ------
        ValueError
            If the target is no shape, or one of another number of numbers than a
            sample has.
        """
        lengths, size = self._lengths(), prod(input_shape)
        known = prod(n for n in lengths if n != -1)
        if -1 in lengths and size % known == 0:
            lengths = [size // known if n == -1 else n for n in lengths]
        if prod(lengths) != size:
            raise ValueError(
                f"Reshape cannot give samples of shape {input_shape}, {size} numbers, "
                f"the target_shape {tuple(lengths)}. Change that, or the layers before "
                "it."
            )
        return tuple(lengths)

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write nothing, and see x in its new shape; see :meth:`Layer.lower`."""
        return ops.reshape(tape, x, self.output_shape(x.shape))

    def _lengths(self) -> list[int]:
        """The target as it was given, if it can be a shape."""
        given = self.target_shape
        lengths = list(given) if isinstance(given, list | tuple) else []
        valid = all(is_integer(n) and (n > 0 or n == -1) for n in lengths)
        if not lengths or not valid or lengths.count(-1) > 1:
            raise ValueError(
                "The 'target_shape' parameter of Reshape must be a list or tuple of "
                "lengths above 0, one of which may be -1 for what the others leave. "
                f"Got {given!r}."
            )
        return [int(n) for n in lengths]


class Flatten(Layer):
    """Gives each sample a single axis, with its numbers in C order.

    Nothing is copied.

    Examples
    --------
    >>> from fastnn.layers import Flatten
    >>> Flatten().output_shape((28, 28))
    (784,)
    """

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """As many numbers as a sample has; see :meth:`Layer.output_shape`."""
        return (prod(input_shape),)

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write nothing, and see x in its new shape; see :meth:`Layer.lower`."""
        return ops.reshape(tape, x, self.output_shape(x.shape))
