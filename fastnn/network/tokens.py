"""Which inputs of a network are tokens, and how inputs of both kinds are made."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastnn.layers import Embedding
from fastnn.network.readers import readers_of
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


def _embeddings_of(
    network: Wiring, names: Sequence[str] | None
) -> dict[str, list[Embedding]]:
    """The embeddings that read an input, for each that has some."""
    found: dict[str, list[Embedding]] = {}
    for name, readers in readers_of(network, names).items():
        embeddings = [part for _, part in readers if isinstance(part, Embedding)]
        others = [each for each in readers if not isinstance(each[1], Embedding)]
        for each in embeddings:
            each._validate_params()
        if embeddings and others:
            own, part = others[-1]
            raise ValueError(
                f"the input {name!r} is tokens, which {embeddings[0]!r} reads, but "
                f"{own!r}, {part!r}, reads it as well: an Embedding must read tokens. "
                "Let one stand in front of it, or pass numbers as an input of their "
                "own (fastnn.Inputs)."
            )
        if embeddings:
            found[name] = embeddings
    return found


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
