"""Values that are known: zeros, constants, arrays."""

from numbers import Real
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.initializers.base import Initializer
from fastnn.utils.plain_numbers import Interval


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

    _parameter_constraints: ClassVar[dict] = {
        "value": [Interval(Real, None, None, closed="neither")]
    }

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


class Sinusoidal(Initializer):
    """Sines and cosines of the number of the row, slower from column to column.

    Row i has ``sin(i / max_wavelength ** (j / n_columns))`` in its even columns j, and
    behind each the cosine of the same. For positions: rows that are as far apart differ
    alike.

    Parameters
    ----------
    max_wavelength : float, default=10000.0
        Above 1; 2 pi times this is what the slowest come near to.

    References
    ----------
    Vaswani, A., Shazeer, N., Parmar, N., Uszkoreit, J., Jones, L., Gomez, A. N.,
    Kaiser, L., and Polosukhin, I. "Attention is all you need". NIPS 2017, section 3.5.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.initializers import Sinusoidal
    >>> Sinusoidal().draw((2, 4), 2, 4, np.random.RandomState(0)).round(4)
    array([[0.    , 1.    , 0.    , 1.    ],
           [0.8415, 0.5403, 0.01  , 1.    ]])
    """

    _parameter_constraints: ClassVar[dict] = {
        "max_wavelength": [Interval(Real, 1, None, closed="neither")]
    }

    def __init__(self, max_wavelength: float = 10000.0):
        self.max_wavelength = max_wavelength

    def draw(
        self,
        shape: tuple[int, ...],
        fan_in: int,
        fan_out: int,
        random_state: np.random.RandomState,
    ) -> NDArray[np.float64]:
        columns = np.arange(shape[-1])
        wavelength = float(self.max_wavelength) ** (columns // 2 * 2 / shape[-1])
        rows = np.arange(np.prod(shape[:-1], dtype=int))[:, None]
        values = np.where(
            columns % 2, np.cos(rows / wavelength), np.sin(rows / wavelength)
        )
        return values.reshape(shape)


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
        try:
            values = np.asarray(self.values)
            if values.dtype.kind not in "biufO":
                raise TypeError(f"they are {values.dtype}")
            values = values.astype(np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(
                f"the initial values of a parameter must be an array of real numbers, "
                f"got {self.values!r}: {error}."
            ) from error
        if values.shape != shape or not np.isfinite(values).all():
            raise ValueError(
                f"the initial values of a parameter must be finite and have its shape "
                f"{shape}, got {'' if np.isfinite(values).all() else 'non-finite '}"
                f"values of shape {values.shape}."
            )
        return values
