"""The dropout layer."""

from numbers import Real
from typing import ClassVar

from sklearn.utils._param_validation import Interval

from fastnn.layers.base import Layer
from fastnn.lowering import Lowering, Tensor


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

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one output sample: that of the input."""
        return input_shape

    def lower(self, lowering: Lowering, x: Tensor, name: str) -> Tensor:
        """Write the dropout op; see :meth:`Layer.lower`."""
        self._validate_params()
        return lowering.dropout(x, self.rate) if self.rate else x
