"""The one way from what a user passes to ``fit`` to the samples that a trainer takes.

X, y and weights go through :func:`prepare` once, those to train on and those to judge
by alike, and come out checked, encoded, and ready for the type and the device that the
network computes with. X to predict for is checked here as well, by the same rules.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.validation import validate_data

from fastnn.engine.cuda import find_device
from fastnn.engine.device import Device, DeviceArray
from fastnn.estimators.data.arrays import (
    check_kind,
    check_on_device,
    check_row_of_targets,
    check_targets,
    on_host,
    where_it_computes,
)
from fastnn.estimators.data.head_weights import check_head_weights
from fastnn.estimators.data.heads import HeadTargets, HeadValues
from fastnn.estimators.data.inputs import (
    Reader,
    check_any,
    check_numbers_there,
    check_there,
    shape_of,
    tables_of,
)
from fastnn.estimators.data.kinds import real_numbers
from fastnn.estimators.data.ranges import check_range, described_as_overflow
from fastnn.estimators.data.samples import Prepared, Samples
from fastnn.estimators.data.sequences import check_no_sequences
from fastnn.estimators.data.sparse_structure import check_structure
from fastnn.estimators.data.targets import RegressionTargets, Targets
from fastnn.estimators.data.weights import check_weights
from fastnn.utils.error_state import ignoring_errors


class Arguments(NamedTuple):
    """X, y and the weights of samples: as the user passed them, or their names."""

    X: Any
    y: Any
    sample_weight: Any


_TRAINING = Arguments("X", "y", "sample_weight")
_VALIDATION = Arguments("X_val", "y_val", "sample_weight_val")


class Learner(Protocol):
    """What an estimator says of the samples that it learns from."""

    dtype: str | None
    device: str
    precision: str | None
    solver: Any
    _numeric_targets: bool
    _takes_any_shape: bool

    def _check_call(self, validated: bool, incremental: bool) -> None:
        """Check parameters that depend on whether there is validation data."""

    def _make_targets(
        self, y: Any, classes: Any, previous: Any, incremental: bool
    ) -> Targets:
        """Targets of a fresh fit, or the previous ones checked against ``y``."""

    def _check_heads(
        self, y: Any, name: str, previous: Any, *, batch: bool
    ) -> HeadValues | None:
        """Checked targets of several heads; None where there is one without a name.

        A batch of many may lack all targets of a head.
        """

    def _class_weights(self, targets: Any, y: Any, incremental: bool) -> Any:
        """Weights of classes, of each head where there are several; None of none."""

    def _reader(self, fitted: Any = None) -> Reader:
        """How its network reads X, or that which is fitted, where X has any shape."""


class Previous(NamedTuple):
    """What a network that goes on training was trained for, and computes in."""

    targets: Targets
    dtype: np.dtype
    reader: Reader


def prepare(
    learner: Learner,
    training: Arguments,
    validation: Arguments,
    previous: Previous | None,
    *,
    incremental: bool,
    classes: Any = None,
) -> Prepared:
    """Check and encode all that one call trains on and judges by.

    Parameters
    ----------
    learner : Learner
        The estimator. It learns the number and the names of the features.
    training, validation : Arguments
    previous : Previous or None
        Of the network that goes on training.
    incremental : bool
        Whether this is ``partial_fit``.
    classes : object, default=None
        What the user says are all classes.

    Returns
    -------
    prepared : Prepared

    Raises
    ------
    ValueError
        If an argument is not valid, or goes with another or with a parameter ill.
    TypeError
        If X is on a GPU and ``device="cpu"``.
    RuntimeError
        If ``device="cuda"`` or X is on a GPU, and a piece is missing to use it.
    """
    device = find_device(learner.device)
    validated = _is_given(validation, learner.solver)
    learner._check_call(validated, incremental)
    known = None if previous is None else previous.targets
    reader = learner._reader() if previous is None else previous.reader
    check = partial(_check_X_y, learner, device=device)
    X, y = check(training, _TRAINING, reader, known=known, batch=incremental)
    targets = learner._make_targets(y, classes, known, incremental)
    dtype = _computing_dtype(learner, X, previous)
    _check_precision(learner, dtype)
    class_weights = learner._class_weights(targets, y, incremental)
    weight = _check_weights(training, _TRAINING, class_weights, y, dtype)
    samples = _encoded(X, y, weight, _TRAINING, targets, dtype, device)
    held_out = None
    if validated:
        with _described_as_validation_data():
            reader = reader._replace(shape=shape_of(X))
            X, y = check(validation, _VALIDATION, reader, known=targets)
            targets.check(y)
            weight = _check_weights(validation, _VALIDATION, class_weights, y, dtype)
        held_out = _encoded(X, y, weight, _VALIDATION, targets, dtype, device)
    return Prepared(samples, held_out, targets, dtype, device)


def check_X(estimator: Any, X: Any, device: Device | None) -> Any:
    """X for the fitted network of an estimator on this device, checked.

    What is neither float32 nor float64 becomes float64, as predictions do.
    """
    dtypes: list[type] = [np.float64, np.float32]
    X = where_it_computes(X, device, "X", estimator.device)
    if not isinstance(X, DeviceArray):
        check_kind(X, "X", "M")
    reader = estimator._reader(estimator._fitted)
    return ignoring_errors(
        _check_only_X, estimator, X, "X", device, dtypes, reader, reset=False
    )


def _is_given(validation: Arguments, solver: Any) -> bool:
    """Whether validation data was passed.

    Raises
    ------
    ValueError
        If a part of it is missing, or the solver has no epochs to judge after.
    """
    if validation.X is None and validation.y is None:
        if validation.sample_weight is not None:
            raise ValueError(
                "sample_weight_val is provided, but X_val and y_val were not provided. "
                "Pass all three, or none."
            )
        return False
    for missing, present, value in (
        ("y_val", "X_val", validation.y),
        ("X_val", "y_val", validation.X),
    ):
        if value is None:
            raise ValueError(
                f"{present} is provided, but {missing} was not provided. Pass both, or "
                "neither."
            )
    if solver == "lbfgs":
        raise ValueError(
            "X_val and y_val are used after each epoch, and solver='lbfgs' has none. "
            "Leave them out, or set solver to 'adam' or 'sgd'."
        )
    return True


@contextmanager
def _described_as_validation_data() -> Iterator[None]:
    """Name the validation arguments in messages that say X, y or sample_weight."""
    try:
        yield
    except ValueError as error:
        raise ValueError(
            f"Validation data (X_val, y_val, sample_weight_val): {error}"
        ) from error


def _check_X_y(
    learner: Any,
    given: Arguments,
    names: Arguments,
    reader: Reader,
    *,
    device: Device | None,
    known: Targets | None,
    batch: bool = False,
) -> tuple[Any, Any]:
    """X where it computes and y on the host, by the rules of scikit-learn and ours.

    Unless there are known targets, the learner learns the features of X.
    """
    X = where_it_computes(given.X, device, names.X, learner.device)
    check_kind(X, names.X, "M")
    reset, dtypes = known is None, _accepted_dtypes(learner)
    check = partial(_check_only_X, learner, reader=reader, reset=reset)
    heads = learner._check_heads(given.y, names.y, known, batch=batch)
    if heads is not None:
        X = check(X, names.X, device, dtypes)
        check_consistent_length(*_arrays(X), heads)
        return X, heads
    y = on_host(given.y, names.y)
    check_kind(y, names.y, "cM" if learner._numeric_targets else "c")
    check_row_of_targets(y, names.y)
    check_structure(names.y, y)
    options: dict[str, Any] = {"accept_sparse": "csr", "multi_output": True}
    if isinstance(X, DeviceArray) or learner._takes_any_shape:
        X = check(X, names.X, device, dtypes)
        y = check_targets(learner, _arrays(X)[0], y, **options)
    else:
        check_structure(names.X, X)
        check_no_sequences(names.X, X, learner)
        with described_as_overflow(names.X):
            X, y = validate_data(learner, X, y, dtype=dtypes, reset=reset, **options)
    if learner._numeric_targets:
        y = real_numbers(y, names.y)
    if y.ndim == 2 and y.shape[1] == 1 and not sparse.issparse(y):
        y = column_or_1d(y, warn=True)
    return X, y


def _check_only_X(
    learner: Any,
    X: Any,
    name: str,
    device: Device | None,
    dtypes: list[type],
    reader: Reader,
    *,
    reset: bool,
) -> Any:
    check_structure(name, X)
    with described_as_overflow(name):
        if isinstance(X, DeviceArray):
            assert device is not None
            X = check_on_device(learner, device, X, dtypes, reset=reset)
            check_there(name, X, reader)
            return X
        if learner._takes_any_shape:
            return check_any(learner, X, name, dtypes, reader, reset=reset)
        check_no_sequences(name, X, learner)
        options: dict[str, Any] = {"accept_sparse": "csr", "dtype": dtypes}
        return validate_data(learner, X, reset=reset, **options)


def _arrays(X: Any) -> list[Any]:
    return list(X.values()) if isinstance(X, dict) else [X]


def _check_weights(
    given: Arguments, names: Arguments, class_weights: Any, y: Any, dtype: np.dtype
) -> NDArray | None:
    if isinstance(y, HeadValues):
        return check_head_weights(given.sample_weight, class_weights or {}, y, dtype)
    weight = on_host(given.sample_weight, names.sample_weight)
    return check_weights(weight, class_weights, y, dtype)


def _accepted_dtypes(learner: Learner) -> list[type]:
    """dtypes of X that need no copy; the first is what others are cast to."""
    if learner.dtype == "float32" and learner.solver != "lbfgs":
        return [np.float32, np.float64]
    return [np.float64, np.float32]


def _computing_dtype(learner: Learner, X: Any, previous: Previous | None) -> np.dtype:
    if learner.solver == "lbfgs":
        return np.dtype(np.float64)
    if learner.dtype is not None:
        return np.dtype(learner.dtype)
    if previous is not None:
        return previous.dtype
    is_narrow = all(each.dtype == np.float32 for each in _arrays(X))
    return np.dtype(np.float32 if is_narrow else np.float64)


def _check_precision(learner: Learner, computing: np.dtype) -> None:
    """Refuse less precision for a network that computes in float64."""
    if learner.precision is None or computing == np.float32:
        return
    if learner.solver == "lbfgs":
        raise ValueError(
            f"precision={learner.precision!r} cannot be used with solver='lbfgs', "
            "which computes in float64: its line search needs exact losses. Set "
            "precision=None, or solver to 'adam' or 'sgd'."
        )
    raise ValueError(
        f"precision={learner.precision!r} is for computing in float32, but "
        f"dtype={learner.dtype!r} makes this fit compute in {computing}. Set "
        "dtype='float32', or precision=None."
    )


def _encoded(
    X: Any,
    y: Any,
    weight: Any,
    names: Arguments,
    targets: Targets,
    dtype: np.dtype,
    device: Device | None,
) -> Samples:
    """Checked samples as a network reads them that computes in ``dtype``.

    Raises
    ------
    ValueError
        If a number is beyond the range of ``dtype``.
    """
    check_numbers_there(names.X, X)
    for name, each in tables_of(names.X, X):
        check_range(name, each, dtype, device)
    if isinstance(targets, HeadTargets):
        for head, numeric in y.numeric.items():
            if numeric:
                check_range(f"{names.y}[{head!r}]", y.values[head], dtype)
    elif isinstance(targets, RegressionTargets):
        check_range(names.y, y, dtype)
    return Samples(X, y, targets.encode(y, dtype), weight)
