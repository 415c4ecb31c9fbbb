"""Random values whose spread follows from the inputs and outputs of a layer."""

from numbers import Real
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fastnn.initializers.base import Initializer
from fastnn.utils.plain_numbers import Interval


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


class GlorotNormal(Initializer):
    """Normal values of variance 2 / (fan_in + fan_out).

    References
    ----------
    Glorot, X., and Bengio, Y. "Understanding the difficulty of training deep
    feedforward neural networks". AISTATS 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.initializers import GlorotNormal
    >>> GlorotNormal().draw((3, 2), 3, 2, np.random.RandomState(0)).shape
    (3, 2)
    """

    def draw(
        self,
        shape: tuple[int, ...],
        fan_in: int,
        fan_out: int,
        random_state: np.random.RandomState,
    ) -> NDArray[np.float64]:
        return random_state.normal(0, np.sqrt(2 / (fan_in + fan_out)), shape)


class HeUniform(Initializer):
    """Uniform values in +-sqrt(6 / fan_in): keeps the variance through relu units.

    References
    ----------
    He, K., Zhang, X., Ren, S., and Sun, J. "Delving deep into rectifiers". ICCV 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.initializers import HeUniform
    >>> values = HeUniform().draw((6, 2), 6, 2, np.random.RandomState(0))
    >>> bool(abs(values).max() <= 1.0)
    True
    """

    def draw(
        self,
        shape: tuple[int, ...],
        fan_in: int,
        fan_out: int,
        random_state: np.random.RandomState,
    ) -> NDArray[np.float64]:
        bound = np.sqrt(6 / fan_in)
        return random_state.uniform(-bound, bound, shape)


class HeNormal(Initializer):
    """Normal values of variance 2 / fan_in: keeps the variance through relu units.

    References
    ----------
    He, K., Zhang, X., Ren, S., and Sun, J. "Delving deep into rectifiers". ICCV 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.initializers import HeNormal
    >>> HeNormal().draw((3, 2), 3, 2, np.random.RandomState(0)).shape
    (3, 2)
    """

    def draw(
        self,
        shape: tuple[int, ...],
        fan_in: int,
        fan_out: int,
        random_state: np.random.RandomState,
    ) -> NDArray[np.float64]:
        return random_state.normal(0, np.sqrt(2 / fan_in), shape)


class LecunUniform(Initializer):
    """Uniform values in +-sqrt(3 / fan_in): keeps the variance through linear units.

    References
    ----------
    LeCun, Y., Bottou, L., Orr, G. B., and Mueller, K.-R. "Efficient backprop". 1998.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.initializers import LecunUniform
    >>> values = LecunUniform().draw((3, 2), 3, 2, np.random.RandomState(0))
    >>> bool(abs(values).max() <= 1.0)
    True
    """

    def draw(
        self,
        shape: tuple[int, ...],
        fan_in: int,
        fan_out: int,
        random_state: np.random.RandomState,
    ) -> NDArray[np.float64]:
        bound = np.sqrt(3 / fan_in)
        return random_state.uniform(-bound, bound, shape)


class LecunNormal(Initializer):
    """Normal values of variance 1 / fan_in, which "selu" units ask for.

    References
    ----------
    LeCun, Y., Bottou, L., Orr, G. B., and Mueller, K.-R. "Efficient backprop". 1998.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.initializers import LecunNormal
    >>> LecunNormal().draw((3, 2), 3, 2, np.random.RandomState(0)).shape
    (3, 2)
    """

    def draw(
        self,
        shape: tuple[int, ...],
        fan_in: int,
        fan_out: int,
        random_state: np.random.RandomState,
    ) -> NDArray[np.float64]:
        return random_state.normal(0, np.sqrt(1 / fan_in), shape)
