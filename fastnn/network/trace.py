"""The wiring of a network as records: what its table and its drawing are made of."""

from dataclasses import dataclass
from typing import Any

from fastnn.layers.base import Part
from fastnn.network.steps import shape_given
from fastnn.network.wiring import Wiring


@dataclass(frozen=True)
class Node:
    """An input of a network, or a place in it where a part stands.

    Parameters
    ----------
    name : str
        Its name in the network.
    path : str
        What the names of its parameters begin with: the way to its first place.
    part : Part or None
        None for an input.
    reads : tuple of int
        Numbers of the nodes that it reads.
    shape : tuple of int, dict or None
        Of what it gives; None if the shape of the input is not known.
    listed : bool
        Whether it is one of the network's named parts.
    again : bool
        Whether the part stood somewhere before.
    inner : Trace or None
        What is within it.
    """

    name: str
    path: str
    part: Part | None
    reads: tuple[int, ...]
    shape: Any
    listed: bool = False
    again: bool = False
    inner: "Trace | None" = None


@dataclass(frozen=True)
class Trace:
    """Nodes in an order in which all is there when it is read, and what they give.

    Parameters
    ----------
    nodes : list of Node
        Inputs come first.
    outputs : dict of str to int
        Numbers of the nodes that give the outputs. A single one has the name "".
    shape : tuple of int, dict or None
        Of the output, or of all outputs by name.
    """

    nodes: list[Node]
    outputs: dict[str, int]
    shape: Any


@dataclass(frozen=True)
class _Value:
    """What flows through a network here: who gives it, and its shape."""

    node: int
    shape: Any


def trace(network: Wiring, input_shape: Any = None) -> Trace:
    """Let shapes flow through a network, and note what each place reads and gives.

    Parameters
    ----------
    network : Network
    input_shape : tuple of int, default=None
        Of one sample; a dict by name, or a sequence, where there are several inputs.
        None traces the wiring alone.

    Returns
    -------
    trace : Trace

    Raises
    ------
    ValueError
        If the network is not valid, or the shapes do not fit.
    """
    names = network.input_names()
    shapes: list[Any]
    if input_shape is None:
        shapes = [None] * len(names)
    elif len(names) == 1 and isinstance(input_shape, dict):
        shapes = [input_shape]  # of several inputs that branches name
    elif len(names) == 1:
        if not isinstance(input_shape, tuple | list):
            raise ValueError(
                "input_shape must be the shape of one sample, such as (8,), got "
                f"{input_shape!r}."
            )
        shapes = [tuple(input_shape)]
    elif isinstance(input_shape, dict) and set(input_shape) == set(names):
        shapes = [input_shape[name] for name in names]
    elif isinstance(input_shape, list | tuple) and len(input_shape) == len(names):
        shapes = list(input_shape)
    else:
        raise ValueError(
            f"input_shape must have a shape for each of the inputs {names}, got "
            f"{input_shape!r}."
        )
    return _trace(network, names, shapes, "", {})


def _trace(
    network: Wiring,
    names: list[str],
    shapes: list[Any],
    way: str,
    seen: dict[int, tuple[Part, str]],
) -> Trace:
    nodes = [
        Node(name, way + name, None, (), shape)
        for name, shape in zip(names, shapes, strict=True)
    ]
    listed = {name for name, _ in network.named_parts()}

    def apply(name: str, part: Part, value: Any) -> _Value:
        values: list[_Value] = list(value) if part.many_inputs else [value]
        given = [each.shape for each in values]
        again = id(part) in seen
        path = seen.setdefault(id(part), (part, way + name))[1]
        inner, shape = None, None
        if isinstance(part, Wiring):
            inner = _trace(part, part.input_names(), given, f"{path}/", seen)
            shape = inner.shape
        elif None not in given:
            shape = shape_given(name, part, given if part.many_inputs else given[0])
        reads = tuple(each.node for each in values)
        nodes.append(Node(name, path, part, reads, shape, name in listed, again, inner))
        return _Value(len(nodes) - 1, shape)

    values = [_Value(number, shape) for number, shape in enumerate(shapes)]
    given = network.forward(values if network.many_inputs else values[0], apply)
    if isinstance(given, dict):
        shape = {name: value.shape for name, value in given.items()}
        return Trace(nodes, {name: value.node for name, value in given.items()}, shape)
    return Trace(nodes, {"": given.node}, given.shape)
