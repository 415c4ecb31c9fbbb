"""The layer that adds noise while training."""

from math import inf
from numbers import Real
from typing import ClassVar

from fastnn.layers.base import Layer
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor
from fastnn.utils.plain_numbers import Interval


class GaussianNoise(Layer):
    """Adds normal noise of mean 0 while training; passes inputs on at predict.

    The noise is new in every step. In front of the first layer, it regularises as
    Tikhonov's penalty does.

    Parameters
    ----------
    stddev : float
        Standard deviation of the noise, in units of the input, at least 0 and finite.
        0 adds none.

    References
    ----------
    Bishop, C. M. "Training with noise is equivalent to Tikhonov regularization". Neural
    Computation 7, 1995.

    Examples
    --------
    >>> from fastnn.layers import GaussianNoise
    >>> GaussianNoise(0.1).output_shape((64,))
    (64,)
    """

    _takes_sequences = True
    _masks = "keeps"
    _parameter_constraints: ClassVar[dict] = {
        "stddev": [Interval(Real, 0, inf, closed="left")]
    }

    def __init__(self, stddev: float):
        self.stddev = stddev

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the noise op; see :meth:`Layer.lower`."""
        self._validate_params()
        return ops.gaussian_noise(tape, x, self.stddev) if self.stddev else x
