"""Plans, of which equal descriptions of networks share one."""

import copy
import weakref
from functools import lru_cache
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from sklearn.base import BaseEstimator

from fastnn.engine.predictor import Predictor
from fastnn.estimators.data.inputs import Shape
from fastnn.losses import Loss
from fastnn.network import Network, lower
from fastnn.plan.records import Plan

# A description of more objects, numbers and words than this is not kept.
LARGEST_KEY = 2000


def plan_of(network: Network, input_shape: Shape, loss: Loss) -> tuple[Plan, Predictor]:
    """The plan of a network for samples of one shape, and its forward half.

    Plans are immutable and hold no weights, so all may share one. Only descriptions
    made of fastnn's own classes, numbers and words are remembered: what a user owns,
    such as initial weights or all that a function refers to, goes when its model goes.
    A plan with functions is shared as long as a model has it.
    """
    description = _Description(network, input_shape, loss)
    if description.key is None:
        return _lowered(network, input_shape, loss)
    if not description.functions:
        return _shared(description)
    plan = _in_use.get(description.key)
    if plan is None:
        plan, _ = _of_copies(description)
        _in_use[description.key] = plan
    return plan, Predictor(plan)


class _Description:
    """What a plan is made from; equal to another one that says the same.

    It outlives the network in the cache and must not keep it alive.
    """

    def __init__(self, network: Network, input_shape: Shape, loss: Loss):
        self.network, self.loss = weakref.ref(network), weakref.ref(loss)
        self.input_shape = input_shape
        key = _Key()
        try:
            self.key = key.of((network, input_shape, loss))
        except _NotPlainError:
            self.key = None
        self.functions = key.functions

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Description) and self.key == other.key


class _NotPlainError(Exception):
    """A description has something in it that is not to be kept."""


class _Key:
    """Writes a description down as nested tuples."""

    def __init__(self) -> None:
        self.functions: list[Any] = []
        self._places: dict[int, int] = {}
        self._n_left = LARGEST_KEY

    def of(self, value: Any) -> Any:
        """What stands in the description twice is named by its place."""
        self._n_left -= 1
        kind = type(value)
        if kind in (list, tuple) and len(value) <= self._n_left:
            return kind, tuple(self.of(item) for item in value)
        if value is None or kind in (bool, int, float, str):
            return kind, value
        if kind is dict and len(value) <= self._n_left:
            return kind, tuple(self.of(pair) for pair in value.items())
        if kind is slice:
            return kind, self.of((value.start, value.stop, value.step))
        if isinstance(value, np.integer | np.floating | np.bool_):
            return kind, value.item()
        if callable(value):
            # Of two functions only one and the same does the same for sure.
            self.functions.append(value)
            return kind, id(value)
        if not isinstance(value, BaseEstimator) or not _is_ours(kind):
            raise _NotPlainError
        if id(value) in self._places:
            return "again", self._places[id(value)]
        self._places[id(value)] = len(self._places)
        parts = [(name, self.of(item)) for name, item in vars(value).items()]
        if self._n_left < 0:
            raise _NotPlainError
        return kind, tuple(parts)


def _is_ours(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == __name__.partition(".")[0]


# Searches, cross-validations and small calls of partial_fit fit the same network again
# and again, and writing its plan takes as long as an epoch of a thousand samples.
@lru_cache(maxsize=64)
def _shared(description: _Description) -> tuple[Plan, Predictor]:
    return _of_copies(description)


# Those with functions. A plan that is here has its functions, so that no others can
# have their numbers in the key.
_in_use: WeakValueDictionary[Any, Plan] = WeakValueDictionary()


def _of_copies(description: _Description) -> tuple[Plan, Predictor]:
    """A plan that names none of the objects that it is described by."""
    themselves: dict[int, Any] = {id(each): each for each in description.functions}
    described = description.network(), description.loss()
    network, loss = copy.deepcopy(described, themselves)
    return _lowered(network, description.input_shape, loss)


def _lowered(network: Any, input_shape: Shape, loss: Any) -> tuple[Plan, Predictor]:
    plan = lower(network, input_shape=input_shape, loss=loss)
    return plan, Predictor(plan)
