"""Networks that are any directed graph without cycles."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from fastnn.layers.base import Part
from fastnn.network.base import ListedNetwork
from fastnn.network.checks import check_gives_one
from fastnn.network.wiring import Apply


class Graph(ListedNetwork):
    """Named parts, each of which says what it reads.

    Parameters
    ----------
    nodes : list of (str, Layer or Network, str or list of str) tuples
        Name, part, and the names of the nodes or inputs that the part reads: one, or a
        list of several for parts that merge. They may stand in any order. A part object
        that stands in several nodes is one part, with one set of weights.
    inputs : str or sequence of str, default=("x",)
        Names of what the graph takes. One of several inputs is taken as a sequence in
        this order, or a mapping by these names.
    outputs : str or sequence of str, default=None
        Names of the nodes whose values the graph gives. One that gives several can only
        end a network. None means the node that no other reads.
    trainable : bool, default=True
        Whether the parts are trained.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0, beside those of the parts.

    Examples
    --------
    >>> from fastnn import Graph
    >>> from fastnn.layers import Dense, Dropout
    >>> network = Graph(
    ...     [
    ...         ("hidden", Dense(64, "relu"), "x"),
    ...         ("dropped", Dropout(0.5), "hidden"),
    ...         ("scores", Dense(3), "dropped"),
    ...         ("size", Dense(1), "hidden"),
    ...     ],
    ...     outputs=["scores", "size"],
    ... )
    >>> network.output_shape((8,))
    {'scores': (3,), 'size': (1,)}
    >>> network.set_params(hidden__units=32).nodes[0]
    ('hidden', Dense(activation='relu', units=32), 'x')
    """

    _parameter_constraints: ClassVar[dict] = {
        "nodes": "no_validation",  # named_parts and _order do it
        "inputs": "no_validation",
        "outputs": "no_validation",
        **Part._of_training,
    }
    _list = "nodes"
    _item = "as (name, part, inputs)"
    _lengths = (3,)

    def __init__(
        self,
        nodes: Sequence[tuple[str, Part, str | Sequence[str]]],
        inputs: str | Sequence[str] = ("x",),
        outputs: str | Sequence[str] | None = None,
        *,
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.nodes = nodes
        self.inputs = inputs
        self.outputs = outputs
        self.trainable = trainable
        self.learning_rate = learning_rate

    def input_names(self) -> list[str]:
        """Names of what the graph takes.

        Returns
        -------
        names : list of str
        """
        return _names("inputs", self.inputs)

    @property
    def many_outputs(self) -> bool:
        """Whether the graph gives several values."""
        outputs = self.output_names()
        return len(outputs) > 1 or dict(self.named_parts())[outputs[0]].many_outputs

    def output_names(self) -> list[str]:
        """Names of the nodes whose values the graph gives.

        Returns
        -------
        names : list of str

        Raises
        ------
        ValueError
            If there is no such node, or none is named and several are read by no other.
        """
        reads = self.reads()
        if self.outputs is not None:
            names = _names("outputs", self.outputs)
            for name in names:
                if name not in reads:
                    raise ValueError(
                        f"outputs has {name!r}, but the nodes are called "
                        f"{sorted(reads)}."
                    )
            return names
        read = {name for names in reads.values() for name in names}
        ends = [name for name in reads if name not in read]
        if len(ends) > 1:
            raise ValueError(
                f"outputs=None means the node that no other reads, but it is {ends}. "
                "Name the outputs, or take out what is not used."
            )
        return ends

    def forward(self, x: Any, apply: Apply) -> Any:
        """Apply each part to what it reads; see :meth:`Network.forward`."""
        reads, parts = self.reads(), dict(self.named_parts())
        outputs = self.output_names()
        self._check_used(reads, outputs)
        values = self._inputs(x)
        for name, sources in reads.items():
            part, value = parts[name], [values[each] for each in sources]
            if len(outputs) > 1 or name not in outputs:
                check_gives_one(part, f"node {name!r}")
            if not part.many_inputs:
                values[name] = apply(name, part, value[0])
                continue
            try:
                values[name] = apply(name, part, value)
            except ValueError as error:
                told = f"node {name!r} cannot take {sources}: {error}"
                raise ValueError(told) from error
        if len(outputs) == 1:
            return values[outputs[0]]
        return {name: values[name] for name in outputs}

    def _inputs(self, x: Any) -> dict[str, Any]:
        """Values by the names of the inputs."""
        names = self.input_names()
        if len(names) == 1:
            return {names[0]: x}
        if isinstance(x, Mapping) and set(x) == set(names):
            return {name: x[name] for name in names}
        if isinstance(x, Mapping):
            raise ValueError(
                f"a Graph with the inputs {names} needs a value for each of these "
                f"names, got values for {list(x)}. Let inputs= of the Graph and the "
                "names of what it takes be the same."
            )
        if not isinstance(x, list | tuple) or len(x) != len(names):
            got = f"{len(x)} values" if isinstance(x, list | tuple) else repr(x)
            raise ValueError(
                f"a Graph with the inputs {names} needs {len(names)} values, got "
                f"{got}. Pass one for each, in this order or as a dict by these names."
            )
        return dict(zip(names, x, strict=True))

    def reads(self) -> dict[str, list[str]]:
        """What each node reads, in an order in which all is there when it is read.

        Returns
        -------
        reads : dict of str to list of str
            The order of the nodes, as far as they need not wait for others.

        Raises
        ------
        ValueError
            If a name is unknown, or nodes wait for each other.
        """
        named, inputs = self.named_parts(), self.input_names()
        reads: dict[str, list[str]] = {}
        for (name, part), node in zip(named, self.nodes, strict=True):
            if name in inputs:
                raise ValueError(
                    f"node {name!r} has the name of an input. Nodes and inputs must "
                    "have names of their own."
                )
            reads[name] = _names(f"the inputs of node {name!r}", node[2], once=False)
            if len(reads[name]) > 1 and not part.many_inputs:
                raise ValueError(
                    f"node {name!r} reads {reads[name]}, but {type(part).__name__} "
                    "takes one input. Merge them in a node of their own first."
                )
        if not reads:
            raise ValueError("nodes must hold at least one node, got an empty list.")
        for name, sources in reads.items():
            for source in sources:
                if source not in reads and source not in inputs:
                    raise ValueError(
                        f"node {name!r} reads {source!r}, but the inputs are called "
                        f"{inputs} and the nodes {sorted(reads)}."
                    )
        return _in_order(reads)

    def _check_used(self, reads: dict[str, list[str]], outputs: list[str]) -> None:
        used = set(outputs)
        for name in reversed(reads):
            if name in used:
                used.update(reads[name])
        inputs = self.input_names()
        unused = [f"node {name!r}" for name in reads if name not in used]
        unused += [f"input {name!r}" for name in inputs if name not in used]
        if unused:
            raise ValueError(
                f"{' and '.join(unused)} of a Graph lead to none of its outputs, "
                f"{outputs}. Take out what is not used, or name it in outputs."
            )


def _in_order(reads: dict[str, list[str]]) -> dict[str, list[str]]:
    """The order that is given, but for nodes that have to wait for what they read."""
    ordered: dict[str, list[str]] = {}
    waiting = list(reads)
    while waiting:
        for name in waiting:
            if not any(source in waiting for source in reads[name]):
                break
        else:
            raise ValueError(f"nodes must have no cycle, but {_cycle(waiting, reads)}.")
        ordered[name] = reads[name]
        waiting.remove(name)
    return ordered


def _cycle(waiting: list[str], reads: dict[str, list[str]]) -> str:
    """A way from a node back to itself, where all wait for others."""
    way = waiting[:1]
    while True:
        source = next(name for name in reads[way[-1]] if name in waiting)
        if source in way:
            circle = [*way[way.index(source) :], source]
            return " reads ".join(repr(name) for name in circle)
        way.append(source)


def _names(what: str, names: Any, *, once: bool = True) -> list[str]:
    """A name, or a sequence of names, as a list."""
    found = [names] if isinstance(names, str) else names
    if (
        not isinstance(found, list | tuple)
        or not found
        or not all(isinstance(name, str) for name in found)
        or (once and len(set(found)) < len(found))
    ):
        different = "different names" if once else "names"
        raise ValueError(
            f"{what} must be a name, or a list of {different}, got {names!r}."
        )
    return list(found)
