"""Weights of samples: the user's, multiplied by those of their classes."""

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import _check_sample_weight

from fastnn.estimators.data.class_targets import ClassTargets, ColumnsOfClasses
from fastnn.estimators.data.ranges import described_as_overflow
from fastnn.utils.plain_numbers import Interval

_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")


# Gradients are multiplied by the weights before they are divided by the sum of these,
# and what is too small for a normal number counts as 0. So the largest weight takes
# about half of the exponents of float32; the rest is for residuals, slopes, inputs and
# the number of samples. Clipping sums squares of gradients in float64, of whose
# exponents this leaves a quarter.
_LIMITS = {"float32": (1e-18, 1e18), "float64": (1e-75, 1e75)}


class ClassWeights:
    """A weight for each class of each column of y, with scikit-learn's meaning.

    The weights of a sample's columns are multiplied. They are kept for all known
    classes, so that they hold for samples that lack some: a batch of partial_fit, or
    validation data.

    Parameters
    ----------
    class_weight : "balanced", dict or list of dict
        Weights by class, a dict for each column. A dict may leave classes out, which
        then weigh 1. "balanced" is ``n_samples / (n_classes * count)`` in ``y``.
    targets : ClassTargets or ColumnsOfClasses
    y : ndarray or CSR matrix
        Checked targets.

    Raises
    ------
    ValueError
        If a class is not known, a weight is not a number of 0 or more, or there is not
        one dict for each column.
    """

    def __init__(
        self,
        class_weight: str | dict | list[dict],
        targets: ClassTargets | ColumnsOfClasses,
        y: Any,
    ):
        self._targets = targets
        columns = targets.columns(y)
        if isinstance(class_weight, str):
            self._weights = [_balanced(labels, numbers) for labels, numbers in columns]
            return
        dicts = _one_per_column(class_weight, len(columns))
        self._weights = [
            _listed(weights, labels)
            for weights, (labels, _) in zip(dicts, columns, strict=True)
        ]

    def of(self, y: Any) -> NDArray[np.float64]:
        """Weights of samples.

        Parameters
        ----------
        y : ndarray or CSR matrix
            Checked targets.

        Returns
        -------
        weight : ndarray of shape (n_samples,)
        """
        columns = zip(self._weights, self._targets.columns(y), strict=True)
        return np.prod([weights[numbers] for weights, (_, numbers) in columns], axis=0)


def check_weights(
    sample_weight: Any,
    class_weights: ClassWeights | None,
    y: Any,
    dtype: np.dtype,
) -> NDArray | None:
    """Weights of samples for the engine, or None where all are 1.

    Raises
    ------
    ValueError
        If a weight is negative, or the largest of them is not of a size that ``dtype``
        can train with; see :func:`check_largest`.
    """
    if sample_weight is None and class_weights is None:
        return None
    # Of what it is shown it wants to know the number of samples.
    with described_as_overflow("sample_weight"):
        weight = _check_sample_weight(sample_weight, y, dtype=np.float64)
    if weight.min() < 0:
        raise ValueError(
            "sample_weight must not be negative, got "
            f"{weight.min():g} at position {weight.argmin()}."
        )
    names = "sample_weight"
    if class_weights is not None:
        names = "sample_weight multiplied by class_weight"
        weight = weight * class_weights.of(y)
    check_largest(weight, dtype, names)
    return weight.astype(dtype)


def check_largest(weight: NDArray, dtype: np.dtype, what: str) -> None:
    """Refuse weights of samples that cannot train a network.

    Parameters
    ----------
    weight : ndarray of shape (n_samples,)
        At least 0.
    dtype : dtype
        What the network computes in.
    what : str
        How a message calls the weights.

    Raises
    ------
    ValueError
        If all are 0, or the largest is beyond these limits.
    """
    largest, (low, high) = weight.max(initial=0), _LIMITS[dtype.name]
    if largest == 0:
        raise ValueError(
            f"{what} must contain at least one non-zero number, got zeros only."
        )
    if not low <= largest <= high:
        raise ValueError(
            f"{what} must have a largest number from {low:g} to {high:g} where "
            f"the network computes in {dtype}, got {largest:.3g}. Multiply all weights "
            "by one factor, for example such that their mean is 1"
            f"{', or set dtype=' + repr('float64') if dtype == np.float32 else ''}."
        )


def _one_per_column(class_weight: dict | list[dict], n_columns: int) -> list[dict]:
    """scikit-learn's rules and messages of compute_sample_weight."""
    if n_columns == 1 and isinstance(class_weight, list):
        raise ValueError(
            "class_weight should be a dict or the string 'balanced' where y is one "
            f"column of classes. Got the list {class_weight!r}."
        )
    if isinstance(class_weight, dict):
        if n_columns == 1:
            return [class_weight]
        raise ValueError(
            "For multi-output, class_weight should be a list of dicts, or the string "
            f"'balanced'. Got {class_weight!r} for {n_columns} outputs."
        )
    if len(class_weight) != n_columns:
        raise ValueError(
            "For multi-output, number of elements in class_weight should match number "
            f"of outputs. Got {class_weight!r}, {len(class_weight)} element(s) while "
            f"having {n_columns} outputs."
        )
    for column, weights in enumerate(class_weight):
        if not isinstance(weights, dict):
            raise ValueError(
                f"class_weight must hold dicts, got {weights!r} "
                f"({type(weights).__name__}) at position {column}."
            )
    return class_weight


def _listed(weights: dict, labels: NDArray) -> NDArray[np.float64]:
    """Weights of a dict in the order of the labels."""
    for label, weight in weights.items():
        if not _NOT_NEGATIVE.is_satisfied_by(weight) or np.isinf(weight):
            raise ValueError(
                f"class_weight must hold finite numbers >= 0, got {weight!r} for "
                f"class {label!r} in {weights!r}."
            )
    known = labels.tolist()
    missing = [label for label in known if label not in weights]
    # As in scikit-learn a dict may name more classes than there are, or fewer, but
    # one that does both is likely a mistake.
    if missing and len(known) - len(missing) != len(weights):
        raise ValueError(
            f"The classes, {missing}, are not in class_weight, which is {weights!r}. "
            "Its keys must be class labels."
        )
    return np.array([weights.get(label, 1.0) for label in known], dtype=np.float64)


def _balanced(labels: NDArray, numbers: NDArray[np.intp]) -> NDArray[np.float64]:
    weights = np.ones(len(labels))
    present = np.unique(numbers)
    weights[present] = compute_class_weight("balanced", classes=present, y=numbers)
    return weights
