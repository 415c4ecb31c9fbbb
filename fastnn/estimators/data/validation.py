"""Validation data: samples that a network is judged on while others train it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from fastnn.engine.device import Device, DeviceArray, downloaded, uploaded
from fastnn.estimators.data.ranges import check_range
from fastnn.estimators.data.targets import (
    ClassTargets,
    ColumnsOfClasses,
    RegressionTargets,
)
from fastnn.estimators.data.weights import check_largest
from fastnn.estimators.fitted import FittedNetwork

# X of validation data takes at most one part in so many of a device's free memory.
SHARE = 2


@contextmanager
def described_as_validation_data() -> Iterator[None]:
    """Name the validation arguments in messages that say X, y or sample_weight."""
    try:
        yield
    except ValueError as error:
        raise ValueError(
            f"Validation data (X_val, y_val, sample_weight_val): {error}"
        ) from error


class Arguments(NamedTuple):
    """Samples as the user passed them, or None."""

    X: Any
    y: Any
    sample_weight: Any


def check_validation_arguments(given: Arguments, solver: str) -> bool:
    """Whether validation data was passed.

    Raises
    ------
    ValueError
        If a part of it is missing, or the solver has no epochs to judge after.
    """
    if given.X is None and given.y is None:
        if given.sample_weight is not None:
            raise ValueError(
                "sample_weight_val is provided, but X_val and y_val were not provided. "
                "Pass all three, or none."
            )
        return False
    for missing, present, value in (
        ("y_val", "X_val", given.y),
        ("X_val", "y_val", given.X),
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


@dataclass(frozen=True)
class Samples:
    """Checked samples: what the engine reads, and the y that a score compares with.

    Parameters
    ----------
    X : {ndarray, CSR matrix, DeviceArray} of shape (n_samples, n_features)
    y : ndarray or CSR matrix
    encoded : ndarray of shape (n_samples, n_columns)
        The same targets as the loss reads them.
    weight : ndarray of shape (n_samples,) or None
    """

    X: Any
    y: Any
    encoded: NDArray
    weight: NDArray | None

    def take(self, rows: NDArray[np.intp], device: Device | None) -> "Samples":
        """Copy of some of them, X where it is."""
        weight = None if self.weight is None else self.weight[rows]
        if isinstance(self.X, DeviceArray) and device is not None:
            X = device.take(self.X, rows)
        else:
            X = self.X[rows]
        return Samples(X, self.y[rows], self.encoded[rows], weight)


def encoded_samples(
    X: Any,
    y: Any,
    weight: NDArray | None,
    targets: ClassTargets | ColumnsOfClasses | RegressionTargets,
    dtype: np.dtype,
    device: Device | None,
    names: tuple[str, str] = ("X", "y"),
) -> Samples:
    """Checked samples as a network reads them that computes in ``dtype``.

    Raises
    ------
    ValueError
        If a number is beyond the range of ``dtype``.
    """
    check_range(names[0], X, dtype, device)
    if isinstance(targets, RegressionTargets):
        check_range(names[1], y, dtype)
    return Samples(X, y, targets.encode(y, dtype), weight)


def split(
    samples: Samples,
    *,
    stratify: NDArray | None,
    fraction: float,
    parameter: str,
    random_state: np.random.RandomState,
    device: Device | None,
) -> tuple[Samples, Samples]:
    """Samples to train on and samples to hold out.

    Parameters
    ----------
    samples : Samples
    stratify : ndarray of shape (n_samples,) or None
        Labels whose proportions to keep.
    fraction : float
        Share of the samples to hold out.
    parameter : str
        What the estimator calls the fraction.
    random_state : RandomState
    device : Device or None
        On which X is, if it is on one.

    Raises
    ------
    ValueError
        If fewer than two would be held out, or one of the parts has no weight.
    """
    n_samples = len(samples.encoded)
    try:
        rows, held_out = train_test_split(
            np.arange(n_samples),
            test_size=fraction,
            stratify=stratify,
            random_state=random_state,
        )
    except ValueError as error:
        raise ValueError(
            f"{parameter}={fraction} cannot be held out: {error}"
        ) from error
    if len(held_out) < 2:
        raise ValueError(
            f"The validation set is too small. Increase {parameter!r} (now "
            f"{fraction}) or the size of your dataset ({n_samples} samples)."
        )
    if samples.weight is not None:
        for part, chosen in (("to train on", rows), ("to hold out", held_out)):
            weight = samples.weight[chosen]
            check_largest(
                weight,
                weight.dtype,
                f"sample_weight (times class_weight) of the samples that {parameter}="
                f"{fraction} draws {part} (another random_state draws others, X_val "
                "and y_val take the place of all)",
            )
    return samples.take(rows, device), samples.take(held_out, device)


def check_score_exists(targets: Any, samples: Samples) -> None:
    """Refuse validation samples by whose score nothing can be decided."""
    if isinstance(targets, RegressionTargets) and len(samples.encoded) < 2:
        raise ValueError(
            "X_val must have at least 2 samples with early_stopping=True, got 1: the "
            "score of a regressor compares them with their mean. Pass more, or set "
            "early_stopping=False."
        )


class Judge:
    """Judges networks on samples, again and again while one is trained.

    Parameters
    ----------
    targets : ClassTargets, ColumnsOfClasses or RegressionTargets
    samples : Samples
    device : Device or None
        Where networks compute. Dense X that is not there is copied there once, unless
        it would take too much of the memory that training has left.

    Attributes
    ----------
    estimator : object or None
        An estimator that stands for the networks where metrics are asked for.
    """

    def __init__(
        self,
        targets: ClassTargets | ColumnsOfClasses | RegressionTargets,
        samples: Samples,
        device: Device | None,
    ):
        self.samples = samples
        self._targets = targets
        self._device = device
        self._X: Any = None
        self._X_on_host: Any = None
        self.estimator: Any = None

    def __call__(self, fitted: FittedNetwork) -> tuple[float, float]:
        """Loss, without penalty, and score; NaN where it is not finite."""
        samples = self.samples
        if self._X is None:
            self._X = self._brought(fitted.weights.dtype)
        outputs, loss = fitted.judge(
            self._X, samples.encoded, samples.weight, self._device
        )
        if not np.isfinite(outputs).all():
            return loss, np.nan
        predictions = self._targets.decode(outputs)
        return loss, self._targets.score(samples.y, predictions, samples.weight)

    @property
    def X_on_host(self) -> Any:
        """X as scikit-learn's scorers need it."""
        if self._X_on_host is None:
            X = self.samples.X
            if isinstance(X, DeviceArray) and self._device is not None:
                X = downloaded(self._device, X)
            self._X_on_host = X
        return self._X_on_host

    def _brought(self, dtype: np.dtype) -> Any:
        """X, on the device if there is room; the first time that it is needed.

        Training has all its memory by then, except for copies of its parameters.
        """
        X, device = self.samples.X, self._device
        if device is None or not isinstance(X, np.ndarray):
            return X
        if X.size * dtype.itemsize > device.free_bytes() // SHARE:
            return X
        return uploaded(device, X, dtype)
