"""Whether two descriptions say the same."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator


def says_the_same(one: Any, other: Any) -> bool:
    """Whether two parameters mean the same: numbers, words, arrays, objects of these.

    Parameters
    ----------
    one, other : object

    Returns
    -------
    same : bool

    Examples
    --------
    >>> from fastnn.initializers import Constant
    >>> from fastnn.utils.same import says_the_same
    >>> says_the_same(Constant(0.5), Constant(0.5))
    True
    >>> says_the_same(Constant(0.5), Constant(0.25))
    False
    """
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, BaseEstimator):
        mine, others = vars(one), vars(other)
        return mine.keys() == others.keys() and all(
            says_the_same(value, others[name]) for name, value in mine.items()
        )
    return bool(np.array_equal(one, other))
