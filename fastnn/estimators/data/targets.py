"""Targets: what a network is asked for, and what its outputs mean.

Each class knows the loss that its targets call for, turns a checked ``y`` into the
columns that this loss reads, turns the outputs of the network into predictions, and
scores these.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import d2_pinball_score, r2_score

from fastnn.estimators.data.class_targets import ClassTargets, ColumnsOfClasses
from fastnn.estimators.data.kinds import MULTI_OUTPUT, kind_of
from fastnn.losses import Loss, Quantile
from fastnn.utils.plain import PlainState

# The kind of targets that are numbers, by scikit-learn's name.
NUMBERS = "continuous"


class RegressionTargets:
    """Real numbers in columns, with one output for each, or for each of its quantiles.

    Parameters
    ----------
    n_columns : int
    loss : Loss

    Attributes
    ----------
    n_outputs : int
    """

    def __init__(self, n_columns: int, loss: Loss):
        self.loss = loss
        self.n_columns = n_columns
        self._quantiles: tuple = ()
        if isinstance(loss, Quantile):
            levels = loss.levels()
            # One number is a quantile of the usual shape, a sequence adds an axis.
            self._quantiles = tuple(levels) if np.ndim(loss.quantile) else ()
        self.n_outputs = n_columns * max(1, len(self._quantiles))

    def to_plain(self) -> dict[str, Any]:
        """What is saved of them beside the loss."""
        return {"kind": NUMBERS, "n_columns": self.n_columns}

    @classmethod
    def from_plain(cls, saved: PlainState, loss: Loss) -> "RegressionTargets":
        """The same from what was saved; ValueError if that is damaged."""
        return cls(saved.count("n_columns"), loss)

    def encode(self, y: NDArray, dtype: np.dtype) -> NDArray:
        """Targets as columns."""
        with np.errstate(under="ignore"):
            return np.ascontiguousarray(y.reshape(y.shape[0], -1), dtype=dtype)

    def check(self, y: NDArray) -> None:
        """Check further targets against these."""
        n_columns = 1 if y.ndim == 1 else y.shape[1]
        if n_columns != self.n_columns:
            raise ValueError(
                f"y has {n_columns} outputs, but the model was fitted with "
                f"{self.n_columns}. Pass as many, or call fit with warm_start=False."
            )
        self.loss.check_targets(y)

    def decode(self, outputs: NDArray) -> NDArray:
        """Predictions: no axis for a single column, and one more for quantiles."""
        if self._quantiles:
            outputs = outputs.reshape(len(outputs), -1, len(self._quantiles))
        return outputs[:, 0] if self.n_columns == 1 else outputs

    def score(self, y: Any, predictions: NDArray, weight: Any) -> float:
        """R2 score, the mean over outputs; of quantiles the D2 of the pinball loss."""
        if not self._quantiles:
            return r2_score(y, predictions, sample_weight=weight)
        scores = [
            d2_pinball_score(y, predictions[..., i], sample_weight=weight, alpha=each)
            for i, each in enumerate(self._quantiles)
        ]
        return float(np.mean(scores))


Targets = RegressionTargets | ClassTargets | ColumnsOfClasses


def one_target_from_plain(state: Any, loss: Loss) -> Targets:
    """Targets from what was saved of them, and the loss; ValueError if damaged."""
    saved = PlainState("what the model was trained for", state)
    kind = saved.get("kind", str)
    if kind == NUMBERS:
        return RegressionTargets.from_plain(saved, loss)
    if kind == MULTI_OUTPUT:
        return ColumnsOfClasses.from_plain(saved, loss)
    return ClassTargets.from_plain(saved, loss)


def class_targets(
    y: Any,
    classes: Any = None,
    loss: Loss | str = "auto",
    output_per_class: bool = False,
) -> ClassTargets | ColumnsOfClasses:
    """Targets of a classifier, for checked ``y``.

    ``classes`` is None, an array, or a list of one array for each column.
    """
    kind = kind_of(y)
    nested = isinstance(classes, list)
    if kind == MULTI_OUTPUT or nested:
        n_columns = y.shape[1] if y.ndim == 2 else 1
        if classes is not None and not (nested and len(classes) == n_columns):
            raise ValueError(
                f"classes must hold one array of classes for each of the {n_columns} "
                f"columns of y, got {classes!r}."
            )
        return ColumnsOfClasses(y, classes, loss)
    return ClassTargets(kind, y, classes, loss, output_per_class)
