"""The layers that move a kernel over signals and images."""

from collections.abc import Sequence
from numbers import Integral
from typing import ClassVar

from numpy.typing import ArrayLike
from sklearn.utils._param_validation import StrOptions

from fastnn.constraints import MaxNorm
from fastnn.initializers import Initializer
from fastnn.layers.base import Layer
from fastnn.layers.kernel import KERNEL_CONSTRAINTS, MOST_UNITS, biased, kernel_of
from fastnn.layers.windows import check_rank, per_axis, steps_of, windows_of
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor
from fastnn.plan.windows import Windows, spread_windows
from fastnn.regularizers import Regularizer
from fastnn.utils.plain_numbers import Interval

_COUNT = [Interval(Integral, 1, MOST_UNITS, closed="both")]


class _Convolution(Layer):
    """What convolutions over one axis and over two share."""

    _n_axes: ClassVar[int]

    _parameter_constraints: ClassVar[dict] = {
        "filters": _COUNT,
        "kernel_size": "no_validation",
        "strides": "no_validation",
        "padding": [StrOptions({"valid", "same"})],
        "dilation_rate": "no_validation",
        "groups": _COUNT,
        "kernel_constraint": [MaxNorm, None],
        **KERNEL_CONSTRAINTS,
    }

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        activation: str = "identity",
        *,
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        use_bias: bool = True,
        kernel_initializer: Initializer | str | ArrayLike | None = None,
        bias_initializer: Initializer | str | ArrayLike | None = None,
        kernel_regularizer: Regularizer | str | None = None,
        bias_regularizer: Regularizer | str | None = None,
        kernel_constraint: MaxNorm | None = None,
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.filters = filters
        self.kernel_size = kernel_size
        self.activation = activation
        self.strides = strides
        self.padding = padding
        self.dilation_rate = dilation_rate
        self.groups = groups
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.trainable = trainable
        self.learning_rate = learning_rate

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """A place for each window, with all filters; see :meth:`Layer.output_shape`.

        Raises
        ------
        ValueError
            If samples have other axes, no window fits into them, or channels or filters
            are no multiple of the groups.
        """
        return (*(axis.count for axis in self._along(input_shape)), int(self.filters))

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write a convolution and a broadcast add; see :meth:`Layer.lower`."""
        self._validate_params()
        along, groups = self._along(x.shape), int(self.groups)
        size = (axis.size for axis in along)
        shape = (*size, x.shape[-1] // groups, int(self.filters))
        kernel = kernel_of(self, tape, name, shape, self.kernel_constraint)
        y = ops.conv(tape, x, kernel, along, groups)
        return biased(self, tape, y, name, shape)

    def _along(self, input_shape: tuple[int, ...]) -> tuple[Windows, ...]:
        layer = type(self).__name__
        size, strides, dilation = steps_of(self, self._n_axes)
        along = windows_of(layer, input_shape, size, strides, self.padding, dilation)
        for name, n in (("channels", input_shape[-1]), ("filters", self.filters)):
            if n % self.groups:
                raise ValueError(
                    f"{layer} has groups={self.groups}, of which {n} {name} are no "
                    f"multiple, for samples of shape {tuple(input_shape)}. Change "
                    f"'groups', or how many {name} there are."
                )
        return along


class Conv1D(_Convolution):
    """Convolution over steps: ``activation(windows @ kernel + bias)``.

    A filter has the same weights wherever its window lies. Samples have the shape
    (steps, channels).

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size : int
        Steps that a window reads.
    activation : str, default="identity"
        Name of an activation, or "softmax".
    strides : int, default=1
        Steps from one window to the next.
    padding : {"valid", "same", "causal"}, default="valid"
        "valid" has the windows that lie within the sequence. "same" surrounds it by
        zeros, so that there is a window for each step, or each stride. "causal" has all
        of these in front, so that no output depends on later steps.
    dilation_rate : int, default=1
        Distance of the steps that a window reads. Above 1 it needs strides of 1.
    groups : int, default=1
        Channels are cut into so many groups, each of which leads to as many of the
        filters. Both must be multiples of it.
    use_bias : bool, default=True
        Whether there is a bias.
    kernel_initializer : Initializer, str or array-like, default=None
        Initial values of the kernel, of shape (kernel_size, channels // groups,
        filters): an object of :mod:`fastnn.initializers`, a name such as "he_normal",
        or the values. None means "glorot_uniform".
    bias_initializer : Initializer, str or array-like, default=None
        Initial values of the bias, of shape (filters,). None means "zeros".
    kernel_regularizer, bias_regularizer : Regularizer or str, default=None
        Terms of the loss: an object of :mod:`fastnn.regularizers`, or "l1", "l2" or
        "l1_l2" for factors of 0.01.
    kernel_constraint : MaxNorm, default=None
        What the weights of each filter must fulfil after every step.
    trainable : bool, default=True
        Whether the layer is trained. One that is not keeps its weights to the last bit.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0.

    Examples
    --------
    >>> from fastnn.layers import Conv1D
    >>> Conv1D(64, 7, "relu").output_shape((256, 6))
    (250, 64)
    >>> Conv1D(64, 7, "relu", strides=2, padding="same").output_shape((256, 6))
    (128, 64)
    """

    _n_axes = 1
    _parameter_constraints: ClassVar[dict] = {
        **_Convolution._parameter_constraints,
        "padding": [StrOptions({"valid", "same", "causal"})],
    }


class Conv2D(_Convolution):
    """Convolution over images: ``activation(windows @ kernel + bias)``.

    A filter has the same weights wherever its window lies. Samples have the shape
    (height, width, channels).

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size : int or tuple of int
        Height and width of a window; one number for both.
    activation : str, default="identity"
        Name of an activation, or "softmax".
    strides : int or tuple of int, default=1
        Places from one window to the next, down and along.
    padding : {"valid", "same"}, default="valid"
        "valid" has the windows that lie within the image. "same" surrounds it by zeros,
        so that there is a window for each place, or each stride.
    dilation_rate : int or tuple of int, default=1
        Distance of the places that a window reads. Above 1 it needs strides of 1.
    groups : int, default=1
        Channels are cut into so many groups, each of which leads to as many of the
        filters. Both must be multiples of it.
    use_bias : bool, default=True
        Whether there is a bias.
    kernel_initializer : Initializer, str or array-like, default=None
        Initial values of the kernel, of shape (height, width, channels // groups,
        filters): an object of :mod:`fastnn.initializers`, a name such as "he_normal",
        or the values. None means "glorot_uniform".
    bias_initializer : Initializer, str or array-like, default=None
        Initial values of the bias, of shape (filters,). None means "zeros".
    kernel_regularizer, bias_regularizer : Regularizer or str, default=None
        Terms of the loss: an object of :mod:`fastnn.regularizers`, or "l1", "l2" or
        "l1_l2" for factors of 0.01.
    kernel_constraint : MaxNorm, default=None
        What the weights of each filter must fulfil after every step.
    trainable : bool, default=True
        Whether the layer is trained. One that is not keeps its weights to the last bit.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0.

    References
    ----------
    LeCun, Y., Bottou, L., Bengio, Y., and Haffner, P. "Gradient-based learning applied
    to document recognition". Proceedings of the IEEE 86(11), 1998.

    Examples
    --------
    >>> from fastnn.layers import Conv2D
    >>> Conv2D(32, 3, "relu").output_shape((28, 28, 1))
    (26, 26, 32)
    >>> Conv2D(32, (3, 5), strides=2, padding="same").output_shape((28, 28, 1))
    (14, 14, 32)
    """

    _n_axes = 2


class Conv2DTranspose(Layer):
    """Transposed convolution: spreads each place over a window of a larger image.

    It is the gradient of a :class:`Conv2D` with respect to its input, from its output,
    and then ``activation(image + bias)``. Samples have the shape (height, width,
    channels).

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size : int or tuple of int
        Height and width of a window; one number for both.
    activation : str, default="identity"
        Name of an activation, or "softmax".
    strides : int or tuple of int, default=1
        Places of the output from one window to the next.
    padding : {"valid", "same"}, default="valid"
        "valid" gives ``(n - 1) * strides + max(kernel_size, strides)`` places for n,
        "same" ``n * strides``.
    output_padding : int or tuple of int, default=None
        Below the strides. With it there are ``(n - 1) * strides + kernel_size +
        output_padding`` places if padding is "valid", and ``(n - 1) * strides +
        kernel_size % 2 + output_padding`` if it is "same"; kernel_size stands for the
        reach of a window that is dilated.
    dilation_rate : int or tuple of int, default=1
        Distance of the places of a window. Above 1 it needs strides of 1.
    use_bias : bool, default=True
        Whether there is a bias.
    kernel_initializer : Initializer, str or array-like, default=None
        Initial values of the kernel, of shape (height, width, filters, channels): an
        object of :mod:`fastnn.initializers`, a name such as "he_normal", or the values.
        None means "glorot_uniform".
    bias_initializer : Initializer, str or array-like, default=None
        Initial values of the bias, of shape (filters,). None means "zeros".
    kernel_regularizer, bias_regularizer : Regularizer or str, default=None
        Terms of the loss: an object of :mod:`fastnn.regularizers`, or "l1", "l2" or
        "l1_l2" for factors of 0.01.
    trainable : bool, default=True
        Whether the layer is trained. One that is not keeps its weights to the last bit.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0.

    References
    ----------
    Dumoulin, V., and Visin, F. "A guide to convolution arithmetic for deep learning".
    arXiv:1603.07285, 2016.

    Examples
    --------
    >>> from fastnn.layers import Conv2DTranspose
    >>> Conv2DTranspose(8, 3, strides=2, padding="same").output_shape((7, 7, 16))
    (14, 14, 8)
    """

    _parameter_constraints: ClassVar[dict] = {
        "filters": _COUNT,
        "kernel_size": "no_validation",
        "strides": "no_validation",
        "padding": [StrOptions({"valid", "same"})],
        "output_padding": "no_validation",
        "dilation_rate": "no_validation",
        **KERNEL_CONSTRAINTS,
    }

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        activation: str = "identity",
        *,
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        output_padding: int | Sequence[int] | None = None,
        dilation_rate: int | Sequence[int] = 1,
        use_bias: bool = True,
        kernel_initializer: Initializer | str | ArrayLike | None = None,
        bias_initializer: Initializer | str | ArrayLike | None = None,
        kernel_regularizer: Regularizer | str | None = None,
        bias_regularizer: Regularizer | str | None = None,
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.filters = filters
        self.kernel_size = kernel_size
        self.activation = activation
        self.strides = strides
        self.padding = padding
        self.output_padding = output_padding
        self.dilation_rate = dilation_rate
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.trainable = trainable
        self.learning_rate = learning_rate

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The larger image, with all filters; see :meth:`Layer.output_shape`.

        Raises
        ------
        ValueError
            If samples have other axes, or there would be no image.
        """
        return (*(axis.length for axis in self._along(input_shape)), int(self.filters))

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the adjoint of a convolution, and a broadcast add."""
        self._validate_params()
        along = self._along(x.shape)
        size = (axis.size for axis in along)
        shape = (*size, int(self.filters), x.shape[-1])
        y = ops.conv_transposed(tape, x, kernel_of(self, tape, name, shape), along)
        return biased(self, tape, y, name, shape)

    def _along(self, input_shape: tuple[int, ...]) -> tuple[Windows, ...]:
        """Windows of the convolution that leads from the output to the input."""
        layer = type(self).__name__
        check_rank(layer, input_shape, 2)
        size, strides, dilation = steps_of(self, 2)
        beyond: Sequence[int | None] = (None, None)
        if self.output_padding is not None:
            beyond = per_axis(layer, "output_padding", self.output_padding, 2, least=0)
            if any(b >= s for b, s in zip(beyond, strides, strict=True)):
                raise ValueError(
                    f"The 'output_padding' parameter of {layer} must be below the "
                    f"strides, {strides}. Got {self.output_padding!r}."
                )
        along = tuple(
            spread_windows(*axis, self.padding)
            for axis in zip(
                input_shape[:-1], size, strides, dilation, beyond, strict=True
            )
        )
        if not all(axis.length > 0 for axis in along):
            raise ValueError(
                f"{layer} has no output for samples of shape {tuple(input_shape)}. "
                "Take a larger 'output_padding', or padding='valid'."
            )
        return along
