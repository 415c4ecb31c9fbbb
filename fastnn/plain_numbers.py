"""Numbers as parameters: which are valid, and Python's in place of NumPy's.

NumPy's scalars keep their precision and range in arithmetic with Python's: a rate of
``np.float16(0.3)`` times 65536 is infinite, and ``np.int8(100) * 2`` is -56.
"""

import copy
from numbers import Integral
from typing import Any, TypeVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import _param_validation

T = TypeVar("T")

_PLAIN = {bool, int, float, str, type(None)}


class Interval(_param_validation.Interval):
    """scikit-learn's constraint, for Python's and NumPy's numbers alone.

    That raises an error of its own, without the name of the parameter, for fractions
    and for integers beyond the range of floats.
    """

    def is_satisfied_by(self, val: Any) -> bool:
        """Whether a value is a number of the interval."""
        if not isinstance(val, self.type) or not isinstance(
            val, int | float | np.generic
        ):
            return False
        try:
            number = int(val) if self.type is Integral else float(val)
        except OverflowError:
            return False
        return super().is_satisfied_by(number)


def plain(description: T) -> T:
    """A description whose numbers are Python's, itself where they are so already.

    Parameters
    ----------
    description : BaseEstimator
        A layer, a network, a loss and so on, with further ones among its parameters.

    Returns
    -------
    description : BaseEstimator
    """
    return _plain(description, {})


def plain_number(value: Any) -> Any:
    """A number of NumPy's as Python's; all else is returned as it is."""
    if isinstance(value, np.floating):
        return float(value)
    return value.item() if isinstance(value, np.generic) else value


def _plain(value: Any, copies: dict[int, Any]) -> Any:
    """What stands in a description twice stays one object."""
    if type(value) in _PLAIN:  # most are, and each step of partial_fit asks
        return value
    if isinstance(value, list | tuple):
        items = [_plain(item, copies) for item in value]
        same = all(one is other for one, other in zip(items, value, strict=True))
        return value if same else tuple(items) if isinstance(value, tuple) else items
    if not isinstance(value, BaseEstimator):
        return plain_number(value)
    if id(value) not in copies:
        own = vars(value)
        plain_own = {name: _plain(each, copies) for name, each in own.items()}
        changed = {n: each for n, each in plain_own.items() if each is not own[n]}
        copies[id(value)] = value
        if changed:
            copies[id(value)] = copy.copy(value)
            vars(copies[id(value)]).update(changed)
    return copies[id(value)]
