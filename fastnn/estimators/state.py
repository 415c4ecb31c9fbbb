"""The state of an estimator: how it is copied and saved, and changed all at once."""

import copy
import warnings
from inspect import Parameter, signature
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from fastnn._version import __version__
from fastnn.callbacks import Callback
from fastnn.estimators.data.heads import targets_from_plain
from fastnn.estimators.fitted import FittedNetwork
from fastnn.exceptions import InconsistentVersionWarning
from fastnn.utils.commit import commit
from fastnn.utils.plain import PlainState

# Attributes that are saved in their own way; what training goes on from may be missing.
_TRAINED = "_fitted", "_targets", "_training_state"


def deep_copy(estimator: Any, memo: dict) -> Any:
    """Another object, of copies of all attributes."""
    other: Any = object.__new__(type(estimator))
    memo[id(estimator)] = other
    vars(other).update(copy.deepcopy(vars(estimator), memo))
    return other


def saved_state(state: dict[str, Any]) -> dict[str, Any]:
    """What is saved of an estimator, from all that it holds."""
    state = {**state, "_fastnn_version": __version__}
    for name in _TRAINED:
        if name in state:
            state[name] = state[name].to_plain()
    # Parameters that have been checked are known by their identity.
    state.pop("_validated", None)
    return state


def restored_state(estimator: Any, state: dict[str, Any]) -> dict[str, Any]:
    """An estimator's state from what was saved of it; ValueError if it is damaged."""
    name = type(estimator).__name__
    PlainState(name, state)  # refuses what is no dict
    # Models that were saved before there was a parameter have none of it.
    state = {
        **_defaults(type(estimator)),
        **{key: each for key, each in state.items() if key != "_validated"},
    }
    saved = PlainState(name, state)
    version = state.pop("_fastnn_version", "unknown")
    if version != __version__:
        warnings.warn(
            f"This {name} was saved by fastnn {version} and is loaded by fastnn "
            f"{__version__}: its predictions may differ. Load it with the version that "
            "saved it, or train it again.",
            InconsistentVersionWarning,
            stacklevel=3,
        )
    for parameter in estimator._get_param_names():
        _check_complete(saved.get(parameter, object))
    if set(_TRAINED) & state.keys():
        goes_on = "_training_state" in state
        kind = estimator._training_state_type if goes_on else None
        state |= _trained(saved, kind)
        state["_validated"] = ()
    return state


def _defaults(Estimator: type) -> dict[str, Any]:
    """Parameters that have a default."""
    parameters = signature(Estimator).parameters.values()
    return {
        each.name: each.default
        for each in parameters
        if each.default is not Parameter.empty
    }


def _trained(saved: PlainState, state_type: type[Any] | None) -> dict[str, Any]:
    """The trained network and what belongs to it, from what was saved."""
    fitted, layout = FittedNetwork.from_plain(saved.get("_fitted", dict))
    targets = targets_from_plain(saved.get("_targets", dict), fitted.loss)
    if targets.n_outputs != fitted.plan.n_outputs:
        raise saved.damaged(
            "_targets", f"of {fitted.plan.n_outputs} outputs", targets.n_outputs
        )
    found: dict[str, Any] = {"_fitted": fitted, "_targets": targets}
    if state_type is not None:
        state = state_type.from_plain(saved.get("_training_state", dict), layout.size)
        found["_training_state"] = state.moved(fitted.layout.move_from(layout))
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
            value.check_memory()


def apart(estimator: Any) -> Any:
    """Another object with the same attributes: a copy, and what a call works on.

    See :func:`take_over`.
    """
    other: Any = object.__new__(type(estimator))
    vars(other).update(vars(estimator))
    return other


def memory_of_callbacks(estimator: Any) -> list[tuple[Callback, list[str], dict]]:
    """What the callbacks of an estimator keep for its next call, before one.

    See :func:`fastnn.utils.commit.call_or_put_back`.
    """
    found = []
    for parameter in ("early_stopping", "callbacks"):
        given = getattr(estimator, parameter, None)
        for each in given if isinstance(given, list | tuple) else [given]:
            if isinstance(each, Callback):
                names = list(each._memory_constraints)
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
    memory: list,
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
    memory : list
        What :func:`memory_of_callbacks` has found before the call.
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
    commit(estimator, own | changed, memory, *(draws or ()))
