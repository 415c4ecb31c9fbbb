"""Integers as rows of zeros and ones."""

from collections.abc import Sequence as AnySequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse

from fastnn.preprocessing.padding import as_sequences
from fastnn.utils.plain_numbers import is_integer


def to_categorical(
    y: Any, num_classes: int | None = None, *, dtype: DTypeLike = "float32"
) -> NDArray:
    """Turn class numbers into rows with a single one.

    Classifiers of this library take classes as they are; rows like these are for soft
    targets, and for what is to be mixed or smoothed by hand.

    Parameters
    ----------
    y : array-like of int
        Classes from 0 on, of any shape. A last axis of length 1 is left out, so that a
        column is as good as a vector.
    num_classes : int or None, default=None
        The length of the rows; None is one more than the largest class.
    dtype : dtype, default="float32"

    Returns
    -------
    rows : ndarray of shape (..., num_classes)

    Raises
    ------
    ValueError
        If y holds anything but integers from 0 to ``num_classes - 1``.

    Examples
    --------
    >>> from fastnn.preprocessing import to_categorical
    >>> to_categorical([0, 2, 1])
    array([[1., 0., 0.],
           [0., 0., 1.],
           [0., 1., 0.]], dtype=float32)
    """
    classes = np.asarray(y)
    if classes.ndim > 1 and classes.shape[-1] == 1:
        classes = classes[..., 0]
    if num_classes is not None and not is_integer(num_classes, 1):
        raise ValueError(
            f"num_classes must be an integer from 1 on or None, got {num_classes!r}."
        )
    classes = _integers(classes, "y", num_classes, "num_classes")
    if num_classes is None:
        num_classes = int(classes.max(initial=-1)) + 1
    rows = np.zeros((*classes.shape, num_classes), dtype)
    np.put_along_axis(rows, classes[..., np.newaxis], 1, axis=-1)
    return rows


def multi_hot(
    sequences: AnySequence,
    num_tokens: int,
    *,
    counts: bool = False,
    dtype: DTypeLike = "float32",
) -> sparse.csr_matrix:
    """Turn sequences of tokens into rows that say which of them occur.

    A bag of words for a network of dense layers or for a linear model, which read
    sparse matrices. Every number has its column, that of padding too: pass sequences as
    they were before they were padded.

    Parameters
    ----------
    sequences : list of array-like of int of shape (n_steps,)
        Tokens from 0 on.
    num_tokens : int
        How many columns there are: one more than the highest token may be.
    counts : bool, default=False
        Whether to say how often each occurs, and not only whether it does.
    dtype : dtype, default="float32"

    Returns
    -------
    rows : CSR matrix of shape (n_samples, num_tokens)

    Raises
    ------
    ValueError
        If sequences hold anything but integers from 0 to ``num_tokens - 1``.

    Examples
    --------
    >>> from fastnn.preprocessing import multi_hot
    >>> multi_hot([[2, 3, 2], [1]], num_tokens=4).toarray()
    array([[0., 0., 1., 1.],
           [0., 1., 0., 0.]], dtype=float32)

    In a pipeline, behind a vectorizer:

    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from fastnn.preprocessing import SequenceVectorizer
    >>> rows = FunctionTransformer(multi_hot, kw_args={"num_tokens": 1000})
    >>> model = make_pipeline(SequenceVectorizer(1000), rows, LogisticRegression())
    >>> model.fit(["so good", "so bad"], [1, 0]).predict(["good"])
    array([1])
    """
    if not is_integer(num_tokens, 1):
        raise ValueError(
            f"num_tokens must be an integer from 1 on, got {num_tokens!r}."
        )
    given = as_sequences(sequences)
    if given.values.ndim > 1:
        raise ValueError(
            "sequences must hold a token for each step, got steps of shape "
            f"{given.values.shape[1:]}."
        )
    tokens = _integers(given.values, "sequences", num_tokens, "num_tokens")
    ones = np.ones(len(tokens), dtype)
    shape = len(given), int(num_tokens)
    rows = sparse.csr_matrix((ones, tokens, given.starts), shape)
    rows.sum_duplicates()
    if not counts:
        rows.data[:] = 1
    return rows


def _integers(
    numbers: NDArray, name: str, end: int | None, of_end: str
) -> NDArray[np.intp]:
    """Numbers that are integers from 0 on, and below the end."""
    kind = numbers.dtype.kind if numbers.size else "i"
    # Beyond 2 ** 53 floats are whole, whatever they stand for.
    whole = kind == "f" and bool(np.all((numbers % 1 == 0) & (abs(numbers) < 2**53)))
    if kind not in "iu" and not whole:
        raise ValueError(
            f"{name} must hold integers from 0 on, got {numbers.dtype} numbers or "
            "labels: encode those first, as sklearn.preprocessing.LabelEncoder does."
        )
    if numbers.size and (
        numbers.min() < 0 or (end is not None and numbers.max() >= end)
    ):
        wrong = numbers.min() if numbers.min() < 0 else numbers.max()
        above = " on" if end is None else f" to {of_end} - 1 = {end - 1}"
        raise ValueError(f"{name} must hold integers from 0{above}, got {wrong}.")
    return numbers.astype(np.intp)
