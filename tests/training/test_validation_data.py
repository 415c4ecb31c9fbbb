"""Validation data: judged after each epoch, never trained on."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.metrics import log_loss
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import MLPClassifier, MLPRegressor, NeuralNetRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ESTIMATORS = [MLPClassifier, MLPRegressor]

X, y = load_iris(return_X_y=True)
order = np.random.RandomState(0).permutation(150)
X, y = X[order], y[order]
X_train, y_train, X_val, y_val = X[:100], y[:100], X[100:], y[100:]
WEIGHT = np.linspace(0, 2, 50)


def network(Estimator, **params):
    params = {"hidden_layer_sizes": (8,), "max_iter": 4, "random_state": 0, **params}
    return Estimator(**params)


def loss_of(model, X, y, weight=None):
    if isinstance(model, MLPClassifier):
        return log_loss(y, model.predict_proba(X), sample_weight=weight)
    return 0.5 * np.average((model.predict(X) - y) ** 2, weights=weight)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_curves_are_score_and_loss_of_each_epoch(Estimator, solver, weight, dtype):
    params = {"solver": solver, "dtype": dtype, "alpha": 0.1, "shuffle": False}
    model = network(Estimator, **params)
    data = {"X_val": X_val, "y_val": y_val, "sample_weight_val": weight}
    scores, losses = [], []
    for _ in range(4):
        classes = {"classes": [0, 1, 2]} if Estimator is MLPClassifier else {}
        model.partial_fit(X_train, y_train, **classes, **data)
        scores.append(model.score(X_val, y_val, sample_weight=weight))
        losses.append(loss_of(model, X_val, y_val, weight))
    np.testing.assert_allclose(model.validation_scores_, scores, rtol=1e-4)
    np.testing.assert_allclose(model.validation_loss_curve_, losses, rtol=1e-4)
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.best_loss_ == min(model.loss_curve_)
    fitted = network(Estimator, **params)
    fitted.fit(X_train, y_train, **data)
    assert fitted.validation_scores_ == model.validation_scores_
    assert fitted.validation_loss_curve_ == model.validation_loss_curve_


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_training_is_the_same_without_early_stopping(Estimator):
    one = network(Estimator).fit(X_train, y_train)
    other = network(Estimator).fit(X_train, y_train, X_val=X_val, y_val=y_val)
    assert one.loss_curve_ == other.loss_curve_
    assert one.validation_scores_ is one.validation_loss_curve_ is None
    assert one.best_validation_score_ is None
    np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_early_stopping_splits_nothing_off(Estimator):
    model = network(Estimator, early_stopping=True)
    model.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    assert model.t_ == 4 * 100
    assert model.best_loss_ is None
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == 4
    model.fit(X_train, y_train)
    assert model.t_ == 4 * 90
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == 4


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_early_stopping_keeps_the_weights_that_score_best(Estimator):
    model = network(
        Estimator,
        early_stopping=True,
        max_iter=200,
        learning_rate_init=0.1,
        n_iter_no_change=3,
    )
    model.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    assert model.n_iter_ < 200
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.score(X_val, y_val) == pytest.approx(model.best_validation_score_)
    best = int(np.argmax(model.validation_scores_))
    expected = model.validation_loss_curve_[best]
    assert loss_of(model, X_val, y_val) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_partial_fit_with_early_stopping(Estimator):
    classes = {"classes": [0, 1, 2]} if Estimator is MLPClassifier else {}
    data = {"X_val": X_val, "y_val": y_val}
    model = network(Estimator, early_stopping=True, learning_rate_init=0.1)
    for n in range(1, 9):
        model.partial_fit(X_train, y_train, **classes, **data)
        # The weights are those of the last epoch, better or worse.
        last = model.validation_scores_[-1]
        assert model.score(X_val, y_val) == pytest.approx(last)
        assert len(model.validation_scores_) == n
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.best_loss_ is None
    twin = pickle.loads(pickle.dumps(model))
    twin.partial_fit(X_train, y_train, **data)
    assert len(twin.validation_loss_curve_) == 9
    model.set_params(early_stopping=False).partial_fit(X_train, y_train)
    assert model.validation_scores_ is None


def test_the_schedule_follows_the_validation_score():
    model = network(
        MLPRegressor,
        solver="sgd",
        learning_rate="adaptive",
        early_stopping=True,
        tol=10.0,
        n_iter_no_change=1,
        dtype="float64",
    )
    rates = []
    for _ in range(5):
        model.partial_fit(X_train, y_train, X_val=X_val, y_val=y_val)
        rates.append(model._training_state.optimizer.learning_rate)
    # Infinitely better at first; then two stalled epochs lower the rate.
    np.testing.assert_allclose(rates, np.array([5, 5, 1, 1, 0.2]) * 2e-4)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_warm_start_prolongs_the_curves(Estimator):
    model = network(Estimator, warm_start=True)
    model.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    first = list(model.validation_loss_curve_)
    model.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    assert model.validation_loss_curve_[:4] == first
    assert len(model.validation_loss_curve_) == len(model.validation_scores_) == 8
    model.set_params(solver="lbfgs").fit(X_train, y_train)
    assert not hasattr(model, "validation_loss_curve_")


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.coo_array])
def test_sparse_validation_data(container):
    data = {"X_val": container(X_val), "y_val": y_val}
    one = network(MLPClassifier).fit(X_train, y_train, **data)
    other = network(MLPClassifier).fit(X_train, y_train, X_val=X_val, y_val=y_val)
    np.testing.assert_allclose(
        one.validation_loss_curve_, other.validation_loss_curve_, rtol=1e-5
    )


def test_multi_label_validation_data():
    X, y = make_multilabel_classification(200, random_state=0)
    model = network(MLPClassifier).fit(
        X[:150], sparse.csr_array(y[:150]), X_val=X[150:], y_val=y[150:]
    )
    expected = model.score(X[150:], y[150:])
    assert model.validation_scores_[-1] == pytest.approx(expected)


def test_strings_and_missing_classes():
    names = np.array(["a", "b", "c"])
    model = network(MLPClassifier, early_stopping=True)
    model.fit(
        X_train, names[y_train], X_val=X_val[y_val > 0], y_val=names[y_val[y_val > 0]]
    )
    assert len(model.validation_scores_) == 4


def test_column_names_are_checked():
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = network(MLPClassifier)
    model.fit(frame[:100], y_train, X_val=frame[100:], y_val=y_val)
    assert len(model.validation_scores_) == 4
    with pytest.raises(ValueError, match=r"\(X_val, .*feature names should match"):
        model.fit(frame[:100], y_train, X_val=frame[100:][list("badc")], y_val=y_val)


def test_divergence_leaves_curves_of_one_length():
    model = network(
        MLPRegressor,
        solver="sgd",
        activation="identity",
        learning_rate_init=0.5,
        max_iter=100,
        n_iter_no_change=np.inf,
    )
    with np.errstate(over="ignore", invalid="ignore"):
        model.fit(X_train * 3, y_train, X_val=X_val * 3, y_val=y_val)
    assert 1 < model.n_iter_ < 100
    assert len(model.validation_loss_curve_) == len(model.loss_curve_)
    assert np.isnan(model.validation_loss_curve_[-1])


def test_verbose_prints_the_score(capsys):
    network(MLPClassifier, verbose=True).fit(X_train, y_train, X_val=X_val, y_val=y_val)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["Iteration", "Validation"] * 4


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_one_sample_has_no_score_that_decides(method):
    model = MLPRegressor(early_stopping=True)
    with pytest.raises(
        ValueError, match=r"X_val must have at least 2 samples .* got 1"
    ):
        getattr(model, method)(X, y, X_val=X[:1], y_val=y[:1])
    getattr(model, method)(X, y, X_val=X[:2], y_val=y[:2])
    network(MLPClassifier, early_stopping=True).fit(X, y, X_val=X[:1], y_val=y[:1])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.parametrize("Estimator", [MLPRegressor, NeuralNetRegressor])
def test_one_sample_has_a_loss(Estimator):
    model = Estimator().partial_fit(X, y, X_val=X[:1], y_val=y[:1])
    assert np.isfinite(
        model.partial_fit(X, y, X_val=X[1:2], y_val=y[1:2]).loss_curve_
    ).all()


def test_pipelines_transform_it():
    sklearn = pytest.importorskip("sklearn", "1.6")
    with sklearn.config_context(enable_metadata_routing=True):
        network_ = network(MLPClassifier).set_fit_request(X_val=True, y_val=True)
        model = Pipeline(
            [("scale", StandardScaler()), ("network", network_)],
            transform_input=["X_val"],
        )
        model.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    scaler = StandardScaler().fit(X_train)
    expected = clone(network_).fit(
        scaler.transform(X_train),
        y_train,
        X_val=scaler.transform(X_val),
        y_val=y_val,
    )
    assert model[-1].validation_loss_curve_ == expected.validation_loss_curve_
