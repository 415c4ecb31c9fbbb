"""What is measured on validation data besides loss and score, and under which names."""

from functools import partial

import numpy as np
import pytest
from sklearn import config_context
from sklearn.metrics import accuracy_score, fbeta_score, make_scorer, max_error

from fastnn import NeuralNetClassifier, NeuralNetRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(80, 3))
y = X[:, 0]
labels = (y > 0).astype(int)
weight = rng.uniform(0.5, 2, 80)


def worst(estimator, X, y):
    return -np.abs(estimator.predict(X) - y).max()


def weighed(estimator, X, y, sample_weight=None):
    return 0.0 if sample_weight is None else sample_weight.sum()


def any_options(estimator, X, y, **options):
    return len(options)


class Calls:
    def __call__(self, estimator, X, y):
        return 1.0


def measured(metrics, *, sample_weight=None, Estimator=NeuralNetRegressor):
    target = y if Estimator is NeuralNetRegressor else labels
    model = Estimator(epochs=2, metrics=metrics, random_state=0)
    model.fit(
        X, target, sample_weight, X_val=X, y_val=target, sample_weight_val=sample_weight
    )
    usual = NeuralNetRegressor(epochs=1).fit(X, y, X_val=X, y_val=y).history_
    return {name: v for name, v in model.history_.items() if name not in usual}


@pytest.mark.parametrize("routing", [False, True])
def test_weights_go_to_the_metrics_that_take_them(routing):
    most = make_scorer(max_error, greater_is_better=False)  # takes no weights
    metrics = [worst, weighed, any_options, most, "r2", lambda e, X, y: 2.0]
    with config_context(enable_metadata_routing=routing):
        with_weights = measured(metrics, sample_weight=weight)
        without = measured(metrics)
    assert list(with_weights) == [
        f"validation_{name}"
        for name in ("worst", "weighed", "any_options", most, "r2", "lambda")
    ]
    np.testing.assert_allclose(with_weights["validation_weighed"], weight.sum(), 1e-5)
    assert with_weights["validation_any_options"] == [1, 1]
    assert without["validation_weighed"] == without["validation_any_options"] == [0, 0]


def test_scorers_of_classes_that_take_no_weights():
    found = measured(
        ["adjusted_rand_score", "accuracy", "neg_log_loss"],
        sample_weight=weight, Estimator=NeuralNetClassifier,
    )  # fmt: skip
    assert len(found) == 3


def test_names():
    scorer = make_scorer(fbeta_score, beta=2)
    found = measured(
        [partial(weighed, sample_weight=weight), Calls(), scorer, lambda e, X, y: 0],
        Estimator=NeuralNetClassifier,
    )
    assert list(found) == [
        *("validation_weighed", "validation_Calls", f"validation_{scorer!r}"),
        "validation_lambda",
    ]


def score(estimator, X, y):
    raise AssertionError("is not called")


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (["r2", "r2"], "'r2' at position 1, which is the name of an earlier one"),
        ([worst, partial(worst)], "'worst' at position 1"),
        ([lambda e, X, y: 0, lambda e, X, y: 1], "'lambda' at position 1"),
        ([score], "'score' at position 0, which is the name of what is measured"),
        (["accurracy"], "'accurracy' is not a valid name of a scorer"),
        ([3], "metrics must hold names .* got 3 at position 0"),
        ([Calls], "metrics must hold names .*Calls"),
        ([accuracy_score], "make_scorer"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_wrong_metrics_are_named_before_the_first_epoch(metrics, message, method):
    model = NeuralNetRegressor(metrics=metrics, loss=lambda y, z: pytest.fail("runs"))
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(X, y, X_val=X, y_val=y)


def test_a_metric_of_probabilities_that_a_loss_has_not():
    labels = np.arange(len(X)) % 2
    model = NeuralNetClassifier(loss="hinge", metrics=["neg_log_loss"], epochs=1)
    with pytest.raises(ValueError, match=r"metrics=\['neg_log_loss'\].*predict_proba"):
        model.fit(X, labels, X_val=X, y_val=labels)


@pytest.mark.parametrize("value", [None, {"a": 1}, "high", 10**400])
def test_a_metric_returns_a_number(value):
    with pytest.raises(TypeError, match=r"metric must return one number.*'Calls'"):
        measured([type("Calls", (), {"__call__": lambda *args: value})()])
