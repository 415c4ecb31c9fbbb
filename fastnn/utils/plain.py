"""Plain forms: what is saved of an object, as a dict of arrays, numbers and strings.

Tools that load only what they trust then need to know none of our private classes, and
a file that is damaged is found out when it is loaded, not when compiled code reads it.
"""

import sys
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import (
    InvalidParameterError,
    validate_parameter_constraints,
)


def check_attributes(
    owner: str,
    constraints: dict[str, list],
    attributes: Mapping[str, Any],
    what: str,
    remedy: str,
) -> None:
    """Check attributes of an object that was saved, or that others have made.

    Parameters
    ----------
    owner : str
        Name of its class.
    constraints : dict
        What they must be, as scikit-learn describes parameters.
    attributes : dict
        Those without a constraint may be anything.
    what : str
        What is damaged then.
    remedy : str
        What to do about it.

    Raises
    ------
    ValueError
        If one is something else.
    """
    try:
        validate_parameter_constraints(constraints, dict(attributes), owner)
    except InvalidParameterError as error:
        found = str(error).replace("' parameter of ", "' attribute of ", 1)
        raise ValueError(f"{what} is damaged: {found} {remedy}") from None


class PlainState:
    """The plain form of an object, as it was loaded, to be read key by key.

    Parameters
    ----------
    name : str
        What it is of, for messages.
    state : object

    Raises
    ------
    ValueError
        Here if it is no dict, and in every method if a key is missing or has another
        value than it must have.
    """

    def __init__(self, name: str, state: Any):
        self._name, self._state = name, state
        if not isinstance(state, dict):
            raise ValueError(
                f"{name} is damaged: it must be saved as a dict, got "
                f"{type(state).__name__}. Save the model again."
            )

    def damaged(self, key: str, expected: str, got: Any) -> ValueError:
        """What to raise about a value."""
        return ValueError(
            f"{self._name} is damaged: its {key!r} must be {expected}, got {got}. Save "
            "the model again."
        )

    def get(self, key: str, *kinds: type) -> Any:
        """A value of one of these classes."""
        if key not in self._state:
            names = " or ".join(kind.__name__ for kind in kinds)
            raise self.damaged(key, f"of type {names}", "nothing")
        value = self._state[key]
        if not isinstance(value, kinds):
            names = " or ".join(kind.__name__ for kind in kinds)
            raise self.damaged(key, f"of type {names}", type(value).__name__)
        return value

    def count(self, key: str) -> int:
        """An integer of 0 or more."""
        value = self.get(key, Integral)
        if value < 0:
            raise self.damaged(key, "at least 0", value)
        return int(value)

    def number(self, key: str) -> float:
        return float(self.get(key, Real))

    def finite(self, key: str, *, above_0: bool = False) -> float:
        """A finite number of 0 or more, or above 0."""
        value = self.get(key, Real)
        if not 0 <= value <= sys.float_info.max or (above_0 and not value):
            least = "above 0" if above_0 else "of at least 0"
            raise self.damaged(key, f"a finite number {least}", value)
        return float(value)

    def words(self, key: str) -> list[str]:
        """A list of strings."""
        values = self.get(key, list)
        for value in values:
            if not isinstance(value, str):
                raise self.damaged(key, "a list of strings", repr(value))
        return values

    def shape(self, key: str) -> tuple[int | None, ...]:
        """Lengths of the axes of a sample; the first one's is None for sequences."""
        lengths = self.get(key, tuple, list)
        known = lengths[1:] if lengths and lengths[0] is None else lengths
        if not lengths or not all(
            isinstance(n, Integral) and int(n) > 0 for n in known
        ):
            raise self.damaged(key, "lengths of at least 1", repr(lengths))
        return tuple(None if n is None else int(n) for n in lengths)

    def array(self, key: str, shape: tuple[int, ...]) -> NDArray:
        """float32 or float64 of this shape, native, aligned and side by side."""
        array = self.get(key, np.ndarray)
        if array.shape != shape or array.dtype.kind != "f" or array.itemsize not in (
            4, 8,
        ):  # fmt: skip
            raise self.damaged(
                key,
                f"an array of float32 or float64 of shape {shape}",
                f"{array.dtype} of shape {array.shape}",
            )
        return np.require(array, array.dtype.newbyteorder("="), ["C", "A"])
