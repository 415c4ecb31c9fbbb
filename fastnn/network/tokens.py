"""Which inputs of a network are tokens, and how inputs of both kinds are made."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastnn.layers import Embedding
from fastnn.layers.base import Part
from fastnn.network.columns import Columns
from fastnn.network.steps import are_sequences
from fastnn.network.wiring import Wiring
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor


def tokens_of(network: Wiring, names: Sequence[str] | None = None) -> dict[str, int]:
    """Inputs that are tokens, integers that an embedding reads.

    Parameters
    ----------
    network : Network
    names : sequence of str, default=None
        Names of the inputs. None are those that the network itself has if it takes
        several, and else "X", for a single table.

    Returns
    -------
    tokens : dict of str to int
        By the name of the input how many different tokens there are: they are integers
        from 0 on. That is the ``input_dim`` of the embedding, the least of several.

    Raises
    ------
    ValueError
        If an embedding and another layer read one input.

    Examples
    --------
    >>> from fastnn.layers import Dense, Embedding, GlobalAveragePooling1D
    >>> from fastnn.network import Branches, Sequential, tokens_of
    >>> words = Sequential([Embedding(1000, 8), GlobalAveragePooling1D()])
    >>> tokens_of(Sequential([words, Dense(2)]))
    {'X': 1000}
    >>> both = Branches([("words", words, "text"), ("others", Dense(4), "numbers")])
    >>> tokens_of(both, ["text", "numbers"])
    {'text': 1000}
    """
    return {
        name: min(int(each.input_dim) for each in readers)
        for name, readers in _embeddings_of(network, names).items()
    }


def masks_zeros(network: Wiring, names: Sequence[str] | None = None) -> set[str]:
    """Inputs whose zeros all embeddings that read them mask: see :func:`tokens_of`.

    Parameters
    ----------
    network : Network
    names : sequence of str, default=None

    Returns
    -------
    masked : set of str
        Zeros at the end of such a sequence can be cut off.
    """
    found = _embeddings_of(network, names)
    return {
        name
        for name, readers in found.items()
        if all(each.mask_zero for each in readers)
    }


class _Input(str):
    """The name of an input, as what flows through the network."""

    __slots__ = ()


def _embeddings_of(
    network: Wiring, names: Sequence[str] | None
) -> dict[str, list[Embedding]]:
    """The embeddings that read an input, for each that has some."""
    if names is None:
        names = network.input_names() if network.many_inputs else ["X"]
    found: dict[str, list[Embedding]] = {name: [] for name in names}
    others: dict[str, tuple[str, Part]] = {}

    def apply(own: str, part: Part, read: Any) -> Any:
        if isinstance(part, Columns) and isinstance(read, Mapping):
            return part.of(read)
        if isinstance(part, Wiring):
            return part.forward(read, apply)
        for value in read if part.many_inputs else [read]:
            if isinstance(value, _Input) and isinstance(part, Embedding):
                part._validate_params()
                found[value].append(part)
            elif isinstance(value, _Input):
                others[value] = own, part
        return None

    several = network.many_inputs or len(names) > 1
    values = {name: _Input(name) for name in names}
    network.forward(values if several else values[names[0]], apply)
    for name, (own, part) in others.items():
        if found[name]:
            raise ValueError(
                f"the input {name!r} is tokens, which {found[name][0]!r} reads, but "
                f"{own!r}, {part!r}, reads it as well: an Embedding must read tokens. "
                "Let one stand in front of it, or pass numbers as an input of their "
                "own (fastnn.Inputs)."
            )
    return {name: readers for name, readers in found.items() if readers}


def make_input(
    tape: Tape,
    shape: Sequence[Any],
    name: str = "X",
    tokens: Mapping[str, int] | None = None,
) -> Tensor:
    """An input of a network on a tape.

    Parameters
    ----------
    tape : Tape
    shape : sequence of int
        Of a sample; that of sequences of different lengths begins with None.
    name : str, default="X"
    tokens : mapping of str to int, default=None
        What :func:`tokens_of` says of the network.
    """
    n_tokens = (tokens or {}).get(name)
    if are_sequences(shape):
        return tape.input(tuple(shape[1:]), name, n_tokens, steps=True)
    return tape.input(tuple(shape), name, n_tokens)
