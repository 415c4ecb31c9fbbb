"""Layers that change the numbers of images, and not their places, while training."""

from collections.abc import Sequence
from math import inf
from numbers import Real
from typing import Any, ClassVar

from fastnn.layers.base import Layer
from fastnn.layers.images import ANY_NUMBER, ImageLayer, is_number
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor
from fastnn.utils.plain_numbers import Interval


class RandomContrast(ImageLayer):
    """Makes images more or less contrasted while training; passes them on at predict.

    Each channel becomes ``mean + factor * (x - mean)``, with its mean over the pixels
    and a factor that is drawn for each sample anew in every step.

    Parameters
    ----------
    factor : float or pair of float
        The factor is drawn between ``1 - lower`` and ``1 + upper``, of two numbers
        (lower, upper) from 0 to 1, or this one for both.
    value_range : pair of float or None, default=(0, 255)
        The least and the greatest number that a pixel may have, where the result is cut
        off. Images that were scaled to [0, 1] want (0, 1). None cuts nothing off.

    Examples
    --------
    >>> from fastnn.layers import RandomContrast
    >>> RandomContrast(0.2, value_range=(0, 1)).output_shape((28, 28, 1))
    (28, 28, 1)
    """

    _parameter_constraints: ClassVar[dict] = {
        "factor": "no_validation",
        "value_range": "no_validation",
    }

    def __init__(
        self,
        factor: float | Sequence[float],
        value_range: Sequence[float] | None = (0, 255),
    ):
        self.factor = factor
        self.value_range = value_range

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the op; see :meth:`Layer.lower`."""
        self.image_shape(x.shape)
        factor = self.factor
        pair = factor if isinstance(factor, list | tuple) else (factor, factor)
        lower, upper = _pair(self, "factor", pair, 0, 1, rising=False)
        limits = (-inf, inf) if self.value_range is None else value_range_of(self)
        return ops.contrast(tape, x, (1 - lower, 1 + upper), limits)


class RandomErasing(ImageLayer):
    """Replaces a rectangle of images while training; passes them on at predict.

    Whether a sample loses one, which, and what stands there, is drawn anew in every
    step.

    Parameters
    ----------
    factor : float, default=1.0
        The share of the samples that lose a rectangle, from 0 to 1.
    scale : pair of float, default=(0.02, 0.33)
        How large it is: its height is a share of that of the image, the root of a
        number drawn between the two, and so is its width. Both are from 0 to 1; the
        share of all pixels is then between them as well.
    fill_value : float or None, default=None
        What stands there, in units of the input. None is noise: normal numbers times
        the greatest number of ``value_range``, cut off at both.
    value_range : pair of float, default=(0, 255)
        The least and the greatest number that a pixel may have. Images that were scaled
        to [0, 1] want (0, 1). A ``fill_value`` is cut off there too.

    References
    ----------
    Zhong, Z., Zheng, L., Kang, G., Li, S., and Yang, Y. "Random erasing data
    augmentation". AAAI 2020.

    Examples
    --------
    >>> from fastnn.layers import RandomErasing
    >>> RandomErasing(0.5, fill_value=0.0).output_shape((28, 28, 1))
    (28, 28, 1)
    """

    _parameter_constraints: ClassVar[dict] = {
        "factor": [Interval(Real, 0, 1, closed="both")],
        "scale": "no_validation",
        "fill_value": [ANY_NUMBER, None],
        "value_range": "no_validation",
    }

    def __init__(
        self,
        factor: float = 1.0,
        scale: Sequence[float] = (0.02, 0.33),
        fill_value: float | None = None,
        value_range: Sequence[float] = (0, 255),
    ):
        self.factor = factor
        self.scale = scale
        self.fill_value = fill_value
        self.value_range = value_range

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the op; see :meth:`Layer.lower`."""
        self._validate_params()
        self.image_shape(x.shape)
        scale = _pair(self, "scale", self.scale, 0, 1)
        least, most = value_range_of(self)
        if self.fill_value is not None:
            least = most = min(max(float(self.fill_value), least), most)
        return ops.erase(tape, x, float(self.factor), scale, (least, most))


def value_range_of(layer: RandomContrast | RandomErasing) -> tuple[float, float]:
    """The least and the greatest number of a pixel."""
    return _pair(layer, "value_range", layer.value_range, -inf, inf)


def _pair(
    layer: Layer,
    name: str,
    value: object,
    least: float,
    most: float,
    rising: bool = True,
) -> tuple[float, float]:
    """Two finite numbers between two, the lower one first where they have an order.

    Raises
    ------
    ValueError
        If they are not.
    """
    pair: list[Any] = list(value) if isinstance(value, list | tuple) else []
    valid = len(pair) == 2 and all(map(is_number, pair))
    within = valid and all(least <= n <= most for n in pair)
    if not within or (rising and pair[0] > pair[1]):
        between = "" if least == -inf else f" from {least} to {most}"
        order = ", the lower one first" if rising else ", or one for both"
        raise ValueError(
            f"The {name!r} parameter of {type(layer).__name__} must be two finite "
            f"numbers{between}{order}. Got {getattr(layer, name)!r}."
        )
    return float(pair[0]), float(pair[1])
