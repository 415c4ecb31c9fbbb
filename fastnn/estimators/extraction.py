"""Parts of a fitted network as descriptions that start from its weights."""

from collections.abc import Iterator
from typing import Any

from sklearn.base import clone

from fastnn.estimators.fitted import FittedNetwork
from fastnn.layers.base import Part
from fastnn.network import Network, Pretrained, Trace, Weights, trace
from fastnn.network.wiring import Wiring


def part_of(fitted: FittedNetwork, described: Any, name: str) -> str:
    """The name of a part in a fitted network, for that which the user knows.

    Parameters
    ----------
    fitted : FittedNetwork
    described : Network or None
        What the user describes; None describes nothing.
    name : str
        By which parameters are reached, "block__dense", or weights, "block/dense".

    Raises
    ------
    ValueError
        If there is no such part.
    """
    name = name.replace("/", "__")
    parts = _parts(fitted.network)
    if described is not None and name in _parts(described) and name not in parts:
        # What the user describes is one part, before the output layer.
        ((first, _), *_) = fitted.network.named_parts()
        name = f"{first}__{name}"
    if name not in parts:
        raise ValueError(
            f"the network has no part {name!r}. Its parts are {sorted(parts)}."
        )
    return name


def _parts(network: Network) -> dict[str, Part]:
    params = network.get_params(deep=True)
    return {key: each for key, each in params.items() if isinstance(each, Part)}


def extracted(fitted: FittedNetwork, name: str) -> Pretrained:
    """A part of a fitted network, by a name that :func:`part_of` has given.

    Raises
    ------
    ValueError
        If it has several inputs or outputs.
    """
    parts = _parts(fitted.network)
    part = parts[name]
    if part.many_inputs or part.many_outputs:
        within = [key for key in parts if key.startswith(f"{name}__")]
        raise ValueError(
            f"part {name!r} is {type(part).__name__}, which has several inputs or "
            "outputs and starts from no weights as a whole. Extract single parts of "
            f"the network: {within or sorted(parts)}."
        )
    whole = trace(fitted.network)
    way = _way_to(part, whole)
    ways = {"": way}
    if isinstance(part, Wiring):
        ways = dict(_ways(trace(part), way, whole))
    plan = fitted.plan
    views = list(zip(plan.parameters, plan.views(fitted.parameters), strict=True))
    weights = {
        f"{own}{parameter.name.removeprefix(way)}".removeprefix("/"): view.copy()
        for own, way in ways.items()
        for parameter, view in views
        if parameter.name.startswith(f"{way}/")
    }
    if isinstance(part, Pretrained):
        part, weights = (
            part.part,
            {key.removeprefix("part/"): each for key, each in weights.items()},
        )
    return Pretrained(clone(part), Weights(weights))


def _ways(own: Trace, way: str, whole: Trace) -> Iterator[tuple[str, str]]:
    """How names of parameters begin, in a part by itself and in the whole network.

    What stands in several places has the name of the first, which may be elsewhere.
    """
    for node in own.nodes:
        if node.part is None:
            continue
        there = _way_to(node.part, whole) if node.listed else f"{way}/{node.name}"
        if node.inner is None:
            yield node.path, there
        else:
            yield from _ways(node.inner, there, whole)


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
