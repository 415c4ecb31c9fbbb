"""Initial values of the parameters."""

from abc import ABC, abstractmethod
from numbers import Real
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval


class Initializer(BaseEstimator, ABC):
    """Base class of the initializers: descriptions that draw values when asked."""

    _parameter_constraints: ClassVar[dict] = {}

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


class TruncatedNormal(Initializer):
    """Normal values no further than two standard deviations from their mean.

    Parameters
    ----------
    mean : float, default=0.0
    std : float, default=0.05
        Standard deviation before what is beyond is left out, > 0.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.initializers import TruncatedNormal
    >>> values = TruncatedNormal().draw((3, 2), 3, 2, np.random.RandomState(0))
    >>> bool(abs(values).max() <= 0.1)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        "mean": [Real],
        "std": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, mean: float = 0.0, std: float = 0.05):
        self.mean = mean
        self.std = std

    def draw(
        self,
        shape: tuple[int, ...],
        fan_in: int,
        fan_out: int,
        random_state: np.random.RandomState,
    ) -> NDArray[np.float64]:
        # The inverse of the distribution function, between its values at -2 and 2.
        low, high = special.ndtr(-2.0), special.ndtr(2.0)
        uniform = random_state.uniform(low, high, shape)
        return self.mean + self.std * special.ndtri(uniform)


class Orthogonal(Initializer):
    """Orthonormal columns, or rows where there are fewer of these.

    The last axis of the parameter holds the columns. The matrix is a random one of
    uniform distribution over all such.

    Parameters
    ----------
    gain : float, default=1.0
        What they are multiplied by, > 0; ``sqrt(2)`` suits relu units.

    References
    ----------
    Saxe, A. M., McClelland, J. L., and Ganguli, S. "Exact solutions to the nonlinear
    dynamics of learning in deep linear neural networks". ICLR 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.initializers import Orthogonal
    >>> q = Orthogonal().draw((5, 2), 5, 2, np.random.RandomState(0))
    >>> bool(np.allclose(q.T @ q, np.eye(2)))
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        "gain": [Interval(Real, 0, None, closed="neither")]
    }

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def draw(
        self,
        shape: tuple[int, ...],
        fan_in: int,
        fan_out: int,
        random_state: np.random.RandomState,
    ) -> NDArray[np.float64]:
        matrix = random_state.normal(size=(int(np.prod(shape[:-1])), shape[-1]))
        wide = matrix.shape[0] < matrix.shape[1]
        q, r = np.linalg.qr(matrix.T if wide else matrix)
        # Signs of the decomposition's own choice would not be random.
        q *= np.copysign(1, np.diag(r))
        return self.gain * (q.T if wide else q).reshape(shape)


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


class Constant(Initializer):
    """One value everywhere.

    Parameters
    ----------
    value : float

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.initializers import Constant
    >>> Constant(0.5).draw((2,), 1, 2, np.random.RandomState(0))
    array([0.5, 0.5])
    """

    _parameter_constraints: ClassVar[dict] = {"value": [Real]}

    def __init__(self, value: float):
        self.value = value

    def draw(
        self,
        shape: tuple[int, ...],
        fan_in: int,
        fan_out: int,
        random_state: np.random.RandomState,
    ) -> NDArray[np.float64]:
        return np.full(shape, float(self.value))


class FromArray(Initializer):
    """The values of an array, which must have the shape of the parameter.

    Parameters
    ----------
    values : array-like
        Finite numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.initializers import FromArray
    >>> FromArray([1.0, 2.0]).draw((2,), 1, 2, np.random.RandomState(0))
    array([1., 2.])
    """

    _parameter_constraints: ClassVar[dict] = {"values": ["array-like"]}

    def __init__(self, values: ArrayLike):
        self.values = values

    def draw(
        self,
        shape: tuple[int, ...],
        fan_in: int,
        fan_out: int,
        random_state: np.random.RandomState,
    ) -> NDArray[np.float64]:
        values = np.asarray(self.values, dtype=np.float64)
        if values.shape != shape or not np.isfinite(values).all():
            raise ValueError(
                f"the initial values of a parameter must be finite and have its shape "
                f"{shape}, got {'' if np.isfinite(values).all() else 'non-finite '}"
                f"values of shape {values.shape}."
            )
        return values


# What stands for an initializer with its default options.
INITIALIZERS: dict[str, type[Initializer]] = {
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LecunUniform,
    "lecun_normal": LecunNormal,
    "orthogonal": Orthogonal,
    "truncated_normal": TruncatedNormal,
    "zeros": Zeros,
}


def as_initializer(
    value: Initializer | str | ArrayLike | None, default: Initializer
) -> Initializer:
    """The initializer that a parameter of a layer stands for, checked.

    Parameters
    ----------
    value : Initializer, str, array-like or None
        A name is one of ``INITIALIZERS``; an array holds the values.
    default : Initializer
        What None stands for.

    Returns
    -------
    initializer : Initializer
    """
    if value is None:
        return default
    if isinstance(value, str):
        return INITIALIZERS[value]()
    chosen = value if isinstance(value, Initializer) else FromArray(value)
    chosen._validate_params()
    return chosen
