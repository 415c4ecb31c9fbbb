"""Layers that show images in another place, turn or size while training."""

from collections.abc import Sequence
from numbers import Integral
from typing import ClassVar

from sklearn.utils._param_validation import StrOptions

from fastnn.layers.base import Layer
from fastnn.layers.images import ANY_NUMBER, ImageLayer, is_number
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor
from fastnn.utils.plain_numbers import Interval

MODES = "horizontal", "vertical", "horizontal_and_vertical"

_FILLED: dict = {
    "fill_mode": [StrOptions({"constant", "nearest", "reflect", "wrap"})],
    "interpolation": [StrOptions({"bilinear", "nearest"})],
    "fill_value": [ANY_NUMBER],
}


class RandomFlip(ImageLayer):
    """Mirrors images at random while training; passes them on at predict.

    Each sample is mirrored or not with the same chance, drawn anew in every step.

    Parameters
    ----------
    mode : {"horizontal", "vertical", "horizontal_and_vertical"}, \
            default="horizontal_and_vertical"
        Left and right change places, top and bottom do, or both, each by itself.

    Notes
    -----
    Samples have the shape (height, width, channels). The gradient passes back to where
    the numbers came from, as that of all layers of this kind does.

    Examples
    --------
    >>> from fastnn.layers import RandomFlip
    >>> RandomFlip("horizontal").output_shape((32, 32, 3))
    (32, 32, 3)
    """

    _parameter_constraints: ClassVar[dict] = {"mode": [StrOptions(set(MODES))]}

    def __init__(self, mode: str = "horizontal_and_vertical"):
        self.mode = mode

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the op; see :meth:`Layer.lower`."""
        self._validate_params()
        self.image_shape(x.shape)
        axes = ("vertical" in self.mode, "horizontal" in self.mode)
        vertical, horizontal = map(float, axes)
        return ops.warp(tape, x, "flip", (vertical, 0, horizontal, 0))


class RandomTranslation(ImageLayer):
    """Moves images at random while training; passes them on at predict.

    How far each sample is moved is drawn anew in every step.

    Parameters
    ----------
    height_factor : float or pair of float
        How far down, as a share of the height: between two numbers from -1 to 1, or
        between minus this one and it. Below 0 it is upwards.
    width_factor : float or pair of float
        How far to the right, as a share of the width. Below 0 it is to the left.
    fill_mode : {"reflect", "constant", "nearest", "wrap"}, default="reflect"
        What stands where the image has moved away from:

        - "reflect": ``b a | a b c d | d c``, its mirror image,
        - "constant": ``k k | a b c d | k k``, the ``fill_value``,
        - "nearest": ``a a | a b c d | d d``, the pixel at the edge,
        - "wrap": ``c d | a b c d | a b``, what has left at the other side.
    interpolation : {"bilinear", "nearest"}, default="bilinear"
        Whether a place between pixels is a mean of the four around it, or the nearest
        one, by which an image moves by whole pixels.
    fill_value : float, default=0.0
        The constant, in units of the input.

    Examples
    --------
    >>> from fastnn.layers import RandomTranslation
    >>> RandomTranslation(0.1, (-0.2, 0.2), fill_mode="constant").fill_value
    0.0
    """

    _parameter_constraints: ClassVar[dict] = {
        "height_factor": "no_validation",
        "width_factor": "no_validation",
        **_FILLED,
    }

    def __init__(
        self,
        height_factor: float | Sequence[float],
        width_factor: float | Sequence[float],
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
    ):
        self.height_factor = height_factor
        self.width_factor = width_factor
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.fill_value = fill_value

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the op; see :meth:`Layer.lower`."""
        self._validate_params()
        height, width, _ = self.image_shape(x.shape)
        ranges = []
        for n, factor in ((height, "height_factor"), (width, "width_factor")):
            least, most = range_of(self, factor, -1)
            # What is moved down is read further up.
            ranges += [-most * n, -least * n]
        return _filled(self, tape, x, "shift", ranges)


