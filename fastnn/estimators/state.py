"""Fitted state of an estimator: its parameters as arrays, pickling, and changing it."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from fastnn._core.commit import commit
from fastnn._version import __version__
from fastnn.estimators.documentation import DocumentationLink
from fastnn.estimators.fitted import FittedNetwork, ParameterViews
from fastnn.exceptions import InconsistentVersionWarning


class FittedState(DocumentationLink, BaseEstimator):
    """What an estimator knows after fit.

    The trained network is one attribute, ``_fitted``, whose flat array holds all
    parameters: ``coefs_`` and ``intercepts_`` are ways to look at it.
    """

    _fitted: FittedNetwork

    @property
    def coefs_(self) -> ParameterViews:
        """Weight matrices of the layers."""
        return self._get_views("coefs_", "kernel")

    @coefs_.setter
    def coefs_(self, arrays: list[ArrayLike]) -> None:
        self._set_views("coefs_", "kernel", arrays)

    @property
    def intercepts_(self) -> ParameterViews:
        """Bias vectors of the layers."""
        return self._get_views("intercepts_", "bias")

    @intercepts_.setter
    def intercepts_(self, arrays: list[ArrayLike]) -> None:
        self._set_views("intercepts_", "bias", arrays)

    def _get_views(self, attribute: str, kind: str) -> ParameterViews:
        self._require_fitted(attribute)
        return self._fitted.views(attribute, kind)

    def _set_views(self, attribute: str, kind: str, arrays: list[ArrayLike]) -> None:
        self._require_fitted(attribute)
        self._fitted = self._fitted.replaced(attribute, kind, arrays)

    def _require_fitted(self, attribute: str) -> None:
        if not self.__sklearn_is_fitted__():
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {attribute!r} before "
                "fit"
            )

    def __sklearn_is_fitted__(self) -> bool:
        return "_fitted" in vars(self)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_fastnn_version": __version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        version = state.pop("_fastnn_version", "unknown")
        if version != __version__:
            warnings.warn(
                f"This {type(self).__name__} was saved by fastnn {version} and is "
                f"loaded by fastnn {__version__}: its predictions may differ. Load it "
                "with the version that saved it, or train it again.",
                InconsistentVersionWarning,
                stacklevel=2,
            )
        super().__setstate__(state)


def apart(estimator: Any) -> Any:
    """Another object with the same attributes, for a call to work on.

    See :func:`take_over`.
    """
    other: Any = object.__new__(type(estimator))
    vars(other).update(vars(estimator))
    return other


def take_over(
    estimator: Any,
    other: Any,
    before: dict[str, Any],
    draws: tuple[np.random.RandomState, np.random.RandomState] | None,
) -> None:
    """Give an estimator what a call has changed on the object that it worked on.

    All at once: whoever looks at the estimator meanwhile, from another thread or after
    an exception between any two lines, sees it as it was before or as it is afterwards.

    Parameters
    ----------
    estimator : object
    other : object
        What :func:`apart` has made of it.
    before : dict
        The attributes that it was made with.
    draws : tuple of RandomState or None
        What the call has drawn from, and what it was a copy of, which then goes on from
        there.
    """
    after = vars(other)
    changed = {
        name: value
        for name, value in after.items()
        if name not in before or before[name] is not value
    }
    kept = {
        name: value
        for name, value in vars(estimator).items()
        if name in after or name not in before
    }
    commit(estimator, kept | changed, *(draws or ()))
