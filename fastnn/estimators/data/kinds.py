"""What a checked y is: indicators, classes in one column or several, or numbers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets, type_of_target

# Names of scikit-learn's for kinds of targets.
INDICATOR = "multilabel-indicator"
MULTI_OUTPUT = "multiclass-multioutput"


def real_numbers(y: Any, name: str) -> NDArray:
    """The targets of a regressor, checked by scikit-learn, as real numbers.

    Parameters
    ----------
    y : ndarray or CSR matrix
    name : str
        What the user calls them.

    Raises
    ------
    ValueError
        If they are something else, such as dates or words.
    """
    if sparse.issparse(y):
        raise ValueError(
            f"{name} is sparse, and a regressor takes dense targets. Pass "
            f"{name}.toarray()."
        )
    kind = y.dtype.kind
    if kind == "O":
        # Such as integers of pandas that may be missing, or fractions.
        try:
            y = y.astype(np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(
                f"{name} must hold real numbers for a regressor: {error}."
            ) from error
        if not np.isfinite(y).all():
            raise ValueError(f"{name} must hold finite numbers, none missing.")
    elif kind not in "biuf":
        raise ValueError(
            f"{name} must hold real numbers for a regressor, got {y.dtype}, such as "
            f"{y.flat[0]!r}."
        )
    return y


def kind_of(y: Any) -> str:
    """scikit-learn's name for what checked ``y`` is.

    Label indicators are 0 and 1 here. scikit-learn takes any two numbers for them, such
    as those of classes that are coded as 1 and 2 in all columns.
    """
    if sparse.issparse(y):
        _check_sparse(y)
        return INDICATOR
    if y.ndim == 2 and y.shape[1] > 1 and y.dtype.kind in "biuf" and _are_bits(y):
        return INDICATOR
    try:
        kind = type_of_target(y, input_name="y")
    except TypeError as error:  # such as a column of numbers beside one of words
        raise ValueError(
            "y must hold labels of one kind in all of its columns, words or whole "
            f"numbers, got some that have no order among them: {error}. Make them "
            "words, for example with y.astype(str)."
        ) from error
    if kind == INDICATOR:
        return MULTI_OUTPUT
    if kind == "unknown":
        raise ValueError(
            "Unknown label type: y must hold words, whole numbers, booleans or dates, "
            f"got {y.dtype}, such as {y.flat[0]!r} ({type(y.flat[0]).__name__})."
        )
    if kind not in ("binary", "multiclass"):
        check_classification_targets(y)
    if y.dtype.kind in "mM" and np.isnat(y).any():
        raise ValueError("Input y contains NaT: no label may be missing.")
    return kind


def _are_bits(values: NDArray) -> bool:
    return bool(((values == 0) | (values == 1)).all())


def _check_sparse(y: Any) -> None:
    """Refuse sparse y that is no label indicator matrix."""
    if y.shape[1] > 1 and _are_bits(y.data):
        return
    others = y.data[(y.data != 0) & (y.data != 1)]
    got = f"the number {others[0]}" if others.size else "one column"
    raise ValueError(
        "sparse y must be a label indicator matrix, with nothing but 0 and 1 in two or "
        f"more columns, got {got}. Pass labels as a dense array, y.toarray()."
    )