class RandomRotation(ImageLayer):
    """Turns images about their middle at random while training; else passes them on.

    By how much each sample is turned is drawn anew in every step.

    Parameters
    ----------
    factor : float or pair of float
        By how much, counterclockwise, as a share of a full turn: between two numbers
        from -1 to 1, or between minus this one and it. 0.1 is up to 36 degrees either
        way. Below 0 it is clockwise.
    fill_mode : {"reflect", "constant", "nearest", "wrap"}, default="reflect"
        What stands beyond the edges: see :class:`RandomTranslation`.
    interpolation : {"bilinear", "nearest"}, default="bilinear"
        What a place between pixels is: see :class:`RandomTranslation`.
    fill_value : float, default=0.0
        What "constant" fills with, in units of the input.

    Examples
    --------
    >>> from fastnn.layers import RandomRotation
    >>> RandomRotation(0.05).output_shape((28, 28, 1))
    (28, 28, 1)
    """

    _parameter_constraints: ClassVar[dict] = {"factor": "no_validation", **_FILLED}

    def __init__(
        self,
        factor: float | Sequence[float],
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
    ):
        self.factor = factor
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.fill_value = fill_value

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the op; see :meth:`Layer.lower`."""
        self._validate_params()
        self.image_shape(x.shape)
        quarters = [4 * share for share in range_of(self, "factor", -1)]
        return _filled(self, tape, x, "rotation", quarters)


class RandomZoom(ImageLayer):
    """Makes images larger or smaller at random while training; else passes them on.

    Their middle stays. By how much is drawn anew for each sample in every step.

    Parameters
    ----------
    height_factor : float or pair of float
        By how much more of the height is shown, as a share of it: between two numbers
        from -1 to 1, or between minus this one and it. Above 0 what is seen becomes
        smaller (it is zoomed out), below 0 it becomes larger.
    width_factor : float or pair of float, default=None
        The same of the width. None is what is drawn for the height: the proportions
        stay.
    fill_mode : {"reflect", "constant", "nearest", "wrap"}, default="reflect"
        What stands beyond the edges: see :class:`RandomTranslation`.
    interpolation : {"bilinear", "nearest"}, default="bilinear"
        What a place between pixels is: see :class:`RandomTranslation`.
    fill_value : float, default=0.0
        What "constant" fills with, in units of the input.

    Examples
    --------
    >>> from fastnn.layers import RandomZoom
    >>> RandomZoom((-0.2, 0.1)).output_shape((28, 28, 1))
    (28, 28, 1)
    """

    _parameter_constraints: ClassVar[dict] = {
        "height_factor": "no_validation",
        "width_factor": "no_validation",
        **_FILLED,
    }

    def __init__(
        self,
        height_factor: float | Sequence[float],
        width_factor: float | Sequence[float] | None = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
    ):
        self.height_factor = height_factor
        self.width_factor = width_factor
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.fill_value = fill_value

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the op; see :meth:`Layer.lower`."""
        self._validate_params()
        self.image_shape(x.shape)
        ranges = [1 + share for share in range_of(self, "height_factor", -1)]
        if self.width_factor is None:
            return _filled(self, tape, x, "even_zoom", ranges)
        ranges += [1 + share for share in range_of(self, "width_factor", -1)]
        return _filled(self, tape, x, "zoom", ranges)


class RandomCrop(ImageLayer):
    """Cuts a window out of each image: anywhere in training, else in the middle.

    Where the window lies is drawn anew for each sample in every step.

    Parameters
    ----------
    height, width : int
        Of the window, at most those of the images.

    Examples
    --------
    >>> from fastnn.layers import RandomCrop
    >>> RandomCrop(24, 24).output_shape((28, 28, 1))
    (24, 24, 1)
    """

    _parameter_constraints: ClassVar[dict] = {
        "height": [Interval(Integral, 1, None, closed="left")],
        "width": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, height: int, width: int):
        self.height = height
        self.width = width

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The window's, with all channels; see :meth:`Layer.output_shape`.

        Raises
        ------
        ValueError
            If the samples are no images, or smaller than the window.
        """
        self._validate_params()
        height, width, channels = self.image_shape(input_shape)
        if self.height > height or self.width > width:
            raise ValueError(
                f"RandomCrop(height={self.height}, width={self.width}) cannot be cut "
                f"out of samples of shape {tuple(input_shape)}: take a smaller window."
            )
        return int(self.height), int(self.width), channels

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the op; see :meth:`Layer.lower`."""
        height, width, _ = shape = self.output_shape(x.shape)
        return x if shape == x.shape else ops.crop(tape, x, height, width)


def range_of(layer: Layer, name: str, least: float) -> tuple[float, float]:
    """From where to where a number is drawn: two of them, or one on either side of 0.

    Raises
    ------
    ValueError
        If they are not such, from ``least`` to 1.
    """
    value = getattr(layer, name)
    if isinstance(value, list | tuple):
        pair = tuple(value)
    else:
        pair = (-value, value) if is_number(value) and value >= 0 else (value,)
    valid = len(pair) == 2 and all(is_number(each) for each in pair)
    if not (valid and least <= pair[0] <= pair[1] <= 1):
        raise ValueError(
            f"The {name!r} parameter of {type(layer).__name__} must be a number from 0 "
            f"to 1, or two of them from {least} to 1, the lower one first. Got "
            f"{value!r}."
        )
    return float(pair[0]), float(pair[1])


def _filled(
    layer: RandomTranslation | RandomRotation | RandomZoom,
    tape: Tape,
    x: Tensor,
    kind: str,
    ranges: Sequence[float],
) -> Tensor:
    """Write a map with the layer's options."""
    return ops.warp(
        tape, x, kind, ranges, interpolation=layer.interpolation,
        fill_mode=layer.fill_mode, fill_value=float(layer.fill_value),
    )  # fmt: skip
