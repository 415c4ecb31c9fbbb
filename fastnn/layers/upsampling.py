"""The layer that makes images larger."""

from collections.abc import Sequence
from typing import ClassVar

from sklearn.utils._param_validation import StrOptions

from fastnn.layers.base import Layer
from fastnn.layers.windows import check_rank, check_size, per_axis
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor


class UpSampling2D(Layer):
    """Repeats the rows and the columns of images.

    Parameters
    ----------
    size : int or sequence of int, default=2
        How many times for rows and for columns; an integer is both.
    interpolation : {"nearest"}, default="nearest"
        What stands between the places of the input: the nearest of them. There is no
        other one yet.

    See Also
    --------
    AveragePooling2D : Makes images smaller.

    Examples
    --------
    >>> from fastnn.layers import UpSampling2D
    >>> UpSampling2D().output_shape((7, 7, 64))
    (14, 14, 64)
    >>> UpSampling2D((1, 3)).output_shape((7, 7, 64))
    (7, 21, 64)
    """

    _parameter_constraints: ClassVar[dict] = {
        "size": "no_validation",
        "interpolation": [StrOptions({"nearest"})],
    }

    def __init__(self, size: int | Sequence[int] = 2, interpolation: str = "nearest"):
        self.size = size
        self.interpolation = interpolation

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Lengths times the size; see :meth:`Layer.output_shape`.

        Raises
        ------
        ValueError
            If samples have other axes than height, width and channels.
        """
        self._validate_params()
        check_rank("UpSampling2D", input_shape, 2)
        shape = tuple(
            n * k for n, k in zip(input_shape, (*self._times(), 1), strict=True)
        )
        check_size("UpSampling2D", shape)
        return shape

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the op, if anything is repeated; see :meth:`Layer.lower`."""
        if self.output_shape(x.shape) == x.shape:
            return x
        return ops.repeat(tape, x, self._times())

    def _times(self) -> tuple[int, ...]:
        return per_axis("UpSampling2D", "size", self.size, 2)
