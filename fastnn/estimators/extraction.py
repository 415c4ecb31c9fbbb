"""Parts of a fitted network as descriptions that start from its weights."""

from typing import Any

from sklearn.base import clone

from fastnn.estimators.fitted import FittedNetwork
from fastnn.layers.base import Part
from fastnn.network import Pretrained, Trace, trace


def extracted(fitted: FittedNetwork, name: str) -> Pretrained:
    """A part of a fitted network, by the name that parameters are reached by.

    Raises
    ------
    ValueError
        If there is no part of this name.
    """
    params = fitted.network.get_params(deep=True)
    parts = {key: each for key, each in params.items() if isinstance(each, Part)}
    if name not in parts:
        raise ValueError(
            f"the network has no part {name!r}. Its parts are {sorted(parts)}."
        )
    part = parts[name]
    way = _way_to(part, trace(fitted.network)) + "/"
    plan = fitted.plan
    views = zip(plan.parameters, plan.views(fitted.parameters), strict=True)
    weights = {
        parameter.name.removeprefix(way): view.copy()
        for parameter, view in views
        if parameter.name.startswith(way)
    }
    if isinstance(part, Pretrained):
        part, weights = (
            part.part,
            {key.removeprefix("part/"): each for key, each in weights.items()},
        )
    return Pretrained(clone(part), weights)


def _way_to(part: Part, wiring: Trace) -> Any:
    """What the names of a part's parameters begin with."""
    for node in wiring.nodes:
        if node.part is part:
            return node.path
        if node.inner is not None:
            found = _way_to(part, node.inner)
            if found is not None:
                return found
    return None
