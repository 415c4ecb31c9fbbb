"""The estimators inside scikit-learn's tools, in one process and in several."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import BaggingClassifier, StackingRegressor, VotingClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastnn
from fastnn import MLPClassifier, MLPRegressor

X_cancer, y_cancer = load_breast_cancer(return_X_y=True)
X_cancer, y_cancer = X_cancer[:240], y_cancer[:240]
X_diabetes, y_diabetes = load_diabetes(return_X_y=True)
y_diabetes = (y_diabetes - y_diabetes.mean()) / y_diabetes.std()

both_ways = pytest.mark.parametrize("n_jobs", [1, 2])


def classifier(**params):
    return MLPClassifier(
        (8,), learning_rate_init=0.05, tol=1e-2, random_state=0, **params
    )


def regressor():
    return MLPRegressor(
        hidden_layer_sizes=(8,), learning_rate_init=0.05, tol=1e-2, random_state=0
    )


def scaled(model):
    return make_pipeline(StandardScaler(), model)


@both_ways
def test_cross_val_score_of_a_pipeline(n_jobs):
    scores = cross_val_score(
        scaled(classifier()), X_cancer, y_cancer, cv=3, n_jobs=n_jobs
    )
    assert scores.min() > 0.85
    scores = cross_val_score(
        scaled(regressor()), X_diabetes, y_diabetes, cv=3, n_jobs=n_jobs
    )
    assert scores.min() > 0.2


@both_ways
def test_grid_search(n_jobs):
    search = GridSearchCV(
        scaled(classifier()),
        {
            "mlpclassifier__hidden_layer_sizes": [(2,), (8, 8)],
            "mlpclassifier__alpha": [1e-4, 1e-2],
        },
        cv=2,
        n_jobs=n_jobs,
        error_score="raise",
    )
    search.fit(X_cancer, y_cancer)
    assert search.best_score_ > 0.85
    assert search.predict(X_cancer).shape == (240,)


def test_grid_search_is_the_same_in_one_process_and_two():
    results = [
        GridSearchCV(
            scaled(classifier(n_jobs=1)),
            {"mlpclassifier__alpha": [1e-4, 1.0]},
            cv=2,
            n_jobs=n_jobs,
        )
        .fit(X_cancer, y_cancer)
        .cv_results_["mean_test_score"]
        for n_jobs in (1, 2)
    ]
    np.testing.assert_array_equal(*results)


@both_ways
def test_bagging(n_jobs):
    model = BaggingClassifier(
        scaled(classifier()), n_estimators=3, n_jobs=n_jobs, random_state=0
    )
    assert model.fit(X_cancer, y_cancer).score(X_cancer, y_cancer) > 0.9


@both_ways
def test_calibration(n_jobs):
    model = CalibratedClassifierCV(scaled(classifier()), cv=2, n_jobs=n_jobs)
    probabilities = model.fit(X_cancer, y_cancer).predict_proba(X_cancer)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


@both_ways
def test_permutation_importance(n_jobs):
    model = scaled(regressor()).fit(X_diabetes, y_diabetes)
    result = permutation_importance(
        model, X_diabetes, y_diabetes, n_repeats=2, n_jobs=n_jobs, random_state=0
    )
    assert result.importances_mean.argmax() in (2, 8)  # body mass index, or s5


@both_ways
def test_voting_and_stacking(n_jobs):
    voting = VotingClassifier(
        [("one", scaled(classifier())), ("other", scaled(classifier(alpha=0.1)))],
        voting="soft",
        n_jobs=n_jobs,
    )
    assert voting.fit(X_cancer, y_cancer).score(X_cancer, y_cancer) > 0.9
    stacking = StackingRegressor(
        [("mlp", scaled(regressor())), ("ridge", Ridge())], cv=2, n_jobs=n_jobs
    )
    assert stacking.fit(X_diabetes, y_diabetes).score(X_diabetes, y_diabetes) > 0.3


def test_other_tools():
    model = scaled(classifier())
    predictions = cross_val_predict(
        model, X_cancer, y_cancer, cv=2, method="predict_proba"
    )
    assert predictions.shape == (240, 2)
    _, _, scores = learning_curve(model, X_cancer, y_cancer, cv=2, train_sizes=[50, 99])
    assert scores.shape == (2, 2)
    rest = OneVsRestClassifier(model).fit(X_cancer, y_cancer)
    assert rest.score(X_cancer, y_cancer) > 0.9
    target = TransformedTargetRegressor(
        scaled(regressor()), transformer=StandardScaler()
    )
    assert (
        target.fit(X_diabetes, 100 * y_diabetes).score(X_diabetes, 100 * y_diabetes)
        > 0.3
    )


def test_weights_are_routed():
    from sklearn import config_context

    with config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        model = make_pipeline(scaler, classifier().set_fit_request(sample_weight=True))
        model.fit(X_cancer, y_cancer, sample_weight=np.ones(240))
        assert model.score(X_cancer, y_cancer) > 0.9


def test_html():
    assert "MLPClassifier" in scaled(fastnn.MLPClassifier())._repr_html_()
