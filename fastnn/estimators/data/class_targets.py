"""Targets that are classes: in one column, as a row of labels, or in several columns.

What such classes are asked for is said in `fastnn.estimators.data.targets`.
"""

from collections.abc import Sequence
from copy import copy
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics import accuracy_score
from sklearn.utils.multiclass import unique_labels

from fastnn.estimators.class_losses import class_loss, columns_loss
from fastnn.estimators.data.arrays import empty_beside, look_up, on_host
from fastnn.estimators.data.kinds import INDICATOR, MULTI_OUTPUT, kind_of
from fastnn.losses import Loss, SoftCrossEntropy
from fastnn.utils.plain import PlainState

# What ClassTargets may be, by scikit-learn's names.
_KINDS = ("binary", "multiclass", "multilabel-indicator")


class ClassTargets:
    """Class labels: two or more exclusive classes, or a row of yes-or-no labels.

    Two classes need one output, the probability of the second. More have one output
    each and sum to 1. In the multi-label case each output is a probability by itself.

    Parameters
    ----------
    kind : {"binary", "multiclass", "multilabel-indicator"}
        What scikit-learn's ``type_of_target`` says of ``y``.
    y : ndarray of shape (n_samples,) or {ndarray, CSR matrix} of shape \
            (n_samples, n_classes)
        Checked targets.
    classes : array-like of shape (n_classes,), default=None
        All classes, when ``y`` may lack some.
    loss : Loss or str, default="auto"
    output_per_class : bool, default=False
        As those of :func:`fastnn.estimators.class_losses.class_loss`.

    Attributes
    ----------
    kind : {"binary", "multiclass", "multilabel-indicator"}
    classes : ndarray of shape (n_classes,)
        Sorted.
    loss : Loss
    n_outputs : int
    """

    def __init__(
        self,
        kind: str,
        y: Any,
        classes: Any = None,
        loss: Loss | str = "auto",
        output_per_class: bool = False,
    ):
        self.kind = kind
        if classes is not None:
            self.classes = unique_labels(classes)
        elif kind == INDICATOR:
            self.classes = np.arange(y.shape[1])
        else:
            # Words of an object array become an array of words, as in unique_labels.
            self.classes = np.array(list(np.unique(y)))
        if classes is not None and self.kind != INDICATOR:
            self.kind = "binary" if len(self.classes) <= 2 else "multiclass"
        self.sparse = sparse.issparse(y)
        self._ask_for(class_loss(loss, self.kind, output_per_class=output_per_class))

    def with_loss(self, loss: Loss) -> "ClassTargets":
        """The same targets under another loss, which may read a share of each class."""
        other = copy(self)
        other._ask_for(loss)
        return other

    def _ask_for(self, loss: Loss) -> None:
        self.loss = loss
        # Whether classes exclude each other, and each has an output; and whether the
        # loss reads a share of each.
        self._shares = isinstance(loss, SoftCrossEntropy)
        self._numbered = loss.reads_class_numbers or self._shares
        one_output = self.kind == "binary" and not self._numbered
        # A loss that compares classes is given one to compare a single class with.
        self.n_outputs = 1 if one_output else max(2, len(self.classes))

    def to_plain(self) -> dict[str, Any]:
        """What is saved of them beside the loss."""
        return {"kind": self.kind, "classes": self.classes, "sparse": self.sparse}

    @classmethod
    def from_plain(cls, saved: PlainState, loss: Loss) -> "ClassTargets":
        """The same from what was saved; ValueError if that is damaged."""
        targets = cls.__new__(cls)
        targets.kind = saved.get("kind", str)
        targets.classes = saved.get("classes", np.ndarray)
        targets.sparse = bool(saved.get("sparse", bool))
        if targets.kind not in _KINDS:
            raise saved.damaged("kind", f"one of {_KINDS}", repr(targets.kind))
        if targets.classes.ndim != 1 or not targets.classes.size:
            raise saved.damaged("classes", "a list of classes", targets.classes.shape)
        targets._ask_for(loss)
        return targets

    def check(self, y: Any, classes: Any = None, *, complete: bool = False) -> None:
        """Check further targets against these.

        Parameters
        ----------
        y : ndarray or CSR matrix
            Checked targets.
        classes : array-like, default=None
            What the user says are all classes.
        complete : bool, default=False
            Whether every class must occur in ``y``, as in a warm start.
        """
        kind = kind_of(y)
        if kind != self.kind and not {kind, self.kind} <= {"binary", "multiclass"}:
            raise ValueError(
                f"y is {kind}, but the model was fitted with {self.kind} targets. "
                "Pass y of the same kind, or call fit with warm_start=False."
            )
        if kind == INDICATOR and y.shape[1] != len(self.classes):
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
        found = np.arange(y.shape[1]) if kind == INDICATOR else np.unique(y)
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

    def columns(self, y: Any) -> list[tuple[NDArray, NDArray[np.intp]]]:
        """Classes of each column of y, and the number of each sample's among them."""
        if self.kind != INDICATOR:
            return [(self.classes, np.searchsorted(self.classes, y))]
        labels = np.arange(2)
        present = (y.toarray() if sparse.issparse(y) else y) != 0
        return [(labels, column.astype(np.intp)) for column in present.T]

    def encode(self, y: Any, dtype: np.dtype) -> NDArray:
        """Targets as the columns that the loss reads.

        One column of class indices where each class has an output, unless the loss
        reads shares; otherwise zeros and ones, one column per output.
        """
        if self.kind == INDICATOR:
            y = y.toarray() if sparse.issparse(y) else y
            return np.ascontiguousarray(y != 0, dtype=dtype)
        if not self._numbered:
            return np.ascontiguousarray((y != self.classes[0])[:, None], dtype=dtype)
        indices = np.searchsorted(self.classes, y)
        if self._shares:
            shares = np.zeros((len(indices), self.n_outputs), dtype)
            shares[np.arange(len(indices)), indices] = 1
            return shares
        return np.ascontiguousarray(indices[:, None], dtype=dtype)

    def decode(self, outputs: NDArray) -> Any:
        """Labels of the most probable classes."""
        if self._numbered:
            numbers = outputs[:, : len(self.classes)].argmax(axis=1)
            return look_up(self.classes, numbers)
        # Raw outputs speak for the second class where they are positive.
        threshold = 0.5 if self.loss.link == "logistic" else 0.0
        chosen = (outputs > threshold).astype(int)
        if self.kind == INDICATOR:
            return sparse.csr_matrix(on_host(chosen)) if self.sparse else chosen
        # A single class is the only one that can be predicted.
        return look_up(self.classes, np.minimum(chosen[:, 0], len(self.classes) - 1))

    def probabilities(self, outputs: NDArray) -> NDArray:
        """Probability of each class, or of each label."""
        if len(self.classes) == 1 and self.kind == "binary":
            certain = empty_beside(outputs, (len(outputs), 1))
            certain[:] = 1
            return certain
        if self.kind == "binary" and not self._numbered:
            both = empty_beside(outputs, (len(outputs), 2))
            np.subtract(1, outputs, out=both[:, :1])
            both[:, 1:] = outputs
            return both
        return outputs

    def score(self, y: Any, predictions: Any, weight: NDArray | None) -> float:
        """Accuracy; a row of labels counts when all of it is right."""
        return accuracy_score(y, predictions, sample_weight=weight)


