"""The layers that make one number of many places, channel by channel."""

from collections.abc import Sequence
from typing import ClassVar

from sklearn.utils._param_validation import StrOptions

from fastnn.layers.base import Layer
from fastnn.layers.windows import check_rank, per_axis, windows_of
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor, shape_of_sample
from fastnn.plan.windows import Windows


class _Pooling(Layer):
    """Makes one number of each window."""

    _kind: ClassVar[str]
    _n_axes: ClassVar[int]
    _parameter_constraints: ClassVar[dict] = {
        "pool_size": "no_validation",
        "strides": "no_validation",
        "padding": [StrOptions({"valid", "same"})],
    }

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
    ):
        self.pool_size = pool_size
        self.strides = strides
        self.padding = padding

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """A place for each window; see :meth:`Layer.output_shape`.

        Raises
        ------
        ValueError
            If samples have other axes than places and channels, or no window fits.
        """
        along = self._windows(input_shape)
        return (*(axis.count for axis in along), input_shape[-1])

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the op; see :meth:`Layer.lower`."""
        return ops.pool(tape, self._kind, x, self._windows(x.shape))

    def _windows(self, input_shape: tuple[int, ...]) -> tuple[Windows, ...]:
        self._validate_params()
        name = type(self).__name__
        size = per_axis(name, "pool_size", self.pool_size, self._n_axes)
        strides = size
        if self.strides is not None:
            strides = per_axis(name, "strides", self.strides, self._n_axes)
        return windows_of(name, input_shape, size, strides, self.padding)


class MaxPooling1D(_Pooling):
    """The largest of each window over the steps of a sequence, channel by channel.

    Of several that are equally large the first gets the whole gradient, whatever the
    number of threads. A NaN in a window comes out of it.

    Parameters
    ----------
    pool_size : int, default=2
        Steps of a window.
    strides : int, default=None
        Steps from one window to the next. None is as many as a window has: they lie
        side by side. Windows overlap where it is smaller, and leave steps out where it
        is larger.
    padding : {"valid", "same"}, default="valid"
        "valid" has the windows that lie within the sequence, and leaves out the steps
        behind the last one. "same" has one for each stride that begins within it; they
        reach over both ends by as many steps, over the second by one more where that is
        odd, and what lies there is smaller than any number.

    See Also
    --------
    AveragePooling1D : The mean of each window.
    GlobalMaxPooling1D : A single window over all steps.

    Examples
    --------
    >>> from fastnn.layers import MaxPooling1D
    >>> MaxPooling1D(2).output_shape((9, 16))
    (4, 16)
    >>> MaxPooling1D(3, strides=2, padding="same").output_shape((9, 16))
    (5, 16)
    """

    _kind = "max"
    _n_axes = 1


class MaxPooling2D(_Pooling):
    """The largest of each window over an image, channel by channel.

    Of several that are equally large the first, row by row, gets the whole gradient,
    whatever the number of threads. A NaN in a window comes out of it.

    Parameters
    ----------
    pool_size : int or sequence of int, default=2
        Height and width of a window; an integer is both.
    strides : int or sequence of int, default=None
        Rows and columns from one window to the next; an integer is both. None is height
        and width of a window: they lie side by side. Windows overlap where it is
        smaller, and leave places out where it is larger.
    padding : {"valid", "same"}, default="valid"
        "valid" has the windows that lie within the image, and leaves out the rows and
        columns behind the last ones. "same" has one for each stride that begins within
        it; they reach over both ends of an axis by as many places, over the second by
        one more where that is odd, and what lies there is smaller than any number.

    See Also
    --------
    AveragePooling2D : The mean of each window.
    GlobalMaxPooling2D : A single window over all of the image.

    Examples
    --------
    >>> from fastnn.layers import MaxPooling2D
    >>> MaxPooling2D(2).output_shape((28, 28, 32))
    (14, 14, 32)
    >>> MaxPooling2D((3, 2), strides=2, padding="same").output_shape((15, 15, 8))
    (8, 8, 8)
    """

    _kind = "max"
    _n_axes = 2


class AveragePooling1D(_Pooling):
    """The mean of each window over the steps of a sequence, channel by channel.

    Parameters
    ----------
    pool_size : int, default=2
        Steps of a window.
    strides : int, default=None
        Steps from one window to the next. None is as many as a window has.
    padding : {"valid", "same"}, default="valid"
        As of :class:`MaxPooling1D`. Steps that a window has outside of the sequence do
        not count: the mean is that of the others.

    See Also
    --------
    MaxPooling1D : The largest of each window.
    GlobalAveragePooling1D : A single window over all steps.

    Examples
    --------
    >>> from fastnn.layers import AveragePooling1D
    >>> AveragePooling1D(4).output_shape((100, 6))
    (25, 6)
    """

    _kind = "mean"
    _n_axes = 1


class AveragePooling2D(_Pooling):
    """The mean of each window over an image, channel by channel.

    Parameters
    ----------
    pool_size : int or sequence of int, default=2
        Height and width of a window; an integer is both.
    strides : int or sequence of int, default=None
        Rows and columns from one window to the next; an integer is both. None is height
        and width of a window.
    padding : {"valid", "same"}, default="valid"
        As of :class:`MaxPooling2D`. Places that a window has outside of the image do
        not count: the mean is that of the others.

    See Also
    --------
    MaxPooling2D : The largest of each window.
    GlobalAveragePooling2D : A single window over all of the image.

    Examples
    --------
    >>> from fastnn.layers import AveragePooling2D
    >>> AveragePooling2D(2, strides=1).output_shape((7, 7, 64))
    (6, 6, 64)
    """

    _kind = "mean"
    _n_axes = 2


class _GlobalPooling(Layer):
    """Makes one number of all places."""

    _kind: ClassVar[str]
    _n_axes: ClassVar[int]
    _parameter_constraints: ClassVar[dict] = {"keepdims": ["boolean"]}

    def __init__(self, keepdims: bool = False):
        self.keepdims = keepdims

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Channels, behind axes of length 1 if they are kept.

        Raises
        ------
        ValueError
            If samples have other axes than places and channels.
        """
        self._validate_params()
        check_rank(type(self).__name__, input_shape, self._n_axes)
        kept = (1,) * self._n_axes if self.keepdims else ()
        return (*kept, input_shape[-1])

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the op; see :meth:`Layer.lower`."""
        shape = self.output_shape(shape_of_sample(x))
        mask = tape.mask_of(x) if self._kind == "mean" else None
        if x.axis:
            y = ops.reduce_steps(tape, self._kind, x, mask)
        else:
            if mask is not None:
                mask = ops.reshape(tape, mask, (*mask.shape, 1))
            y = ops.reduce(tape, self._kind, x, range(self._n_axes), mask)
        return ops.reshape(tape, y, shape)


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean over all steps of a sequence, for each channel.

    Of steps that a mask passes over nothing is read. Where it passes over all of them
    the mean is 0.

    Parameters
    ----------
    keepdims : bool, default=False
        Whether the axis of the steps stays, with length 1.

    Examples
    --------
    >>> from fastnn.layers import GlobalAveragePooling1D
    >>> GlobalAveragePooling1D().output_shape((100, 16))
    (16,)
    """

    _takes_sequences = True
    _masks = "uses"
    _kind = "mean"
    _n_axes = 1


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean over all of an image, for each channel.

    In front of the last dense layer it takes the place of :class:`Flatten`, with far
    fewer weights, and lets images of another size have the same network.

    Parameters
    ----------
    keepdims : bool, default=False
        Whether the axes of height and width stay, with length 1.

    References
    ----------
    Lin, M., Chen, Q., and Yan, S. "Network in network". ICLR 2014.

    Examples
    --------
    >>> from fastnn.layers import GlobalAveragePooling2D
    >>> GlobalAveragePooling2D().output_shape((7, 7, 64))
    (64,)
    >>> GlobalAveragePooling2D(keepdims=True).output_shape((7, 7, 64))
    (1, 1, 64)
    """

    _kind = "mean"
    _n_axes = 2


class GlobalMaxPooling1D(_GlobalPooling):
    """The largest number of all steps of a sequence, for each channel.

    Several that are equally large share the gradient. A mask has no part in it: masked
    steps are read as all others are.

    Parameters
    ----------
    keepdims : bool, default=False
        Whether the axis of the steps stays, with length 1.

    Examples
    --------
    >>> from fastnn.layers import GlobalMaxPooling1D
    >>> GlobalMaxPooling1D().output_shape((100, 16))
    (16,)
    """

    _takes_sequences = True
    _masks = "uses"
    _kind = "max"
    _n_axes = 1


class GlobalMaxPooling2D(_GlobalPooling):
    """The largest number of all of an image, for each channel.

    Several that are equally large share the gradient.

    Parameters
    ----------
    keepdims : bool, default=False
        Whether the axes of height and width stay, with length 1.

    Examples
    --------
    >>> from fastnn.layers import GlobalMaxPooling2D
    >>> GlobalMaxPooling2D().output_shape((7, 7, 64))
    (64,)
    """

    _kind = "max"
    _n_axes = 2
