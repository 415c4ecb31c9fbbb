"""What layers that take images have in common."""

from math import inf
from numbers import Real
from typing import Any

from fastnn.layers.base import Layer
from fastnn.layers.windows import check_rank
from fastnn.utils.plain_numbers import Interval

ANY_NUMBER = Interval(Real, -inf, inf, closed="neither")


class ImageLayer(Layer):
    """A layer whose samples are of shape (height, width, channels)."""

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """That of the input; see :meth:`Layer.output_shape`.

        Raises
        ------
        ValueError
            If that is no image's.
        """
        return self.image_shape(input_shape)

    def image_shape(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """Height, width and channels of a sample, if it has them."""
        check_rank(type(self).__name__, shape, 2)
        height, width, channels = shape
        return height, width, channels


def is_number(value: Any) -> bool:
    """Whether a value is a finite number that a float holds."""
    return ANY_NUMBER.is_satisfied_by(value)
