"""Sequences of different lengths as an array."""

from collections.abc import Sequence as AnySequence
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastnn.utils.plain_numbers import is_integer
from fastnn.utils.sequences import Sequences, starts_of


def pad_sequences(
    sequences: AnySequence,
    max_length: int | None = None,
    *,
    dtype: DTypeLike = "int32",
    padding: str = "post",
    truncating: str = "post",
    value: float = 0,
) -> NDArray:
    """Bring sequences to one length.

    Networks of this library take sequences as they are. What needs an array of one
    length (a ``Flatten`` or a plain ``Conv1D`` behind an embedding, estimators of other
    libraries) takes what this returns. The rules are those of Keras, whose defaults
    are to pad and to cut in front: pass ``padding="pre", truncating="pre"`` for them.

    Parameters
    ----------
    sequences : list of array-like of shape (n_steps, ...)
        Numbers, or arrays of the same shape for each step. They may be empty.
    max_length : int or None, default=None
        The length of all; None is that of the longest.
    dtype : dtype, default="int32"
        Of the array: for steps that are no integers, such as "float32".
    padding : {"post", "pre"}, default="post"
        Whether shorter ones are filled up behind or in front.
    truncating : {"post", "pre"}, default="post"
        Whether longer ones lose their end or their beginning.
    value : float, default=0
        What they are filled up with.

    Returns
    -------
    padded : ndarray of shape (n_samples, max_length, ...)

    Raises
    ------
    ValueError
        If steps are of different shapes, dtype cannot hold their numbers or the value,
        or another argument is not valid.

    See Also
    --------
    SequenceVectorizer : Makes sequences of texts.

    Examples
    --------
    >>> from fastnn.preprocessing import pad_sequences
    >>> pad_sequences([[5, 3], [7], [2, 4, 6]])
    array([[5, 3, 0],
           [7, 0, 0],
           [2, 4, 6]], dtype=int32)
    >>> pad_sequences([[5, 3], [7], [2, 4, 6]], 2, padding="pre", truncating="pre")
    array([[5, 3],
           [0, 7],
           [4, 6]], dtype=int32)
    """
    for name, side in {"padding": padding, "truncating": truncating}.items():
        if side not in ("post", "pre"):
            raise ValueError(f"{name} must be 'post' or 'pre', got {side!r}.")
    if max_length is not None and not is_integer(max_length, 0):
        raise ValueError(
            f"max_length must be an integer from 0 on or None, got {max_length!r}."
        )
    given = as_sequences(sequences)
    dtype = np.dtype(dtype)
    _check_held(given.values, dtype, "sequences")
    _check_held(np.asarray(value), dtype, "value")
    if max_length is None:
        max_length = int(given.lengths.max(initial=0))
    given = cut(given, max_length, truncating)
    shape = len(given), max_length, *given.values.shape[1:]
    padded = np.full(shape, value, dtype)
    places, lengths = np.arange(max_length), given.lengths[:, np.newaxis]
    is_step = places < lengths if padding == "post" else places >= max_length - lengths
    padded[is_step] = given.values
    return padded


def cut(given: Sequences, length: int, truncating: str) -> Sequences:
    """Sequences that are longer lose their end ("post") or their beginning ("pre")."""
    lengths = np.minimum(given.lengths, length)
    steps = np.arange(len(given.values)) - np.repeat(given.starts[:-1], given.lengths)
    if truncating == "post":
        kept = steps < length
    else:
        kept = steps >= np.repeat(given.lengths - lengths, given.lengths)
    return Sequences(given.values[kept], starts_of(lengths))


def as_sequences(sequences: Any) -> Sequences:
    """Samples of any lengths, checked, one after the other.

    Raises
    ------
    ValueError
        If they are no sequences of numbers, or of steps of different shapes.
    """
    if isinstance(sequences, str | bytes) or not hasattr(sequences, "__len__"):
        raise ValueError(
            f"sequences must be a list of sequences, got {sequences!r:.100}."
        )
    arrays = [_as_array(each, place) for place, each in enumerate(sequences)]
    # What is empty says nothing of steps.
    full = [array for array in arrays if len(array)]
    if not full:
        return Sequences(np.empty(0, np.int32), np.zeros(len(arrays) + 1, np.intp))
    shape = full[0].shape[1:]
    for place, array in enumerate(arrays):
        if len(array) and array.shape[1:] != shape:
            raise ValueError(
                f"sequences must have steps of one shape, got {shape} and, in "
                f"sequences[{place}], {array.shape[1:]}."
            )
    return Sequences(np.concatenate(full), starts_of([*map(len, arrays)]))


def _as_array(sequence: Any, place: int) -> NDArray:
    try:
        array = np.asarray(sequence)
    except ValueError:  # steps of different lengths
        array = np.empty((), object)
    if array.ndim == 0 or (array.size and array.dtype.kind not in "iufb"):
        raise ValueError(
            "sequences must hold sequences of numbers, got "
            f"{sequence!r:.100} as sequences[{place}]. SequenceVectorizer makes "
            "sequences of texts."
        )
    return array


def _check_held(numbers: NDArray, dtype: np.dtype, name: str) -> None:
    """Refuse numbers that would become others; floats may be rounded."""
    is_same: Literal["same_kind", "safe"] = "same_kind" if dtype.kind == "f" else "safe"
    if np.can_cast(numbers.dtype, dtype, is_same):
        return
    if dtype.kind in "iu" and (numbers.dtype.kind in "iu" or not numbers.ndim):
        limits, least, most = (
            np.iinfo(dtype),
            numbers.min(initial=0),
            numbers.max(initial=0),
        )
        if limits.min <= least and most <= limits.max and np.all(numbers % 1 == 0):
            return
        found = str(numbers) if not numbers.ndim else f"numbers from {least} to {most}"
    else:
        found = f"{numbers.dtype} numbers"
    raise ValueError(
        f"{name} must hold what dtype={dtype.name!r} can, got {found}. Pass another "
        "dtype, such as 'float32' or 'int64'."
    )
