"""Samples as a trainer takes them, and a part of them to hold out."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from fastnn.engine.device import Device, DeviceArray
from fastnn.estimators.data.head_weights import scaled_by_head
from fastnn.estimators.data.targets import RegressionTargets, Targets
from fastnn.estimators.data.weights import check_largest


@dataclass(frozen=True)
class Samples:
    """Checked samples: what the engine reads, and the y that a score compares with.

    Parameters
    ----------
    X : {ndarray, CSR matrix, Sequences, DeviceArray} of n_samples, or dict
        Of any shape behind the samples where the network takes it; of several inputs a
        dict of such by name.
    y : ndarray or CSR matrix
    encoded : ndarray of shape (n_samples, n_columns)
        The same targets as the loss reads them.
    weight : ndarray of shape (n_samples,) or (n_samples, 1 + n_heads), or None
    """

    X: Any
    y: Any
    encoded: NDArray
    weight: NDArray | None

    def take(self, rows: NDArray[np.intp], device: Device | None) -> "Samples":
        """Copy of some of them, X where it is."""
        weight = None if self.weight is None else self.weight[rows]
        if isinstance(self.X, dict):
            X: Any = {name: each[rows] for name, each in self.X.items()}
        elif isinstance(self.X, DeviceArray) and device is not None:
            X = device.take(self.X, rows)
        else:
            X = self.X[rows]
        return Samples(X, self.y[rows], self.encoded[rows], weight)


@dataclass(frozen=True)
class Prepared:
    """What one call of ``fit`` or ``partial_fit`` trains on.

    Parameters
    ----------
    samples : Samples
    held_out : Samples or None
        The validation data, if some was passed.
    targets : Targets
    dtype : dtype
        What the network computes in.
    device : Device or None
        Where; None is the CPU.
    """

    samples: Samples
    held_out: Samples | None
    targets: Targets
    dtype: np.dtype
    device: Device | None


def split(
    prepared: Prepared,
    *,
    stratify: NDArray | None,
    fraction: float,
    parameter: str,
    random_state: np.random.RandomState,
) -> Prepared:
    """The same with some of the samples held out.

    Parameters
    ----------
    prepared : Prepared
    stratify : ndarray of shape (n_samples,) or None
        Labels whose proportions to keep.
    fraction : float
        Share of the samples to hold out.
    parameter : str
        What the estimator calls the fraction.
    random_state : RandomState

    Raises
    ------
    ValueError
        If fewer than two would be held out, or one of the parts has no weight.
    """
    samples, device = prepared.samples, prepared.device
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
    parts = []
    for part, chosen in (("to train on", rows), ("to hold out", held_out)):
        taken = samples.take(chosen, device)
        weight = taken.weight
        if weight is not None:
            among = (
                f"the samples that {parameter}={fraction} draws {part} (another "
                "random_state draws others, X_val and y_val take the place of all)"
            )
            check_largest(
                weight if weight.ndim == 1 else weight[:, 0],
                weight.dtype,
                f"sample_weight (times class_weight) of {among}",
            )
            if weight.ndim == 2:
                heads = list(samples.y.values)
                weight = scaled_by_head(weight, heads, f" among {among}")
                taken = replace(taken, weight=weight)
        parts.append(taken)
    return replace(prepared, samples=parts[0], held_out=parts[1])


def check_score_exists(targets: Any, samples: Samples) -> None:
    """Refuse validation samples by whose score nothing can be decided."""
    if isinstance(targets, RegressionTargets) and len(samples.encoded) < 2:
        raise ValueError(
            "X_val must have at least 2 samples with early_stopping=True, got 1: the "
            "score of a regressor compares them with their mean. Pass more, or set "
            "early_stopping=False."
        )
