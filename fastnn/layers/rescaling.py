"""The layer that brings its input to another scale."""

from math import inf
from numbers import Real
from typing import ClassVar

from fastnn.layers.base import Layer
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor
from fastnn.utils.plain_numbers import Interval


class Rescaling(Layer):
    """``scale * x + offset``, with numbers that are not trained.

    In front of the first layer it takes images of bytes to [0, 1] by
    ``Rescaling(1 / 255)``, or to [-1, 1] by ``Rescaling(1 / 127.5, -1)``.

    Parameters
    ----------
    scale : float
        A finite factor.
    offset : float, default=0.0
        What is added, finite as well.

    Examples
    --------
    >>> from fastnn.layers import Rescaling
    >>> Rescaling(1 / 4, -1.0)
    Rescaling(offset=-1.0, scale=0.25)
    """

    _takes_sequences = True
    _masks = "keeps"
    _parameter_constraints: ClassVar[dict] = {
        "scale": [Interval(Real, -inf, inf, closed="neither")],
        "offset": [Interval(Real, -inf, inf, closed="neither")],
    }

    def __init__(self, scale: float, offset: float = 0.0):
        self.scale = scale
        self.offset = offset

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the op; see :meth:`Layer.lower`."""
        self._validate_params()
        return ops.scale(tape, x, float(self.scale), float(self.offset))
