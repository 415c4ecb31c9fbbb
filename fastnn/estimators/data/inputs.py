"""X of a network of any layers: a table, samples of any shape, or several of both."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import _get_feature_names, validate_data

from fastnn.engine.device import DeviceArray
from fastnn.estimators.data.arrays import check_kind, on_gpu
from fastnn.estimators.data.containers import Inputs, NamedArrays
from fastnn.estimators.data.ranges import described_as_overflow
from fastnn.estimators.data.sequences import (
    Reading,
    check_masked,
    holds_objects,
    of_one_length,
    read,
)
from fastnn.estimators.data.sparse_structure import check_structure
from fastnn.utils.sequences import Sequences

# Shape of a sample, which of sequences begins with None, or shapes by the names of
# several inputs.
Shape = tuple[int | None, ...] | dict[str, tuple[int | None, ...]]


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
    """Shape of one sample of checked X; of sequences it begins with None."""
    if isinstance(X, Mapping):
        return {name: tuple(each.shape[1:]) for name, each in X.items()}
    return tuple(X.shape[1:])


class Reader(NamedTuple):
    """How a network reads X, as far as X is prepared for it.

    Parameters
    ----------
    readings : callable
        Given the names of several inputs, or None, how each is read, by name.
    takes : callable
        Whether the network takes samples of some shape.
    shape : tuple or dict or None, default=None
        Shape of the samples that it was fitted with.
    """

    readings: Callable[[list[str] | None], Mapping[str, Reading]]
    takes: Callable[[Shape], bool]
    shape: Shape | None = None


def check_any(
    learner: Any, X: Any, name: str, dtypes: list[type], reader: Reader, *, reset: bool
) -> Any:
    """X of a network of any layers, checked.

    Integers of an array stay what they are: they are cast batch by batch, in a loop.

    Parameters
    ----------
    learner : estimator
        With ``reset`` it learns the number and the names of the features. Of several
        inputs that is how many there are, and their names, and the names of columns of
        tables among them; of sequences it is the number of features of a step, if these
        have some.
    X : {array-like, Inputs, mapping of str to array-like}
    name : str
        What the user calls X.
    dtypes : list of type
        dtypes of numbers that need no copy; the first is what others are cast to.
    reader : Reader
    reset : bool

    Returns
    -------
    X : {ndarray, CSR matrix, Sequences} or dict of str to them

    Raises
    ------
    ValueError
        If samples are not of the shape, or the inputs not those, of the fit, or hold
        something else than finite numbers or tokens that the network knows.
    """
    found = (
        _check_several(learner, X, name, dtypes, reader, reset=reset)
        if is_several(X)
        else _check_one(learner, X, name, dtypes, reader, reset=reset)
    )
    if reader.shape is not None:
        check_shape(name, found, reader.shape)
    return found


def check_there(name: str, X: DeviceArray, reader: Reader) -> None:
    """Refuse a table on a device that is not of the fit, or is of tokens.

    Raises
    ------
    ValueError
    """
    if any(reading.n_tokens for reading in reader.readings(None).values()):
        raise ValueError(
            f"{name} is on a GPU, and tokens are read on the host only, from where "
            f"mini-batches of them are copied. Pass cupy.asnumpy({name})."
        )
    if reader.shape is not None:
        check_shape(name, X, reader.shape)


def _check_one(
    learner: Any, X: Any, name: str, dtypes: list[type], reader: Reader, *, reset: bool
) -> Any:
    expected = reader.shape
    if isinstance(expected, dict):
        raise ValueError(
            f"{name} is one array, but the model was fitted with the inputs "
            f"{list(expected)}. Pass fastnn.Inputs, or a dict, of these."
        )
    reading = next(iter(reader.readings(None).values()), Reading())
    found = read(name, X, reading, expected, dtypes)
    if isinstance(found, Sequences) and expected is None:
        found = _as_taken({name: found}, lambda shape: reader.takes(shape[name]))[name]
    if isinstance(found, Sequences):
        if reset:
            _learn_of_steps(learner, found)
        return found
    n_axes = len(getattr(found, "shape", ()))
    if expected is not None and n_axes > 1 and max(n_axes, 1 + len(expected)) > 2:
        # scikit-learn would call the second axis the features.
        check_shape(name, found, expected)
    if reading.n_tokens:
        # X may have names of columns.
        table = X if getattr(X, "shape", None) == found.shape else found
        validate_data(learner, table, reset=reset, skip_check_array=True)
        return found
    found = validate_data(
        learner,
        found,
        dtype=_accepted(found, dtypes),
        reset=reset,
        allow_nd=True,
        accept_sparse="csr",
        ensure_all_finite=_how_finite(reading),
    )
    check_masked(name, found, reading)
    return found


def _check_several(
    learner: Any, X: Any, name: str, dtypes: list[type], reader: Reader, *, reset: bool
) -> dict[str, Any]:
    given = X if isinstance(X, NamedArrays) else Inputs.of(X)
    if reset:
        learner.n_features_in_ = len(given.keys())
        learner.feature_names_in_ = np.array(list(given.keys()), dtype=object)
        learner._input_columns = _columns(given)
    _check_names(learner, given, name)
    names = list(learner.feature_names_in_)
    readings = reader.readings(names)
    shapes = reader.shape if isinstance(reader.shape, dict) else {}
    found = {}
    for key in names:
        each, called = given[key], f"{name}[{key!r}]"
        if on_gpu(each):
            raise TypeError(
                f"{called} is on a GPU, and several inputs are read on the host only. "
                "Pass arrays of the host, or one array as X."
            )
        check_kind(each, called, "cM")
        check_structure(called, each)
        reading = readings.get(key, Reading())
        alone = not isinstance(each, Sequences) and len(each.shape) == 1
        if alone and reading.n_tokens and not holds_objects(each):
            each = np.asarray(each).reshape(-1, 1)
        each = read(called, each, reading, shapes.get(key), dtypes)
        if not isinstance(each, Sequences) and reading.n_tokens == 0:
            with described_as_overflow(called):
                each = check_array(
                    each,
                    accept_sparse="csr",
                    dtype=_accepted(each, dtypes),
                    allow_nd=True,
                    ensure_2d=False,
                    ensure_all_finite=_how_finite(reading),
                    input_name=called,
                )
            check_masked(called, each, reading)
        found[key] = each.reshape(-1, 1) if each.ndim == 1 else each
    if reader.shape is None:
        found = _as_taken(found, reader.takes)
    return found


def _as_taken(found: dict[str, Any], takes: Callable[[Any], bool]) -> dict[str, Any]:
    """Sequences as arrays where all are of one length and the network takes no others.

    A list of images, say, is no sequences.
    """
    arrays = {
        key: of_one_length(each)
        for key, each in found.items()
        if isinstance(each, Sequences)
    }
    arrays = {key: each for key, each in arrays.items() if each is not None}
    return found | arrays if arrays and not takes(shape_of(found)) else found


def _learn_of_steps(learner: Any, found: Sequences) -> None:
    """Features are what each step has; tokens have none."""
    for name in ("n_features_in_", "feature_names_in_"):
        vars(learner).pop(name, None)
    if found.ndim > 2:
        learner.n_features_in_ = found.shape[2]


def _how_finite(reading: Reading) -> bool | str:
    """What scikit-learn is to refuse: NaN may stand for steps that are masked."""
    value = reading.mask_value
    return "allow-nan" if value is not None and np.isnan(value) else True


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
    if got != expected and None in expected and None in got:
        raise ValueError(
            f"{name} has steps of shape {got[1:]}, but the model was fitted with steps "
            f"of shape {expected[1:]}. Pass as many features as there were in fit, or "
            "call fit with warm_start=False."
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
