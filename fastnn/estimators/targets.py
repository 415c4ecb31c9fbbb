"""Targets: what a network is asked for, and what its outputs mean.

Each class knows the loss that its targets call for, turns a checked ``y`` into the
columns that this loss reads, and turns the outputs of the network into predictions.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.multiclass import (
    check_classification_targets,
    type_of_target,
    unique_labels,
)

from fastnn.losses import CrossEntropy, LogLoss, Loss


class RegressionTargets:
    """Real numbers, one column per output.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Checked targets.
    loss : Loss
    """

    def __init__(self, y: NDArray, loss: Loss):
        self.loss = loss
        self.n_outputs = 1 if y.ndim == 1 else y.shape[1]

    def encode(self, y: NDArray, dtype: np.dtype) -> NDArray:
        """Targets as columns.

        Values beyond the range of ``dtype`` become infinite: the loss is then not
        finite, and the trainer says so.
        """
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(y.reshape(y.shape[0], -1), dtype=dtype)

    def decode(self, outputs: NDArray) -> NDArray:
        """Predictions: one dimension for a single output."""
        return outputs[:, 0] if self.n_outputs == 1 else outputs


class ClassTargets:
    """Class labels: two or more exclusive classes, or a row of yes-or-no labels.

    Two classes need one output, the probability of the second. More have one output
    each and sum to 1. In the multi-label case each output is a probability by itself.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or {ndarray, CSR matrix} of shape \
            (n_samples, n_classes)
        Checked targets.
    classes : array-like of shape (n_classes,), default=None
        All classes, when ``y`` may lack some.

    Attributes
    ----------
    kind : {"binary", "multiclass", "multilabel-indicator"}
    classes : ndarray of shape (n_classes,)
        Sorted.
    loss : Loss
    n_outputs : int
    """

    def __init__(self, y: Any, classes: Any = None):
        self.kind = _kind_of(y)
        self.classes = unique_labels(y if classes is None else classes)
        if classes is not None and self.kind != "multilabel-indicator":
            self.kind = "binary" if len(self.classes) <= 2 else "multiclass"
        self.sparse = sparse.issparse(y)
        self.loss: Loss = CrossEntropy() if self.kind == "multiclass" else LogLoss()
        self.n_outputs = 1 if self.kind == "binary" else len(self.classes)

    def check(self, y: Any, classes: Any, *, complete: bool) -> None:
        """Check further targets against these.

        Parameters
        ----------
        y : ndarray or CSR matrix
            Checked targets.
        classes : array-like or None
            What the user says are all classes.
        complete : bool
            Whether every class must occur in ``y``, as in a warm start.
        """
        labels = "multilabel-indicator"
        kind = _kind_of(y)
        if (kind == labels) != (self.kind == labels):
            raise ValueError(
                f"y is {kind}, but the model was fitted with {self.kind} targets. "
                "Pass y of the same kind, or call fit with warm_start=False."
            )
        if kind == labels and y.shape[1] != len(self.classes):
            raise ValueError(
                f"y has {y.shape[1]} labels (columns), but the model was fitted with "
                f"{len(self.classes)}. Pass as many, or call fit with warm_start=False."
            )
        if classes is not None:
            classes = unique_labels(classes)
            if not np.array_equal(classes, self.classes):
                raise ValueError(
                    f"`classes={classes}` is not the same as on last call to "
                    f"partial_fit or fit, was: {self.classes}."
                )
        found = np.arange(y.shape[1]) if kind == labels else np.unique(y)
        if complete and not np.array_equal(found, self.classes):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the "
                f"previous call to fit. Previously got {self.classes}, `y` has {found}"
            )
        if len(np.setdiff1d(found, self.classes)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. `self.classes_` has "
                f"{self.classes}. 'y' has {found}."
            )

    def encode(self, y: Any, dtype: np.dtype) -> NDArray:
        """Targets as the columns that the loss reads.

        One column of class indices for three or more classes; otherwise zeros and
        ones, one column per output.
        """
        if self.kind == "multilabel-indicator":
            y = y.toarray() if sparse.issparse(y) else y
            return np.ascontiguousarray(y != 0, dtype=dtype)
        if self.kind == "binary":
            return np.ascontiguousarray((y != self.classes[0])[:, None], dtype=dtype)
        indices = np.searchsorted(self.classes, y)
        return np.ascontiguousarray(indices[:, None], dtype=dtype)

    def decode(self, outputs: NDArray) -> Any:
        """Labels of the most probable classes."""
        if self.kind == "multiclass":
            return self.classes[outputs.argmax(axis=1)]
        chosen = (outputs > 0.5).astype(int)
        if self.kind == "multilabel-indicator":
            return sparse.csr_matrix(chosen) if self.sparse else chosen
        # A single class is the only one that can be predicted.
        return self.classes[np.minimum(chosen[:, 0], len(self.classes) - 1)]

    def probabilities(self, outputs: NDArray) -> NDArray:
        """Probability of each class, or of each label."""
        if self.kind == "binary":
            return np.hstack([1 - outputs, outputs])
        return outputs


def _kind_of(y: Any) -> str:
    kind = type_of_target(y, input_name="y")
    if kind not in ("binary", "multiclass", "multilabel-indicator"):
        check_classification_targets(y)
    if kind == "multiclass-multioutput":
        raise ValueError(
            "Multioutput target data is not supported: y holds several columns of "
            "classes. Fit one classifier per column, for example with "
            "sklearn.multioutput.MultiOutputClassifier, or pass a label indicator "
            "matrix of zeros and ones."
        )
    return kind
