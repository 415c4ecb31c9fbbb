"""The layer that moves a kernel over each channel of images by itself."""

from collections.abc import Sequence
from numbers import Integral
from typing import ClassVar

from numpy.typing import ArrayLike
from sklearn.utils._param_validation import StrOptions

from fastnn.initializers import Initializer
from fastnn.layers.base import Layer
from fastnn.layers.kernel import KERNEL_CONSTRAINTS, MOST_UNITS, biased, kernel_of
from fastnn.layers.windows import steps_of, windows_of
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor
from fastnn.plan.windows import Windows
from fastnn.regularizers import Regularizer
from fastnn.utils.plain_numbers import Interval


class DepthwiseConv2D(Layer):
    """Convolution over images of each channel by itself.

    Channel c leads to the output channels from ``c * depth_multiplier`` on, as many as
    that. Samples have the shape (height, width, channels). A :class:`Conv2D` of
    kernel_size 1 behind it mixes the channels.

    Parameters
    ----------
    kernel_size : int or tuple of int
        Height and width of a window; one number for both.
    activation : str, default="identity"
        Name of an activation, or "softmax".
    strides : int or tuple of int, default=1
        Places from one window to the next, down and along.
    padding : {"valid", "same"}, default="valid"
        "valid" has the windows that lie within the image. "same" surrounds it by zeros,
        so that there is a window for each place, or each stride.
    depth_multiplier : int, default=1
        Output channels of each channel.
    dilation_rate : int or tuple of int, default=1
        Distance of the places that a window reads. Above 1 it needs strides of 1.
    use_bias : bool, default=True
        Whether there is a bias.
    kernel_initializer : Initializer, str or array-like, default=None
        Initial values of the kernel, of shape (height, width, channels,
        depth_multiplier): an object of :mod:`fastnn.initializers`, a name such as
        "he_normal", or the values. None means "glorot_uniform".
    bias_initializer : Initializer, str or array-like, default=None
        Initial values of the bias, of shape (channels * depth_multiplier,). None means
        "zeros".
    kernel_regularizer, bias_regularizer : Regularizer or str, default=None
        Terms of the loss: an object of :mod:`fastnn.regularizers`, or "l1", "l2" or
        "l1_l2" for factors of 0.01.
    trainable : bool, default=True
        Whether the layer is trained. One that is not keeps its weights to the last bit.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0.

    References
    ----------
    Chollet, F. "Xception: deep learning with depthwise separable convolutions". CVPR
    2017.

    Examples
    --------
    >>> from fastnn.layers import DepthwiseConv2D
    >>> DepthwiseConv2D(3, padding="same", depth_multiplier=2).output_shape((8, 8, 16))
    (8, 8, 32)
    """

    _parameter_constraints: ClassVar[dict] = {
        "kernel_size": "no_validation",
        "strides": "no_validation",
        "padding": [StrOptions({"valid", "same"})],
        "depth_multiplier": [Interval(Integral, 1, MOST_UNITS, closed="both")],
        "dilation_rate": "no_validation",
        **KERNEL_CONSTRAINTS,
    }

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        activation: str = "identity",
        *,
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        dilation_rate: int | Sequence[int] = 1,
        use_bias: bool = True,
        kernel_initializer: Initializer | str | ArrayLike | None = None,
        bias_initializer: Initializer | str | ArrayLike | None = None,
        kernel_regularizer: Regularizer | str | None = None,
        bias_regularizer: Regularizer | str | None = None,
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.kernel_size = kernel_size
        self.activation = activation
        self.strides = strides
        self.padding = padding
        self.depth_multiplier = depth_multiplier
        self.dilation_rate = dilation_rate
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.trainable = trainable
        self.learning_rate = learning_rate

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """A place for each window, with the maps of all channels.

        Raises
        ------
        ValueError
            If samples have other axes, or no window fits into them.
        """
        counts = (axis.count for axis in self._along(input_shape))
        return (*counts, input_shape[-1] * int(self.depth_multiplier))

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write a convolution with a group for each channel, and a broadcast add."""
        self._validate_params()
        along = self._along(x.shape)
        size = tuple(axis.size for axis in along)
        channels, maps = x.shape[-1], int(self.depth_multiplier)
        shape = (*size, channels, maps)
        kernel = kernel_of(self, tape, name, shape).reshaped(
            (*size, 1, channels * maps)
        )
        y = ops.conv(tape, x, kernel, along, groups=channels)
        return biased(self, tape, y, name, shape)

    def _along(self, input_shape: tuple[int, ...]) -> tuple[Windows, ...]:
        size, strides, dilation = steps_of(self, 2)
        layer = type(self).__name__
        return windows_of(layer, input_shape, size, strides, self.padding, dilation)
