"""Weights of classes: what scikit-learn's compute_sample_weight says, in every call."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.utils.class_weight import compute_sample_weight

from fastnn import MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)
X, y = X[30:], y[30:]  # 20, 50 and 50 samples
NAMES = np.array(["a", "b", "c"])
DIGITS = np.array(["1", "2", "10"])
WEIGHT = np.random.RandomState(0).uniform(0.5, 2, len(y))


def fitted(X, y, *, sample_weight=None, method="fit", classes=None, **params):
    params = {"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0, **params}
    model = MLPClassifier(dtype="float64", **params)
    if method == "fit":
        return model.fit(X, y, sample_weight)
    return model.partial_fit(X, y, sample_weight, classes)


def assert_same_model(one, other):
    for a, b in zip(one.coefs_, other.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)
    assert one.loss_ == pytest.approx(other.loss_)


@pytest.mark.parametrize("sample_weight", [None, WEIGHT])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize(
    ("labels", "class_weight"),
    [
        (y, "balanced"),
        (NAMES[y], "balanced"),
        (y, {0: 2.0, 1: 0.5, 2: 1}),
        (y, {0: 5}),
        (y, {2: 0}),
        (y, {0: 2, 1: 3, 2: 4, 3: 5}),
        (NAMES[y], {"a": 2.0, "b": 0.5, "c": 1}),
        (y - 1.0, {-1.0: 5}),
        (y > 0, {True: 0.1}),
        (y > 0, "balanced"),
    ],
)
def test_multiplies_sample_weight(labels, class_weight, solver, sample_weight):
    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    weight = weight * compute_sample_weight(class_weight, labels)
    assert_same_model(
        fitted(
            X,
            labels,
            class_weight=class_weight,
            solver=solver,
            sample_weight=sample_weight,
        ),
        fitted(X, labels, solver=solver, sample_weight=weight),
    )


def test_labels_that_look_like_numbers():
    # scikit-learn looks for numbers here and finds none.
    assert_same_model(
        fitted(X, DIGITS[y], class_weight={"1": 3.0, "10": 0.5}),
        fitted(X, DIGITS[y], sample_weight=np.array([3.0, 1.0, 0.5])[y]),
    )


@pytest.mark.parametrize(
    "class_weight",
    ["balanced", [{0: 1, 1: 5}, {0: 2, 1: 1}, {1: 3}, {}, {0: 1, 1: 1}]],
)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_labels_in_several_columns(container, class_weight):
    X, y = make_multilabel_classification(100, random_state=0)
    weight = compute_sample_weight(class_weight, y)
    assert_same_model(
        fitted(X, container(y), class_weight=class_weight),
        fitted(X, y, sample_weight=weight),
    )


def test_partial_fit_of_samples_that_lack_classes():
    model = MLPClassifier((8,), class_weight={0: 5}, random_state=0, dtype="float64")
    model.partial_fit(X[:20], y[:20], classes=[0, 1, 2])
    model.partial_fit(X[20:], y[20:])
    other = MLPClassifier((8,), random_state=0, dtype="float64")
    other.partial_fit(X[:20], y[:20], sample_weight=np.full(20, 5), classes=[0, 1, 2])
    assert_same_model(model, other.partial_fit(X[20:], y[20:]))


def test_balanced_serves_rare_classes():
    rng = np.random.RandomState(0)
    y = (rng.uniform(size=2000) < 0.05).astype(int)
    X = rng.standard_normal((2000, 2)) + y[:, None]
    plain, balanced = (
        MLPClassifier((8,), class_weight=option, max_iter=40, random_state=0).fit(X, y)
        for option in (None, "balanced")
    )
    scores = [balanced_accuracy_score(y, m.predict(X)) for m in (plain, balanced)]
    assert scores[1] > scores[0] + 0.1


@pytest.mark.parametrize("own_data", [False, True])
def test_weighs_validation_data_by_the_classes_of_training(own_data):
    model = MLPClassifier(
        (8,), early_stopping=True, class_weight={0: 10}, max_iter=3, random_state=0
    )
    if not own_data:
        weighted = MLPClassifier((8,), early_stopping=True, max_iter=3, random_state=0)
        weighted.fit(X, y, np.where(y == 0, 10.0, 1.0))
        model.fit(X, y)
        assert model.validation_scores_ == weighted.validation_scores_
        assert model.validation_loss_curve_ == weighted.validation_loss_curve_
        return
    model.set_params(early_stopping=False).fit(X, y, X_val=X[:60], y_val=y[:60])
    weight = np.where(y[:60] == 0, 10.0, 1.0)
    assert model.validation_scores_[-1] == pytest.approx(
        accuracy_score(y[:60], model.predict(X[:60]), sample_weight=weight)
    )
