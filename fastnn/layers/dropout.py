"""The layers that drop inputs while training."""

from math import sqrt
from numbers import Real
from typing import ClassVar

from fastnn.layers.base import Layer
from fastnn.plan import ops
from fastnn.plan.tables import CHANCES
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor
from fastnn.utils.plain_numbers import Interval

# What selu tends to on the left, -scale * alpha; see csrc/tables/elementwise.h.
SELU_LIMIT = -1.05070098735548049342 * 1.67326324235437728482


class Dropout(Layer):
    """Sets inputs to zero at random while training; passes them on at predict.

    What is left is scaled by ``1 / (1 - rate)``, so that sums keep their expected
    value. The mask is new in every step.

    Parameters
    ----------
    rate : float
        Share of the inputs that is dropped, in [0, 1), resolved to 1 / 65536.

    References
    ----------
    Srivastava, N., Hinton, G., Krizhevsky, A., Sutskever, I., and Salakhutdinov, R.
    "Dropout: a simple way to prevent neural networks from overfitting". JMLR 2014.

    Examples
    --------
    >>> from fastnn.layers import Dropout
    >>> Dropout(0.5).output_shape((64,))
    (64,)
    """

    _parameter_constraints: ClassVar[dict] = {
        "rate": [Interval(Real, 0, 1, closed="left")]
    }

    def __init__(self, rate: float):
        self.rate = rate

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the dropout op; see :meth:`Layer.lower`."""
        self._validate_params()
        rate = _resolved(self.rate)
        return ops.dropout(tape, x, rate, scale=1 / (1 - rate)) if rate else x


class AlphaDropout(Layer):
    """Drops inputs at random while training, for selu; passes them on at predict.

    Dropped inputs become the limit of selu on the left, -1.7581. Then all are scaled
    and shifted, so that inputs of mean 0 and variance 1 keep both; layers of selu whose
    kernels are drawn as "lecun_normal" lead to such. What is dropped is new in every
    step.

    Parameters
    ----------
    rate : float
        Share of the inputs that is dropped, in [0, 1), resolved to 1 / 65536.

    References
    ----------
    Klambauer, G., Unterthiner, T., Mayr, A., and Hochreiter, S. "Self-normalizing
    neural networks". NIPS 2017.

    Examples
    --------
    >>> from fastnn.layers import AlphaDropout
    >>> AlphaDropout(0.1).output_shape((64,))
    (64,)
    """

    _parameter_constraints: ClassVar[dict] = {
        "rate": [Interval(Real, 0, 1, closed="left")]
    }

    def __init__(self, rate: float):
        self.rate = rate

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the dropout op; see :meth:`Layer.lower`."""
        self._validate_params()
        rate = _resolved(self.rate)
        scale = 1 / sqrt((1 - rate) * (1 + rate * SELU_LIMIT**2))
        shift = -scale * rate * SELU_LIMIT
        value = scale * SELU_LIMIT + shift
        return ops.dropout(tape, x, rate, scale, shift, value) if rate else x


def _resolved(rate: float) -> float:
    """The nearest rate that the random numbers resolve, below 1."""
    return min(round(float(rate) * CHANCES), CHANCES - 1) / CHANCES
