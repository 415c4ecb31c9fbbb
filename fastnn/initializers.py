"""Initial values of the parameters."""

from abc import ABC, abstractmethod
from numbers import Real
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval


class Initializer(BaseEstimator, ABC):
    """Base class of the initializers: descriptions that draw values when asked."""

    @abstractmethod
    def draw(
        self,
        shape: tuple[int, ...],
        fan_in: int,
        fan_out: int,
        random_state: np.random.RandomState,
    ) -> NDArray[np.float64]:
        """Initial values.

        Parameters
        ----------
        shape : tuple of int
            Shape of the parameter.
        fan_in, fan_out : int
            Inputs that feed one unit of the layer, and outputs that one input feeds.
        random_state : RandomState
            Source of randomness.

        Returns
        -------
        values : ndarray of the given shape, dtype float64
        """


class GlorotUniform(Initializer):
    """Uniform values in +-sqrt(scale / (fan_in + fan_out)).

    Keeps the variance of activations and gradients about equal from layer to layer.

    Parameters
    ----------
    scale : float, default=6.0
        6 for linear, relu and tanh units; scikit-learn uses 2 for logistic ones.

    References
    ----------
    Glorot, X., and Bengio, Y. "Understanding the difficulty of training deep
    feedforward neural networks". AISTATS 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.initializers import GlorotUniform
    >>> values = GlorotUniform().draw((3, 3), 3, 3, np.random.RandomState(0))
    >>> bool(abs(values).max() <= 1.0)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        "scale": [Interval(Real, 0, None, closed="neither")]
    }

    def __init__(self, scale: float = 6.0):
        self.scale = scale

    def draw(
        self,
        shape: tuple[int, ...],
        fan_in: int,
        fan_out: int,
        random_state: np.random.RandomState,
    ) -> NDArray[np.float64]:
        bound = np.sqrt(self.scale / (fan_in + fan_out))
        return random_state.uniform(-bound, bound, shape)


class Zeros(Initializer):
    """All zeros.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.initializers import Zeros
    >>> Zeros().draw((2,), 1, 2, np.random.RandomState(0))
    array([0., 0.])
    """

    def draw(
        self,
        shape: tuple[int, ...],
        fan_in: int,
        fan_out: int,
        random_state: np.random.RandomState,
    ) -> NDArray[np.float64]:
        return np.zeros(shape)
