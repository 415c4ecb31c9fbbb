"""Which parameters have been checked: those of the last fit, known by their identity.

Checking them takes longer than a small call of partial_fit.
"""

import operator
from functools import lru_cache

from sklearn.base import BaseEstimator


@lru_cache(maxsize=64)
def _names(estimator: type[BaseEstimator]) -> tuple[str, ...]:
    return tuple(estimator._get_param_names())


def parameters_of(estimator: BaseEstimator) -> tuple:
    """All parameters as they are now."""
    return tuple(getattr(estimator, name) for name in _names(estimator.__class__))


def are_validated(estimator: BaseEstimator) -> bool:
    """Whether all parameters are the objects that the last fit has checked."""
    now, before = parameters_of(estimator), vars(estimator).get("_validated", ())
    return len(now) == len(before) and all(map(operator.is_, now, before))
