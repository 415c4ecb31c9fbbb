"""Numbers as parameters: which are valid, and Python's in place of NumPy's.

NumPy's scalars keep their precision and range in arithmetic with Python's: a rate of
``np.float16(0.3)`` times 65536 is infinite, and ``np.int8(100) * 2`` is -56.
"""

import copy
from math import copysign, inf
from numbers import Integral, Real
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import _param_validation

T = TypeVar("T")

_PLAIN = {bool, int, float, str, type(None)}

# Magnitudes that each type holds. Numbers below its smallest normal one are flushed to
# zero; the least here are larger, so that products with a small number are not.
_LIMITS = {
    np.dtype(np.float32): (1e-31, float(np.finfo(np.float32).max)),
    np.dtype(np.float64): (1e-291, float(np.finfo(np.float64).max)),
}


class Interval(_param_validation.Interval):
    """scikit-learn's constraint, for Python's and NumPy's numbers alone.

    That takes True and False for 1 and 0. It raises an error of its own, without the
    name of the parameter, for fractions and for integers beyond the range of floats.
    """

    def is_satisfied_by(self, val: Any) -> bool:
        """Whether a value is a number of the interval."""
        if isinstance(val, bool) or not isinstance(val, int | float | np.generic):
            return False
        if not isinstance(val, self.type):
            return False
        try:
            number = int(val) if self.type is Integral else float(val)
        except OverflowError:
            return False
        return super().is_satisfied_by(number)

    def demand(self, number: float, dtype: np.dtype) -> str | None:
        """What a number of the interval must do to be one where ``dtype`` holds it.

        None if it is one.
        """
        least, most = _LIMITS[dtype]
        size = abs(number)
        if size == 0 or least <= size <= most:
            return None
        if self.is_satisfied_by(copysign(inf if size > most else 0.0, number)):
            return None
        if size > most:
            return f"have a magnitude of at most {most:.3g}"
        return f"be at least {least:.3g}"


def is_integer(value: Any, least: int | None = None) -> bool:
    """Whether a value is an integer, not below the least; True and False are none."""
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    return whole and (least is None or int(value) >= least)


def check_held(description: Any, dtype: np.dtype) -> None:
    """Refuse numbers that mean something else where ``dtype`` holds them.

    An epsilon that is above 0 must not become 0, for example.

    Parameters
    ----------
    description : BaseEstimator
        A layer, a network, a loss and so on, with further ones among its parameters,
        all of them valid.
    dtype : dtype
        float32 or float64.

    Raises
    ------
    ValueError
        If there is one.
    """
    if isinstance(description, list | tuple):
        for each in description:
            check_held(each, dtype)
    if not isinstance(description, BaseEstimator):
        return
    kind: type = type(description)
    intervals = _intervals(kind)
    for name, value in vars(description).items():
        if name in intervals:
            for number in _numbers(value):
                _check_number(number, kind, name, intervals[name], dtype)
        elif type(value) not in _PLAIN:
            check_held(value, dtype)


def _check_number(
    number: float, kind: type, name: str, interval: Interval, dtype: np.dtype
) -> None:
    demand = interval.demand(number, dtype)
    if demand is None:
        return
    held_by_float64 = interval.demand(number, np.dtype(np.float64)) is None
    remedy = "dtype='float64' or another value" if held_by_float64 else "another value"
    # Those of MLPClassifier and MLPRegressor are named as what they stand for.
    called = kind.__name__.removeprefix("Sklearn")
    raise ValueError(
        f"The {name!r} parameter of {called} must {demand} in {dtype}, in which this "
        f"network computes. Got {number!r}. Set {remedy}."
    )


# Of classes that are in use: those of the user's come and go.
_known_intervals: WeakKeyDictionary[type, dict[str, Interval]] = WeakKeyDictionary()


def _intervals(kind: type) -> dict[str, Interval]:
    """Parameters of a class that are real numbers, and the numbers they may be."""
    found = _known_intervals.get(kind)
    if found is None:
        constraints: dict[str, Any] = getattr(kind, "_parameter_constraints", {})
        found = _known_intervals[kind] = {
            name: each
            for name, alternatives in constraints.items()
            for each in alternatives
            if isinstance(each, Interval) and each.type is Real
        }
    return found


def _numbers(value: Any) -> list:
    if type(value) in (int, float):
        return [value]
    if isinstance(value, list | tuple):
        return [number for each in value for number in _numbers(each)]
    if isinstance(value, np.ndarray):
        return np.ravel(value).tolist() if value.dtype.kind in "iuf" else []
    return [plain_number(value)] if isinstance(value, np.number) else []


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
