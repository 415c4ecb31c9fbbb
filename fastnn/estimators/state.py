"""Fitted state of an estimator: its parameters as arrays, pickling, and changing it."""

import copy
import warnings
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from fastnn._version import __version__
from fastnn.callbacks import Callback
from fastnn.estimators.data.targets import targets_from_plain
from fastnn.estimators.documentation import DocumentationLink
from fastnn.estimators.fitted import FittedNetwork, ParameterViews
from fastnn.exceptions import InconsistentVersionWarning
from fastnn.utils.commit import commit
from fastnn.utils.plain import PlainState


class FittedState(DocumentationLink, BaseEstimator):
    """What an estimator knows after fit.

    The trained network is one attribute, ``_fitted``, whose flat array holds all
    parameters: ``coefs_`` and ``intercepts_`` are ways to look at it.
    """

    _fitted: FittedNetwork
    _training_state_type: ClassVar[type[Any]]

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

    def __copy__(self) -> Self:
        other = type(self).__new__(type(self))
        other.__dict__.update(vars(self))
        return other

    def __deepcopy__(self, memo: dict) -> Self:
        other = type(self).__new__(type(self))
        memo[id(self)] = other
        # Not by what is saved: what is on a device is copied there.
        other.__dict__.update(copy.deepcopy(vars(self), memo))
        return other

    def __getstate__(self) -> dict[str, Any]:
        """What is saved: arrays, builtins and objects of public classes."""
        state = {**super().__getstate__(), "_fastnn_version": __version__}
        for name in ("_fitted", "_targets", "_training_state"):
            if name in state:
                state[name] = state[name].to_plain()
        # Parameters that have been checked are known by their identity.
        state.pop("_validated", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        saved = PlainState(type(self).__name__, state)
        state = {name: each for name, each in state.items() if name != "_validated"}
        version = state.pop("_fastnn_version", "unknown")
        if version != __version__:
            warnings.warn(
                f"This {type(self).__name__} was saved by fastnn {version} and is "
                f"loaded by fastnn {__version__}: its predictions may differ. Load it "
                "with the version that saved it, or train it again.",
                InconsistentVersionWarning,
                stacklevel=2,
            )
        for name in self._get_param_names():
            _check_complete(saved.get(name, object))
        if {"_fitted", "_targets", "_training_state"} & state.keys():
            state |= self._trained(saved, "_training_state" in state)
            state["_validated"] = ()
        super().__setstate__(state)

    def _trained(self, saved: PlainState, goes_on: bool) -> dict[str, Any]:
        """The trained network and what belongs to it, from what was saved."""
        fitted = FittedNetwork.from_plain(saved.get("_fitted", dict))
        targets = targets_from_plain(saved.get("_targets", dict), fitted.loss)
        if targets.n_outputs != fitted.plan.n_outputs:
            raise saved.damaged(
                "_targets", f"of {fitted.plan.n_outputs} outputs", targets.n_outputs
            )
        found: dict[str, Any] = {"_fitted": fitted, "_targets": targets}
        if goes_on:
            found["_training_state"] = self._training_state_type.from_plain(
                saved.get("_training_state", dict), fitted.plan.n_parameters
            )
        return found


def _check_complete(value: Any) -> None:
    """Refuse a parameter with a part that was saved without one of its own."""
    if isinstance(value, list | tuple):
        for each in value:
            _check_complete(each)
    elif isinstance(value, BaseEstimator):
        saved = PlainState(type(value).__name__, vars(value))
        for name in value._get_param_names():
            _check_complete(saved.get(name, object))
        if isinstance(value, Callback):
            value.check_kept()


def apart(estimator: Any) -> Any:
    """Another object with the same attributes, for a call to work on.

    See :func:`take_over`.
    """
    other: Any = object.__new__(type(estimator))
    vars(other).update(vars(estimator))
    return other


def kept_by_callbacks(estimator: Any) -> list[tuple[Callback, list[str], dict]]:
    """What the callbacks of an estimator keep for its next call, before one.

    See :func:`fastnn.utils.commit.call_or_put_back`.
    """
    found = []
    for parameter in ("early_stopping", "callbacks"):
        given = getattr(estimator, parameter, None)
        for each in given if isinstance(given, list | tuple) else [given]:
            if isinstance(each, Callback):
                names = list(each._kept_constraints)
                values = {
                    name: vars(each)[name] for name in names if name in vars(each)
                }
                found.append((each, names, values))
    return found


def take_over(
    estimator: Any,
    other: Any,
    before: dict[str, Any],
    draws: tuple[np.random.RandomState, np.random.RandomState] | None,
    kept: list,
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
    kept : list
        What :func:`kept_by_callbacks` has found before the call.
    """
    after = vars(other)
    changed = {
        name: value
        for name, value in after.items()
        if name not in before or before[name] is not value
    }
    own = {
        name: value
        for name, value in vars(estimator).items()
        if name in after or name not in before
    }
    commit(estimator, own | changed, kept, *(draws or ()))
