"""Samples of tokens: integers that an embedding looks up."""

from array import array
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.utils.sequences import Sequences, starts_of

_WORDS = (
    "Words become tokens by fastnn.preprocessing.SequenceVectorizer, or by the numbers "
    "that a vocabulary of your own gives them."
)


def tokens_of_samples(name: str, samples: Sequence[Any]) -> Sequences:
    """Lists or arrays of integers, one for each sample, one after the other.

    Parameters
    ----------
    name : str
        What the user calls them.
    samples : sequence of array-like of shape (n_steps,)

    Raises
    ------
    ValueError
        If one of them is something else, or empty.
    """
    kinds = set(map(type, samples))
    found = None
    if kinds == {list}:
        found = _of_lists(samples)
    elif kinds == {np.ndarray} and _are_plain(samples):
        found = _joined(samples)
    if found is None:
        found = _joined([_of_one(name, *each) for each in enumerate(samples)])
    lengths = found.lengths
    if not lengths.all():
        raise _empty(name, int(np.argmin(lengths)))
    return found


def tokens_of_array(name: str, X: Any) -> NDArray:
    """A table of tokens as an array of integers.

    Raises
    ------
    ValueError
        If they are something else.
    """
    found = _settled(np.asarray(X))
    if not found.ndim:
        raise ValueError(
            f"{name} must have a list or an array of tokens, which are integers, for "
            f"each sample, got {X!r} ({type(X).__name__})."
        )
    if found.size and found.dtype.kind not in "iub":
        sample, *step = np.unravel_index(_first_wrong(found), found.shape)
        place = _place(int(sample), *map(int, step))
        raise _no_token(name, found[(sample, *step)], place)
    return found


def check_tokens(name: str, tokens: NDArray | Sequences, n_tokens: int) -> None:
    """Refuse tokens that the embedding which reads them has no row for.

    Parameters
    ----------
    name : str
        What the user calls them.
    tokens : ndarray of shape (n_samples, ...) or Sequences
        Integers.
    n_tokens : int
        The embedding's ``input_dim``.

    Raises
    ------
    ValueError
    """
    values = tokens.values if isinstance(tokens, Sequences) else tokens
    if not values.size or (values.min() >= 0 and values.max() < n_tokens):
        return
    first = int(np.argmax(((values < 0) | (values >= n_tokens)).ravel()))
    token = values.ravel()[first]
    if isinstance(tokens, Sequences):
        place = _place(*tokens.place_of(first))
    else:
        place = _place(*map(int, np.unravel_index(first, values.shape)))
    remedy = (
        "Number them from 0."
        if token < 0
        else f"Set its input_dim to {int(values.max()) + 1} or more and call fit, or "
        "have one token stand for all that are rare or were not there in fit, as "
        "fastnn.preprocessing.SequenceVectorizer does."
    )
    raise ValueError(
        f"{name} holds the token {token} in {place}, but the network's Embedding has a "
        f"vocabulary of input_dim={n_tokens}, tokens from 0 to {n_tokens - 1}. {remedy}"
    )


def without_padding(name: str, tokens: Sequences) -> Sequences:
    """The same tokens without the zeros at the ends of samples.

    Raises
    ------
    ValueError
        If a sample has nothing else.
    """
    values, starts = tokens.values, tokens.starts
    ends = starts[1:].copy()
    # Those that end in a zero so far. Each turn takes one off each of them.
    open_ = np.flatnonzero(values[ends - 1] == 0)
    if not open_.size:
        return tokens
    kept = np.ones(len(values), bool)
    while open_.size:
        ends[open_] -= 1
        kept[ends[open_]] = False
        nothing = open_[ends[open_] == starts[open_]]
        if nothing.size:
            raise ValueError(
                f"{name} has nothing but padding, the token 0, in sample "
                f"{nothing.min()}: the network's Embedding has mask_zero=True, and a "
                "sample needs one token at least that counts. Leave such samples out, "
                "or let a token of its own say that there is none."
            )
        open_ = open_[values[ends[open_] - 1] == 0]
    return Sequences(values[kept], starts_of(ends - starts[:-1]))


