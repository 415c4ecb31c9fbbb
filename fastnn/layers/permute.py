"""The layer that gives the axes of samples another order."""

from collections.abc import Sequence
from typing import ClassVar

from fastnn.layers.base import Layer
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor
from fastnn.utils.plain_numbers import is_integer


class Permute(Layer):
    """Gives the axes of each sample another order, as NumPy's ``transpose`` does.

    :class:`Reshape` keeps the numbers in their order and changes what is a row; this
    layer moves them.

    Parameters
    ----------
    dims : sequence of int
        For each axis of the output which one of the input it is: all of them, counted
        from 1, because axis 0 is that of the samples and stays.

    Examples
    --------
    >>> from fastnn.layers import Permute
    >>> Permute((2, 1)).output_shape((100, 6))
    (6, 100)

    Images with the channels in front, as PyTorch has them:

    >>> Permute((2, 3, 1)).output_shape((3, 32, 32))
    (32, 32, 3)
    """

    _parameter_constraints: ClassVar[dict] = {"dims": "no_validation"}

    def __init__(self, dims: Sequence[int]):
        self.dims = dims

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The lengths in the new order; see :meth:`Layer.output_shape`.

        Raises
        ------
        ValueError
            If the dims are no order of so many axes.
        """
        return tuple(input_shape[axis] for axis in self._axes(input_shape))

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the op, if anything moves; see :meth:`Layer.lower`."""
        axes = self._axes(x.shape)
        return x if axes == sorted(axes) else ops.permute(tape, x, axes)

    def _axes(self, input_shape: tuple[int, ...]) -> list[int]:
        """Which axis of a sample each one of the output is, from 0 on."""
        given = self.dims
        dims = list(given) if isinstance(given, list | tuple) else []
        if not all(is_integer(n) for n in dims):
            dims = []
        if not dims or sorted(dims) != list(range(1, len(dims) + 1)):
            raise ValueError(
                "The 'dims' parameter of Permute must be a list or tuple of the "
                "numbers from 1 to that of the axes of a sample, each once, such as "
                f"(2, 1). Got {given!r}."
            )
        if len(dims) != len(input_shape):
            raise ValueError(
                f"Permute cannot give samples of shape {input_shape} the order "
                f"{tuple(dims)}: that must name each of their axes, 1 to "
                f"{len(input_shape)}. Change the dims, or the layers before it."
            )
        return [int(n) - 1 for n in dims]
