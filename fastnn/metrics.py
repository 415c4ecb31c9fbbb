"""Scorers of networks: of one head, by the scorers of scikit-learn."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer
from sklearn.utils import _safe_indexing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from fastnn.estimators.data.containers import named_columns
from fastnn.estimators.data.heads import check_head


class _HeadView(BaseEstimator):
    """A fitted network of several heads, as scikit-learn sees an estimator of one."""

    def __init__(self, estimator: Any, head: str, classes: Any):
        self.estimator = estimator
        self.head = head
        if classes is not None:
            self.classes_ = classes

    def predict(self, X: Any) -> Any:
        predicted = self.estimator.predict(X)
        if isinstance(predicted, np.ndarray):  # of the only head, as y was
            return predicted
        return np.asarray(predicted[self.head])

    @available_if(lambda self: hasattr(self.estimator, "predict_proba"))
    def predict_proba(self, X: Any) -> Any:
        probabilities = self.estimator.predict_proba(X)
        if not isinstance(probabilities, dict):
            return probabilities
        if self.head not in probabilities:
            raise ValueError(
                f"head {self.head!r} has no probabilities: it is one of numbers, or "
                "its loss knows none. Choose a scorer that compares predictions."
            )
        return probabilities[self.head]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        of_classes = "classes_" in vars(self)
        tags.estimator_type = "classifier" if of_classes else "regressor"
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return True


class _HeadScorer:
    """What :func:`head_scorer` makes: it pickles, and has a name for the history."""

    def __init__(self, head: str, scoring: str | Callable):
        self.head, self.scoring = head, scoring
        name = scoring if isinstance(scoring, str) else None
        self.__name__ = f"{head}_{name or getattr(scoring, '__name__', 'score')}"

    def __call__(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any = None
    ) -> float:
        check_is_fitted(estimator)
        # The estimator may be a pipeline or a search, which know what their last has.
        classes = getattr(estimator, "classes_", {})
        if isinstance(classes, dict):
            classes = classes.get(self.head)
        column = named_columns(y)
        if column is None:
            column = {self.head: y}
        if self.head not in column:
            raise ValueError(
                f"head must be one of those that y has targets of, {list(column)}, got "
                f"{self.head!r}."
            )
        values, present = check_head(
            self.head, column[self.head], "y", numeric=classes is None
        )
        weights_by_head = named_columns(sample_weight)
        if weights_by_head is not None:
            sample_weight = weights_by_head.get(self.head)
        if present is not None:
            rows = np.flatnonzero(present)
            X, values = _safe_indexing(X, rows), values[rows]
            if sample_weight is not None:
                sample_weight = _safe_indexing(sample_weight, rows)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        view = _HeadView(estimator, self.head, classes)
        return get_scorer(self.scoring)(view, X, values, **weights)

    def __repr__(self) -> str:
        return f"head_scorer({self.head!r}, {self.scoring!r})"


def head_scorer(head: str, scoring: str | Callable) -> Callable:
    """A scorer of one head, for ``cross_validate``, searches and ``metrics=``.

    Samples that lack the target of the head are left out.

    Parameters
    ----------
    head : str
        Name of the head.
    scoring : str or callable
        Name of one of scikit-learn's scorers, such as "roc_auc" or "r2", or a scorer.

    Returns
    -------
    scorer : callable
        Takes ``(estimator, X, y)`` and, where the scorer of scikit-learn does,
        ``sample_weight``.

    Raises
    ------
    ValueError
        If there is no scorer of this name.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_validate
    >>> from fastnn import Heads, NeuralNet, Sequential, Targets
    >>> from fastnn.layers import Dense
    >>> from fastnn.metrics import head_scorer
    >>> X, y = load_iris(return_X_y=True)
    >>> rows = np.random.RandomState(0).permutation(len(X))
    >>> X, y = X[rows], Targets(kind=y[rows].astype(str), width=X[rows, 3])
    >>> heads = Heads([("kind", Dense(8, "relu")), ("width", Dense(8, "relu"))])
    >>> network = Sequential([Dense(16, "relu"), heads])
    >>> model = NeuralNet(network, epochs=200, random_state=0)
    >>> scoring = {"accuracy": head_scorer("kind", "accuracy")}
    >>> scores = cross_validate(model, X, y, scoring=scoring)
    >>> bool(scores["test_accuracy"].mean() > 0.8)
    True
    """
    get_scorer(scoring)
    return _HeadScorer(head, scoring)


__all__ = ["head_scorer"]
