"""The layers that drop inputs while training."""

from math import sqrt
from numbers import Real
from typing import ClassVar

from fastnn.layers.base import Layer
from fastnn.layers.windows import check_rank
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

    _takes_sequences = True
    _masks = "keeps"
    _parameter_constraints: ClassVar[dict] = {
        "rate": [Interval(Real, 0, 1, closed="left")]
    }

    def __init__(self, rate: float):
        self.rate = rate

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the dropout op; see :meth:`Layer.lower`."""
        self._validate_params()
        rate = resolved(self.rate)
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

    _takes_sequences = True
    _masks = "keeps"
    _parameter_constraints: ClassVar[dict] = {
        "rate": [Interval(Real, 0, 1, closed="left")]
    }

    def __init__(self, rate: float):
        self.rate = rate

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the dropout op; see :meth:`Layer.lower`."""
        self._validate_params()
        rate = resolved(self.rate)
        scale = 1 / sqrt((1 - rate) * (1 + rate * SELU_LIMIT**2))
        shift = -scale * rate * SELU_LIMIT
        value = scale * SELU_LIMIT + shift
        return ops.dropout(tape, x, rate, scale, shift, value) if rate else x


class _SpatialDropout(Layer):
    """Drops whole channels of a sample."""

    _n_axes: ClassVar[int]
    _masks = "keeps"
    _parameter_constraints: ClassVar[dict] = {
        "rate": [Interval(Real, 0, 1, closed="left")]
    }

    def __init__(self, rate: float):
        self.rate = rate

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The same shape; see :meth:`Layer.output_shape`.

        Raises
        ------
        ValueError
            If samples have other axes than places and channels.
        """
        check_rank(type(self).__name__, input_shape, self._n_axes)
        return input_shape

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the ops; see :meth:`Layer.lower`."""
        self._validate_params()
        self.output_shape(x.shape)
        rate = resolved(self.rate)
        return ops.spatial_dropout(tape, x, rate, 1 / (1 - rate)) if rate else x


class SpatialDropout1D(_SpatialDropout):
    """Sets whole channels of a sequence to zero at random while training.

    Neighbouring steps are alike, and what :class:`Dropout` takes from one another one
    tells. Here a channel of a sample is dropped at all steps, or it is scaled by
    ``1 / (1 - rate)``. What is dropped is new in every step of training; at predict all
    is passed on.

    Parameters
    ----------
    rate : float
        Share of the channels that is dropped, in [0, 1), resolved to 1 / 65536.

    References
    ----------
    Tompson, J., Goroshin, R., Jain, A., LeCun, Y., and Bregler, C. "Efficient object
    localization using convolutional networks". CVPR 2015.

    Examples
    --------
    >>> from fastnn.layers import SpatialDropout1D
    >>> SpatialDropout1D(0.2).output_shape((100, 16))
    (100, 16)
    """

    _n_axes = 1


class SpatialDropout2D(_SpatialDropout):
    """Sets whole channels of an image to zero at random while training.

    Neighbouring places are alike, and what :class:`Dropout` takes from one another one
    tells. Here a channel of a sample is dropped at all places, or it is scaled by
    ``1 / (1 - rate)``. What is dropped is new in every step of training; at predict all
    is passed on.

    Parameters
    ----------
    rate : float
        Share of the channels that is dropped, in [0, 1), resolved to 1 / 65536.

    References
    ----------
    Tompson, J., Goroshin, R., Jain, A., LeCun, Y., and Bregler, C. "Efficient object
    localization using convolutional networks". CVPR 2015.

    Examples
    --------
    >>> from fastnn.layers import SpatialDropout2D
    >>> SpatialDropout2D(0.2).output_shape((14, 14, 64))
    (14, 14, 64)
    """

    _n_axes = 2


def resolved(rate: float) -> float:
    """The nearest rate that the random numbers resolve, below 1."""
    return min(round(float(rate) * CHANCES), CHANCES - 1) / CHANCES
