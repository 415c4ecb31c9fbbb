"""Scorers of networks: of one head, by the scorers of scikit-learn."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer
from sklearn.utils import _safe_indexing

from fastnn.estimators.data.heads import check_head, columns_of_heads


class _HeadView(BaseEstimator):
    """A fitted network of several heads, as scikit-learn sees an estimator of one."""

    def __init__(self, estimator: Any, head: str):
        self.estimator = estimator
        self.head = head

    @property
    def classes_(self) -> Any:
        classes = self.estimator.classes_
        if self.head not in classes:
            raise AttributeError(f"head {self.head!r} is one of numbers")
        return classes[self.head]

    def predict(self, X: Any) -> Any:
        return np.asarray(self.estimator.predict(X)[self.head])

    def predict_proba(self, X: Any) -> Any:
        probabilities = self.estimator.predict_proba(X)
        if self.head not in probabilities:
            raise AttributeError(f"head {self.head!r} has no probabilities")
        return probabilities[self.head]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        of_classes = self.head in self.estimator.classes_
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
        heads = list(estimator._targets.heads)
        if self.head not in heads:
            raise ValueError(
                f"head must be one of the network's heads {heads}, got {self.head!r}."
            )
        numeric = self.head not in estimator.classes_
        column = columns_of_heads(y, heads, "y")[self.head]
        values, present = check_head(self.head, column, "y", numeric=numeric)
        if present is not None:
            rows = np.flatnonzero(present)
            X, values = _safe_indexing(X, rows), values[rows]
            if sample_weight is not None:
                sample_weight = _safe_indexing(sample_weight, rows)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        return get_scorer(self.scoring)(
            _HeadView(estimator, self.head), X, values, **weights
        )

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
    >>> model = NeuralNet(network, epochs=60, random_state=0)
    >>> scoring = {"accuracy": head_scorer("kind", "accuracy")}
    >>> scores = cross_validate(model, X, y, scoring=scoring)
    >>> scores["test_accuracy"].mean() > 0.8
    True
    """
    get_scorer(scoring)
    return _HeadScorer(head, scoring)


__all__ = ["head_scorer"]
