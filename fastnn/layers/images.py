"""What layers that take images have in common."""

from fastnn.layers.base import Layer
from fastnn.layers.windows import check_rank


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
