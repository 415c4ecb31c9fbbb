"""Scorers and metrics of single heads, and what is held out to take them of."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from several_heads import N, model, numbers, samples, targets_of
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import (
    Branches,
    Heads,
    NeuralNet,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
    Targets,
)
from fastnn.layers import BatchNorm, Dense
from fastnn.metrics import head_scorer


@pytest.fixture(scope="module")
def X():
    return samples()[0]


@pytest.fixture(scope="module")
def y():
    return samples()[1]


def test_scorers_of_heads(X, y):
    scoring = {
        "auc": head_scorer("churn", "roc_auc"),
        "accuracy": head_scorer("kind", "accuracy"),
        "r2": head_scorer("value", "r2"),
    }
    found = cross_validate(model(), X, y, scoring=scoring, cv=3, error_score="raise")
    assert np.isfinite([found[f"test_{name}"] for name in scoring]).all()
    fitted = model(validation=0.2, metrics=[scoring["auc"]]).fit(X, y)
    assert np.isfinite(fitted.history_["validation_churn_roc_auc"]).all()
    predicted = fitted.predict(X)
    assert scoring["accuracy"](fitted, X, y) == accuracy_score(
        y["kind"], predicted["kind"]
    )
    assert scoring["r2"](fitted, X, y) == r2_score(y["value"], predicted["value"])
    pickle.loads(pickle.dumps(scoring))


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda model: make_pipeline(StandardScaler(), model),
        lambda model: GridSearchCV(model, {"epochs": [2, 3]}, cv=KFold(2)),
    ],
)
def test_scorers_of_heads_reach_through_what_holds_the_estimator(wrapped, X, y):
    scoring = {
        "auc": head_scorer("churn", "roc_auc"),
        "r2": head_scorer("value", "r2"),
    }
    found = cross_validate(wrapped(model()), X, y, scoring=scoring, cv=KFold(2))
    assert np.isfinite([found["test_auc"], found["test_r2"]]).all()


@pytest.mark.parametrize("Estimator", [NeuralNet, NeuralNetRegressor])
def test_scorers_of_heads_of_numbers_alone(Estimator, X):
    y = Targets(a=X[:, 0], b=X[:, 1])
    score = head_scorer("b", "r2")
    fitted = Estimator(numbers(), validation=0.2, metrics=[score]).fit(X, y)
    assert_allclose(score(fitted, X, y), r2_score(y["b"], fitted.predict(X)["b"]))
    assert np.isfinite(fitted.history_["validation_b_r2"]).all()


def test_scorers_say_what_they_need(X, y):
    fitted = model().fit(X, y)
    for head, scoring, message in [
        ("king", "r2", "must be one of those that y has targets of"),
        ("value", "roc_auc", "'value' has no probabilities"),
    ]:
        with pytest.raises(ValueError, match=message):
            head_scorer(head, scoring)(fitted, X, y)
    with pytest.raises(NotFittedError):
        head_scorer("value", "r2")(model(), X, y)


def test_classes_are_those_of_the_last_fit(X, y):
    fitted = model().fit(X, y).set_params(network=numbers(), loss="auto")
    assert fitted.fit(X, Targets(a=X[:, 0], b=X[:, 1])).classes_ == {}


def accuracy(estimator, X, y, sample_weight):
    right = estimator.predict(X)["churn"] == y["churn"]
    return np.average(right, weights=sample_weight["churn"])


def test_metrics_see_targets_and_weights_by_head(X, y):
    """Also where some are missing: their weights are zero."""
    churn = y["churn"].astype(object)
    churn[::3] = None
    scores = [accuracy, head_scorer("churn", "accuracy"), head_scorer("value", "r2")]
    options = {"class_weight": {"churn": "balanced"}, "metrics": scores}
    fitted = model(validation=0.3, **options).fit(X, targets_of(y, churn=churn))
    history = fitted.history_
    assert_allclose(history["validation_accuracy"], history["validation_score_churn"])
    for head, name in (("churn", "churn_accuracy"), ("value", "value_r2")):
        measured = history[f"validation_{name}"]
        assert_allclose(measured, history[f"validation_score_{head}"])


def loss_churn(estimator, X, y):
    return 0.0


def test_metrics_cannot_take_the_name_of_what_a_head_has(X, y):
    with pytest.raises(ValueError, match=r"'loss_churn' .* measured anyway"):
        model(validation=0.3, metrics=[loss_churn]).fit(X, y)


@pytest.mark.parametrize("seed", range(3))
def test_the_loss_on_what_is_held_out_is_that_of_score(seed, X, y):
    """A mean over the samples that have a target, however many are drawn of these."""
    churn = y["churn"].astype(object)
    churn[: N * 2 // 3] = None
    fitted = model(
        validation=0.3,
        metrics=[lambda estimator, X, y: estimator.score(X, y)],
        dtype="float64",
        random_state=seed,
    ).fit(X, targets_of(y, churn=churn))
    history = fitted.history_
    assert_allclose(
        history["validation_score"], history["validation_lambda"], rtol=1e-6
    )


def test_a_head_without_targets_on_one_side_of_the_split(X, y):
    value = np.full(N, np.nan)
    value[0] = 1.0
    with pytest.raises(ValueError, match=r"'value' has no sample .* validation=0.3"):
        model(validation=0.3).fit(X, targets_of(y, value=value))


MIXED = {
    "words and booleans": {"kind": "words", "late": "truths"},
    "numbers and words": {"kind": "numbers", "late": "words"},
    "categories": {"kind": "categories", "late": "truths"},
    "missing words": {"kind": "missing words", "late": "truths"},
    "missing numbers": {"kind": "missing numbers", "late": "truths"},
}


@pytest.mark.parametrize("name", MIXED)
def test_folds_of_data_frames_of_mixed_classes(name, X, y):
    """scikit-learn tells of what kind y is before it makes folds for a classifier."""
    words = np.array(["a", "b", "c"])[y["kind"]]
    columns = {
        "words": words,
        "numbers": y["kind"],
        "truths": X[:, 3] > 0,
        "categories": pd.Categorical(words),
        "missing words": np.where(X[:, 4] > 1, None, words),
        "missing numbers": np.where(X[:, 4] > 1, np.nan, y["kind"]),
    }
    table = pd.DataFrame({head: columns[kind] for head, kind in MIXED[name].items()})
    heads = Heads([("kind", Dense(4, "relu")), ("late", Dense(4, "relu"))])
    classifier = NeuralNetClassifier(heads, epochs=3, random_state=0)
    options = {"error_score": "raise", "scoring": head_scorer("late", "accuracy")}
    scores = [
        cross_validate(classifier, X, targets, cv=cv, **options)["test_score"]
        for targets, cv in ((table, KFold(3)), (Targets(**table), 3))
    ]
    assert_array_equal(*scores)
    folds = StratifiedKFold(3).split(X, table["late"])
    found = cross_validate(classifier, X, table, cv=folds, **options)
    assert np.isfinite(found["test_score"]).all()


def test_a_search_reaches_into_branches_and_scores_a_head(X, y):
    table = pd.DataFrame(X, columns=["age", "income", "north", "south", "visits"])
    numbers = [("norm", BatchNorm()), ("dense", Dense(8, "relu"))]
    network = Sequential(
        [
            Branches(
                [
                    ("numbers", Sequential(numbers), ["age", "income"]),
                    ("others", Dense(4, "relu"), "rest"),
                ]
            ),
            Heads([("churn", Dense(4, "relu")), ("value", Dense(4, "relu"))]),
        ]
    )
    search = GridSearchCV(
        NeuralNet(network, epochs=5, random_state=0),
        {"network__branches__numbers__dense__units": [2, 16]},
        scoring=head_scorer("churn", "roc_auc"),
        cv=3,
        error_score="raise",
    )
    search.fit(table, Targets(churn=y["churn"], value=y["value"][:, 0]))
    units = search.best_params_["network__branches__numbers__dense__units"]
    assert search.best_estimator_.coefs_[0].shape == (2, units)
    assert len(set(search.cv_results_["mean_test_score"])) == 2
    assert search.best_score_ > 0.5
    assert list(search.predict(table[:2])) == ["churn", "value"]
