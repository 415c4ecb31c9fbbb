"""X of a network of any layers: a table, samples of any shape, or several of both."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import _get_feature_names, validate_data

from fastnn.estimators.data.arrays import check_kind, on_gpu
from fastnn.estimators.data.containers import Inputs, NamedArrays
from fastnn.estimators.data.ranges import described_as_overflow
from fastnn.estimators.data.sparse_structure import check_structure

# Shape of a sample, or shapes by the names of several inputs.
Shape = tuple[int, ...] | dict[str, tuple[int, ...]]


def is_several(X: Any) -> bool:
    """Whether X is several arrays by name."""
    return isinstance(X, NamedArrays | Mapping)


def tables_of(name: str, X: Any) -> Iterator[tuple[str, Any]]:
    """What to call X and X itself, or the same of each of its arrays."""
    if not isinstance(X, Mapping):
        yield name, X
        return
    for key, each in X.items():
        yield f"{name}[{key!r}]", each


def check_numbers_there(name: str, X: Any) -> None:
    """Refuse samples of no numbers, as scikit-learn does of tables.

    Raises
    ------
    ValueError
    """
    for called, each in tables_of(name, X):
        shape = tuple(each.shape[1:])
        if 0 in shape:
            raise ValueError(
                f"{called} has samples of shape {shape}, in which there is no number. "
                "Pass at least one along each axis."
            )


def shape_of(X: Any) -> Shape:
    """Shape of one sample of checked X."""
    if isinstance(X, Mapping):
        return {name: tuple(each.shape[1:]) for name, each in X.items()}
    return tuple(X.shape[1:])


def check_tensor(
    learner: Any, X: Any, dtypes: list[type], *, reset: bool, **options: Any
) -> Any:
    """X, or X and y, as scikit-learn checks them, of any number of axes.

    Integers of an array stay what they are: they are cast batch by batch, in a loop.
    """
    fitted = vars(learner).get("_fitted")
    if not reset and fitted is not None and isinstance(fitted.input_shape, dict):
        raise ValueError(
            "X is one array, but the model was fitted with the inputs "
            f"{list(fitted.input_shape)}. Pass fastnn.Inputs, or a dict, of these."
        )
    if not reset and fitted is not None:
        n_axes = len(getattr(X, "shape", ()))
        if n_axes > 1 and max(n_axes, 1 + len(fitted.input_shape)) > 2:
            # scikit-learn would call the second axis the features.
            check_shape("X", X, fitted.input_shape)
    return validate_data(
        learner,
        X,
        dtype=_accepted(X, dtypes),
        reset=reset,
        allow_nd=True,
        accept_sparse="csr",
        **options,
    )


def check_inputs(
    learner: Any, X: Any, name: str, dtypes: list[type], *, reset: bool
) -> dict[str, Any]:
    """Several arrays, each checked by itself.

    Parameters
    ----------
    learner : estimator
        With ``reset`` it learns how many there are, and their names, as it does of the
        columns of a table, and the names of columns of tables among them.
    X : Inputs or mapping of str to array-like
    name : str
        What the user calls X.
    dtypes : list of type
        dtypes of numbers that need no copy; the first is what others are cast to.
    reset : bool

    Returns
    -------
    arrays : dict of str to {ndarray, CSR matrix}

    Raises
    ------
    ValueError
        If they are not the arrays of the fit, of unequal numbers of samples, or hold
        something else than finite numbers.
    """
    given = X if isinstance(X, NamedArrays) else Inputs.of(X)
    if reset:
        learner.n_features_in_ = len(given.keys())
        learner.feature_names_in_ = np.array(list(given.keys()), dtype=object)
        learner._input_columns = _columns(given)
    _check_names(learner, given, name)
    found = {}
    for key in learner.feature_names_in_:
        each, called = given[key], f"{name}[{key!r}]"
        if on_gpu(each):
            raise TypeError(
                f"{called} is on a GPU, and several inputs are read on the host only. "
                "Pass arrays of the host, or one array as X."
            )
        check_kind(each, called, "cM")
        check_structure(called, each)
        with described_as_overflow(called):
            found[key] = check_array(
                each,
                accept_sparse="csr",
                dtype=_accepted(each, dtypes),
                allow_nd=True,
                ensure_2d=False,
                input_name=called,
            )
        if found[key].ndim == 1:
            found[key] = found[key].reshape(-1, 1)
    return found


def column_names(X: Any) -> Any:
    """Names of the columns of a data frame; None of anything else, or if not words."""
    return _get_feature_names(X) if hasattr(X, "columns") else None


def check_shape(name: str, X: Any, expected: Shape) -> None:
    """Refuse samples of another shape than those of the fit.

    Raises
    ------
    ValueError
    """
    if isinstance(expected, dict):
        for key, each in expected.items():
            check_shape(f"{name}[{key!r}]", X[key], each)
        return
    got = tuple(X.shape[1:])
    if tuple(X.shape) == expected and got != expected:
        raise ValueError(
            f"{name} has the shape {expected} of a single sample. Pass several, or "
            f"{name}[np.newaxis] for one."
        )
    if got != expected:
        raise ValueError(
            f"{name} has samples of shape {got}, but the model was fitted with samples "
            f"of shape {expected}. Pass X of that shape, or call fit with "
            "warm_start=False."
        )


def _check_names(learner: Any, given: NamedArrays, name: str) -> None:
    names = vars(learner).get("feature_names_in_")
    known = [] if names is None else list(names)
    if sorted(known) != sorted(given.keys()):
        raise ValueError(
            f"{name} has the inputs {list(given.keys())}, but the model was fitted "
            f"with {known or 'one table without names'}. Pass what it was fitted with."
        )
    columns = _columns(given)
    for key, expected in vars(learner).get("_input_columns", {}).items():
        if columns.get(key, expected) != expected:
            raise ValueError(
                f"{name}[{key!r}] has the columns {columns[key]}, but the model was "
                f"fitted with {expected}. Pass these, in that order."
            )


def _columns(given: NamedArrays) -> dict[str, list[str]]:
    """Names of the columns, of those inputs that have such."""
    names = {key: column_names(each) for key, each in given.items()}
    return {key: list(each) for key, each in names.items() if each is not None}


def _accepted(X: Any, dtypes: list[type]) -> Any:
    is_whole = isinstance(X, np.ndarray) and X.dtype.kind in "iub"
    return X.dtype if is_whole else dtypes
