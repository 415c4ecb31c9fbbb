"""Random values of a given spread, or direction."""

from math import inf
from numbers import Real
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from fastnn.initializers.base import Initializer
from fastnn.utils.plain_numbers import Interval


class RandomUniform(Initializer):
    """Uniform values between two bounds.

    Parameters
    ----------
    low, high : float, default=-0.05, 0.05
        The bounds, finite, of which the second is not less.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.initializers import RandomUniform
    >>> values = RandomUniform().draw((3, 2), 3, 2, np.random.RandomState(0))
    >>> bool(abs(values).max() <= 0.05)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        "low": [Interval(Real, -inf, inf, closed="neither")],
        "high": [Interval(Real, -inf, inf, closed="neither")],
    }

    def __init__(self, low: float = -0.05, high: float = 0.05):
        self.low = low
        self.high = high

    def draw(
        self,
        shape: tuple[int, ...],
        fan_in: int,
        fan_out: int,
        random_state: np.random.RandomState,
    ) -> NDArray[np.float64]:
        if not self.low <= self.high:
            raise ValueError(
                f"{self!r} draws from nothing: high must not be less than low."
            )
        return random_state.uniform(self.low, self.high, shape)


class RandomNormal(Initializer):
    """Normal values.

    Parameters
    ----------
    mean : float, default=0.0
    std : float, default=0.05
        Standard deviation, > 0. PyTorch's embeddings begin with 1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.initializers import RandomNormal
    >>> RandomNormal(std=1.0).draw((3, 2), 3, 2, np.random.RandomState(0)).shape
    (3, 2)
    """

    _parameter_constraints: ClassVar[dict] = {
        "mean": [Interval(Real, None, None, closed="neither")],
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
        return random_state.normal(self.mean, self.std, shape)


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
        "mean": [Interval(Real, None, None, closed="neither")],
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
