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