class ColumnsOfClasses:
    """Class labels in several columns, each with classes of its own.

    Each class of each column has one output; those of a column sum to 1.

    Parameters
    ----------
    y : ndarray of shape (n_samples, n_columns)
        Checked targets.
    classes : sequence of array-like, default=None
        All classes of each column, when ``y`` may lack some.
    loss : Loss or str, default="auto"
        "auto", "log_loss" or a cross-entropy.

    Attributes
    ----------
    kind : "multiclass-multioutput"
    classes : list of ndarray
        Sorted, one for each column.
    loss : Loss
    n_outputs : int
    """

    kind: ClassVar[str] = MULTI_OUTPUT
    sparse: ClassVar[bool] = False

    def __init__(
        self,
        y: NDArray,
        classes: Sequence | None = None,
        loss: Loss | str = "auto",
    ):
        self.classes = [
            np.unique(each) for each in (y.T if classes is None else classes)
        ]
        self._ask_for(columns_loss(loss, [len(each) for each in self.classes]))

    def _ask_for(self, loss: Loss) -> None:
        n_classes = [len(each) for each in self.classes]
        self.loss = loss
        self.n_outputs = sum(n_classes)
        self._ends = np.cumsum(n_classes)[:-1]

    def to_plain(self) -> dict[str, Any]:
        """What is saved of them beside the loss."""
        return {"kind": self.kind, "classes": self.classes}

    @classmethod
    def from_plain(cls, saved: PlainState, loss: Loss) -> "ColumnsOfClasses":
        """The same from what was saved; ValueError if that is damaged."""
        targets = cls.__new__(cls)
        targets.classes = saved.get("classes", list)
        for each in targets.classes:
            if not isinstance(each, np.ndarray) or each.ndim != 1 or not each.size:
                raise saved.damaged("classes", "arrays of classes", type(each).__name__)
        targets._ask_for(loss)
        return targets

    def check(self, y: Any, classes: Any = None, *, complete: bool = False) -> None:
        """Check further targets against these; see :meth:`ClassTargets.check`."""
        n_columns = len(self.classes)
        if y.ndim != 2 or y.shape[1] != n_columns:
            raise ValueError(
                f"y has shape {y.shape}, but the model was fitted with {n_columns} "
                "columns of classes. Pass as many, or call fit with warm_start=False."
            )
        if classes is not None:
            same = len(classes) == n_columns and all(
                np.array_equal(np.unique(one), other)
                for one, other in zip(classes, self.classes, strict=True)
            )
            if not same:
                raise ValueError(
                    f"`classes={classes}` is not the same as on last call to "
                    f"partial_fit or fit, was: {self.classes}."
                )
        for number, (column, known) in enumerate(zip(y.T, self.classes, strict=True)):
            found = np.unique(column)
            if complete and not np.array_equal(found, known):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in "
                    f"the previous call to fit. Previously got {known} in column "
                    f"{number}, `y` has {found}"
                )
            if len(np.setdiff1d(found, known)):
                raise ValueError(
                    f"column {number} of `y` has classes not in `self.classes_`. "
                    f"`self.classes_[{number}]` is {known}. 'y' has {found}."
                )

    def columns(self, y: NDArray) -> list[tuple[NDArray, NDArray[np.intp]]]:
        """Classes of each column of y, and the number of each sample's among them."""
        return [
            (classes, np.searchsorted(classes, column))
            for classes, column in zip(self.classes, y.T, strict=True)
        ]

    def encode(self, y: NDArray, dtype: np.dtype) -> NDArray:
        """Targets as columns of class numbers."""
        numbers = [each for _, each in self.columns(y)]
        return np.ascontiguousarray(np.column_stack(numbers), dtype=dtype)

    def decode(self, outputs: NDArray) -> NDArray:
        """Labels of the most probable class of each column."""
        heads = zip(self.classes, self.probabilities(outputs), strict=True)
        labels = [look_up(classes, p.argmax(axis=1)) for classes, p in heads]
        return np.column_stack(labels)

    def probabilities(self, outputs: NDArray) -> list[NDArray]:
        """Probability of each class, one array for each column."""
        return np.split(outputs, self._ends, axis=1)

    def score(self, y: NDArray, predictions: NDArray, weight: NDArray | None) -> float:
        """Accuracy, the mean over columns."""
        return float(np.average((y == predictions).mean(axis=1), weights=weight))
