"""Which layers read the inputs of a network."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastnn.layers.base import Part
from fastnn.network.columns import Columns
from fastnn.network.wiring import Wiring


class _Input(str):
    """The name of an input, as what flows through the network."""

    __slots__ = ()


def readers_of(
    network: Wiring, names: Sequence[str] | None = None
) -> dict[str, list[tuple[str, Part]]]:
    """The layers that read each input of a network, in the order of its parts.

    Parameters
    ----------
    network : Network
    names : sequence of str, default=None
        Names of the inputs. None are those that the network itself has if it takes
        several, and else "X", for a single table.

    Returns
    -------
    readers : dict of str to list of (str, Part) tuples
        By the name of the input names of the layers in the network, or in the one
        within it that they stand in, and these.

    Examples
    --------
    >>> from fastnn import Sequential
    >>> from fastnn.layers import Dense
    >>> from fastnn.network.readers import readers_of
    >>> readers_of(Sequential([Sequential([Dense(8, "relu")]), Dense(2)]))
    {'X': [('dense', Dense(activation='relu', units=8))]}
    """
    if names is None:
        names = network.input_names() if network.many_inputs else ["X"]
    found: dict[str, list[tuple[str, Part]]] = {name: [] for name in names}

    def apply(own: str, part: Part, read: Any) -> Any:
        if isinstance(part, Columns) and isinstance(read, Mapping):
            return part.of(read)
        if isinstance(part, Wiring):
            return part.forward(read, apply)
        for value in read if part.many_inputs else [read]:
            if isinstance(value, _Input):
                found[value].append((own, part))
        return None

    several = network.many_inputs or len(names) > 1
    values = {name: _Input(name) for name in names}
    network.forward(values if several else values[names[0]], apply)
    return found
