"""Samples that are sequences, of lists of them and whatever else may hold such."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from fastnn.estimators.data.steps import (
    check_finite,
    check_some_count,
    rank_of,
    steps_of,
    steps_of_samples,
)
from fastnn.estimators.data.tokens import (
    check_tokens,
    tokens_of_array,
    tokens_of_samples,
    without_padding,
)
from fastnn.utils.sequences import Sequences


class Reading(NamedTuple):
    """What a network does first with an input, as far as the input depends on that.

    Parameters
    ----------
    n_tokens : int, default=0
        Above 0 it looks up tokens, so many different ones; else it takes numbers.
    mask_zero : bool, default=False
        Whether the token 0 is padding.
    mask_value : float, default=None
        What steps consist of that are masked; None are none.
    """

    n_tokens: int = 0
    mask_zero: bool = False
    mask_value: float | None = None


def read(
    name: str,
    X: Any,
    reading: Reading,
    expected: tuple[int | None, ...] | None,
    dtypes: Sequence[type],
) -> Any:
    """An input as sequences, where its samples are such, or else as it is.

    Parameters
    ----------
    name : str
        What the user calls it.
    X : object
        As the user passes it: a list, a column or an array of samples, or a table.
    reading : Reading
    expected : tuple or None
        Shape of the samples of the fit, which for sequences begins with None. Where it
        is known these become that, if they can.
    dtypes : sequence of type
        dtypes of numbers that need no copy; the first is what others are cast to.

    Returns
    -------
    X : {Sequences, ndarray} or object
        A table of numbers is not looked at; of tokens it is an array of integers.

    Raises
    ------
    ValueError
        If samples are empty, of different shapes, or not what the network reads.
    """
    samples = X if isinstance(X, Sequences) else samples_in(X)
    if samples is not None and not len(samples):
        raise ValueError(
            f"Found no samples in {name}, a {type(X).__name__} of length 0, while at "
            "least 1 is required."
        )
    if reading.n_tokens:
        found = _tokens(name, X, samples, reading, expected)
    else:
        found = _numbers(name, X, samples, reading, expected, dtypes)
    one_length = expected is not None and None not in expected
    if isinstance(found, Sequences) and one_length:
        array = of_one_length(found)
        if array is None:
            raise ValueError(
                f"{name} holds sequences of {_spread(found)} steps, but the model was "
                f"fitted with samples of one length, of shape {expected}. Bring them "
                "to that length by fastnn.preprocessing.pad_sequences, or fit it with "
                "a list of samples."
            )
        return array
    return found


def samples_in(X: Any) -> Sequence[Any] | None:
    """Samples one by one, of a list, a column or an array of objects.

    None of a table of numbers, an array and the like.
    """
    if hasattr(X, "columns") and len(X.columns) == 1:
        X = X[X.columns[0]]
    if hasattr(X, "to_list"):  # a column of a data frame
        return X.to_list() if holds_objects(X) else None
    if isinstance(X, np.ndarray) and X.dtype.kind == "O":
        if X.ndim == 2 and X.shape[1] == 1:
            X = X[:, 0]
        return X.tolist() if X.ndim == 1 else None
    return X if isinstance(X, list | tuple) else None


def check_no_sequences(name: str, X: Any, estimator: Any) -> None:
    """Refuse samples of different lengths, where an estimator reads a table.

    Raises
    ------
    ValueError
    """
    samples = X if isinstance(X, Sequences) else samples_in(X)
    if samples is None:
        return
    lengths: set[int] = set()
    if isinstance(samples, Sequences):
        lengths = set(samples.lengths.tolist())
    elif _rank(samples) > 0:
        lengths = _lengths_of(samples)
    if isinstance(samples, Sequences) or len(lengths) > 1:
        raise ValueError(
            f"{name} holds samples of different lengths, from {min(lengths)} to "
            f"{max(lengths)}, and {type(estimator).__name__} reads rows of one length. "
            "NeuralNetClassifier and NeuralNetRegressor train networks that read "
            "sequences, with an Embedding, an LSTM or GlobalAveragePooling1D as first "
            "layer, say; fastnn.preprocessing.pad_sequences makes rows of one length."
        )


def holds_objects(column: Any) -> bool:
    """Whether an array or a column may hold lists: objects, or a nested type."""
    is_nested = getattr(column.dtype, "is_nested", None)
    if is_nested is not None:  # of polars
        return is_nested()
    return getattr(column.dtype, "kind", "O") == "O"


def as_sequences(array: Any) -> Sequences:
    """Samples of one length as sequences; they share memory where they can."""
    n_samples, n_steps = array.shape[:2]
    values = array.reshape(n_samples * n_steps, *array.shape[2:])
    return Sequences(values, np.arange(n_samples + 1, dtype=np.intp) * n_steps)


def of_one_length(sequences: Sequences) -> Any:
    """The array that sequences are whose lengths are one, else None."""
    lengths = sequences.lengths
    if lengths.min() != lengths.max():
        return None
    values = sequences.values
    return values.reshape(len(sequences), lengths[0], *values.shape[1:])


def check_masked(name: str, found: Any, reading: Reading) -> None:
    """Refuse numbers that are not finite, and samples of masked steps alone.

    Of a table that has no masked steps scikit-learn has done so.
    """
    value = reading.mask_value
    if isinstance(found, Sequences):
        steps = found
    elif value is not None and found.ndim > 2:
        steps = as_sequences(found)
    else:
        return
    check_finite(name, steps, or_masked=value is not None and np.isnan(value))
    if value is not None:
        check_some_count(name, steps, value)


def _tokens(
    name: str,
    X: Any,
    samples: Any,
    reading: Reading,
    expected: tuple[int | None, ...] | None,
) -> Any:
    if sparse.issparse(X):
        raise ValueError(
            f"{name} is sparse, and tokens are the numbers of words, not their counts. "
            f"Pass {name}.toarray(), or let a Dense layer read counts."
        )
    found: Any
    if isinstance(samples, Sequences):
        found = Sequences(tokens_of_array(name, samples.values), samples.starts)
    elif samples is not None:
        found = tokens_of_samples(name, samples)
    else:
        found = tokens_of_array(name, X)
        _check_rows(name, found)
        if found.ndim == 2 and (reading.mask_zero or expected == (None,)):
            found = as_sequences(found)
    check_tokens(name, found, reading.n_tokens)
    if reading.mask_zero and isinstance(found, Sequences):
        return without_padding(name, found)
    return found


def _numbers(
    name: str,
    X: Any,
    samples: Any,
    reading: Reading,
    expected: tuple[int | None, ...] | None,
    dtypes: Sequence[type],
) -> Any:
    known = expected is not None and None in expected
    if isinstance(samples, Sequences):
        found = steps_of(name, samples, dtypes)
    elif samples is not None and (known or _rank(samples) > 1):
        found = steps_of_samples(name, samples, dtypes)
    elif samples is not None:
        if _rank(samples) == 1:
            _check_lengths(name, samples)
        return X
    elif known:
        assert expected is not None
        given = tuple(np.shape(X))
        if len(given) != 1 + len(expected):
            alone = len(given) == len(expected)
            raise ValueError(
                f"{name} has the shape {given}, but the model was fitted with "
                f"sequences, samples of shape {_shown(expected)}. Pass a list of "
                f"them{f', [{name}] of a single one' if alone else ''}."
            )
        whole = isinstance(X, np.ndarray) and X.dtype.kind in "iub"
        array = check_array(
            X,
            dtype=X.dtype if whole else dtypes,
            allow_nd=True,
            ensure_all_finite=False,
            input_name=name,
        )
        found = as_sequences(array)
    else:
        return X
    check_masked(name, found, reading)
    return found


def _rank(samples: Sequence[Any]) -> int:
    """How many axes samples have, by the first that has some and is not empty."""
    empty = False
    for each in samples:
        rank = rank_of(each)
        if rank > 1 or (rank == 1 and len(each)):
            return rank
        empty = empty or rank == 1
    return 2 if empty else 0  # nothing but empty ones are no table


def _check_rows(name: str, array: Any) -> None:
    if array.ndim < 2:
        raise ValueError(
            f"{name} must have a sample in each row, got the shape {array.shape}. Pass "
            f"[{name}] if that is a single sample of {array.size} tokens, or "
            f"{name}.reshape(-1, 1) if each token is a sample."
        )
    if not array.size:
        raise ValueError(
            f"Found array with {array.shape[0]} sample(s) (shape={array.shape}) in "
            f"{name}, while at least 1 with a token is required."
        )


def _check_lengths(name: str, samples: Sequence[Any]) -> None:
    """Refuse rows of different lengths, which are no table."""
    lengths = _lengths_of(samples)
    if len(lengths) > 1:
        raise ValueError(
            f"{name} holds samples of different lengths, from {min(lengths)} to "
            f"{max(lengths)}, and the network reads rows of one length. Sequences of "
            "tokens are read by an Embedding of fastnn.layers as its first layer; "
            "sequences of numbers have the shape (n_steps, n_features), which "
            "numpy.reshape(sample, (-1, 1)) has for one number in each step."
        )


def _lengths_of(samples: Sequence[Any]) -> set[int]:
    """All that occur; none if something has no length, of which scikit-learn tells."""
    try:
        return set(map(len, samples))
    except TypeError:
        return set()


def _spread(sequences: Sequences) -> str:
    lengths = sequences.lengths
    return f"{lengths.min()} to {lengths.max()}"


def _shown(shape: tuple[int | None, ...]) -> str:
    return "(n_steps" + "".join(f", {n}" for n in shape[1:]) + ")"