def _of_lists(samples: Sequence[list]) -> Sequences | None:
    """Lists of Python's integers; None if something else is among them."""
    found = array("q")
    try:
        for sample in samples:  # no float, and no word, is taken for an integer here
            found.fromlist(sample)
    except (TypeError, OverflowError):
        return None
    values = np.frombuffer(found, np.int64) if len(found) else np.empty(0, np.int64)
    return Sequences(values, starts_of([*map(len, samples)]))


def _are_plain(samples: Sequence[NDArray]) -> bool:
    return all(each.ndim == 1 for each in samples) and all(
        dtype.kind in "iub" for dtype in {each.dtype for each in samples}
    )


def _joined(samples: Sequence[NDArray]) -> Sequences:
    """Arrays of integers one after the other, as integers."""
    dtype = np.result_type(*{each.dtype for each in samples})
    if dtype.kind == "f":  # of int64 and uint64, the one for negative tokens
        negative = any(each.min(initial=0) < 0 for each in samples)
        dtype = np.dtype(np.int64 if negative else np.uint64)
    values = np.concatenate(samples, dtype=dtype.newbyteorder("="), casting="unsafe")
    return Sequences(values, starts_of([*map(len, samples)]))


def _settled(found: NDArray) -> NDArray:
    """Objects, such as columns of several dtypes, as numbers if they are all such."""
    if found.dtype.kind != "O" or not found.ndim:
        return found
    try:
        return np.array(found.tolist())
    except ValueError:  # lists of different lengths among them
        return found


def _of_one(name: str, number: int, sample: Any) -> NDArray:
    """One sample as an array of integers."""
    if isinstance(sample, str | bytes) or not hasattr(sample, "__len__"):
        raise ValueError(
            f"{name} must have a list or an array of tokens, which are integers, for "
            f"each sample, got {_shown(sample)} for sample {number}."
            f"{' ' + _WORDS if isinstance(sample, str | bytes) else ''}"
        )
    try:
        found = _settled(np.asarray(sample))
    except ValueError:  # lists of different lengths within
        found = np.empty((0, 0), object)
    if found.ndim == 1 and not found.size:
        raise _empty(name, number)
    if found.ndim != 1:
        raise ValueError(
            f"{name} must have a list or an array of tokens, which are integers, for "
            f"each sample, got one of {_nested(sample, found)} for sample {number}. "
            "Pass one token for each step, or, of numbers, let another layer than "
            "Embedding read them."
        )
    if found.dtype.kind not in "iub":
        step = int(_first_wrong(np.array(list(sample), dtype=object)))
        raise _no_token(name, list(sample)[step], _place(number, step))
    return found


def _first_wrong(values: NDArray) -> int:
    """The place of the first that is no integer; that of the first if all are."""
    wrong = [
        not isinstance(each, int | np.integer | np.bool_)
        for each in values.ravel()[: 1 << 20]
    ]
    return wrong.index(True) if True in wrong else 0


def _no_token(name: str, got: Any, place: str) -> ValueError:
    if isinstance(got, str | bytes):
        remedy = _WORDS
    elif isinstance(got, float | np.floating):
        remedy = (
            "If all are whole numbers, make them integers, with astype(int); numbers "
            "that are measured are for another layer than Embedding."
        )
    else:
        remedy = "Pass integers from 0 on."
    return ValueError(
        f"{name} must hold tokens, which are integers, because the network's first "
        f"layer is an Embedding; got {_shown(got)} in {place}. {remedy}"
    )


def _empty(name: str, number: int) -> ValueError:
    return ValueError(
        f"{name} has no steps in sample {number}: each sample must have one at least. "
        "Leave empty samples out, or let a token or a value of its own say that there "
        "is nothing."
    )


def _place(sample: int, *step: int) -> str:
    if not step:
        return f"sample {sample}"
    return f"sample {sample} at step {step[0] if len(step) == 1 else step}"


def _shown(value: Any) -> str:
    """A value and its kind, not longer than a line."""
    text = repr(value)
    text = text if len(text) <= 30 else text[:27] + "..."
    return f"{text} ({type(value).__name__})"


def _nested(sample: Any, found: NDArray) -> str:
    if found.size:
        return f"shape {found.shape}"
    return f"lists within lists, such as {_shown(next(iter(chain(sample)), None))}"
