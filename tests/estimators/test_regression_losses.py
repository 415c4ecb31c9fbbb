"""What regressors can minimise, and what they then predict."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.metrics import (
    d2_pinball_score,
    mean_absolute_error,
    mean_gamma_deviance,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
    mean_tweedie_deviance,
)
from sklearn.model_selection import GridSearchCV

from fastnn import MLPRegressor
from fastnn.losses import (
    AbsoluteError,
    Gamma,
    Huber,
    LogCosh,
    Poisson,
    Quantile,
    SquaredError,
    Tweedie,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = make_regression(200, 4, noise=1.0, random_state=0)
y = y / y.std()
SOLVERS = ["adam", "sgd", "lbfgs"]
NAMES = [
    *("squared_error", "poisson", "absolute_error", "huber", "quantile", "log_cosh"),
    *("gamma", "tweedie"),
]
POSITIVE = ("poisson", "gamma", "tweedie")


def network(loss, **params):
    params = {"max_iter": 5, "random_state": 0, "dtype": "float64", **params}
    return MLPRegressor(loss, (8,), **params)


def mean_huber_loss(y, predictions, delta=1.0):
    error = abs(y - predictions)
    return np.mean(
        np.where(error <= delta, 0.5 * error**2, delta * (error - 0.5 * delta))
    )


METRICS = [
    (SquaredError(), lambda y, p: 0.5 * mean_squared_error(y, p)),
    (AbsoluteError(), mean_absolute_error),
    (Huber(), mean_huber_loss),
    (Huber(0.1), lambda y, p: mean_huber_loss(y, p, 0.1)),
    (LogCosh(), lambda y, p: np.log(np.cosh(y - p)).mean()),
    (Quantile(), lambda y, p: mean_pinball_loss(y, p, alpha=0.5)),
    (Quantile(0.9), lambda y, p: mean_pinball_loss(y, p, alpha=0.9)),
]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize(("loss", "metric"), METRICS)
def test_the_loss_is_that_of_the_metric(loss, metric, n_outputs, solver):
    targets = y if n_outputs == 1 else np.column_stack([y, -y, 2 * y])
    model = network(loss, solver=solver, alpha=0)
    if solver == "lbfgs":
        model.fit(X, targets)
        value = model.loss_
    else:
        model.fit(X, targets, X_val=X, y_val=targets)
        value = model.validation_loss_curve_[-1]
    assert value == pytest.approx(metric(targets, model.predict(X)))
    assert model.out_activation_ == "identity"


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("squared_error", SquaredError()),
        ("poisson", Poisson()),
        ("log_cosh", LogCosh()),
        ("gamma", Gamma()),
        ("tweedie", Tweedie(power=1.5)),
        ("absolute_error", AbsoluteError()),
        ("huber", Huber(delta=1.0)),
        ("quantile", Quantile(quantile=0.5)),
    ],
)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_a_name_is_its_class_with_defaults(name, loss, solver, container):
    counts = np.floor(abs(y) * 3) + (name == "gamma")
    one = network(name, solver=solver).fit(container(X), counts)
    other = network(loss, solver=solver).fit(container(X), counts)
    assert one.loss_ == other.loss_
    np.testing.assert_array_equal(one.predict(X), other.predict(X))
    assert one.__sklearn_tags__() == other.__sklearn_tags__()
    assert one.__sklearn_tags__().target_tags.positive_only == (name in POSITIVE)
    if name in POSITIVE:
        with pytest.raises(ValueError, match="needs y >"):
            other.fit(X, -counts)


@pytest.mark.parametrize("loss", NAMES)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_training_lowers_the_loss(loss, solver):
    targets = abs(y) if loss in POSITIVE else y
    model = network(loss, solver=solver, max_iter=50, learning_rate_init=0.02)
    curve = model.fit(X, targets).loss_curve_
    assert curve[-1] < 0.7 * curve[0] or loss in POSITIVE
    assert curve[-1] < curve[0]


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_quantiles_cover_their_share(quantile):
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (2000, 1))
    y = X[:, 0] + (1 + X[:, 0]) * rng.standard_normal(2000)
    model = network(Quantile(quantile), max_iter=100, learning_rate_init=0.01)
    covered = y <= model.fit(X, y).predict(X)
    assert covered.mean() == pytest.approx(quantile, abs=0.03)
    for part in (X[:, 0] < 0, X[:, 0] > 0):
        assert covered[part].mean() == pytest.approx(quantile, abs=0.08)


@pytest.mark.parametrize("loss", ["absolute_error", "huber", Huber(0.3), "quantile"])
def test_outliers_pull_less(loss):
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (600, 1))
    truth = 2 * X[:, 0]
    y = truth + 0.1 * rng.standard_normal(600)
    y[:60] += 20
    errors = [
        abs(
            network(each, max_iter=150, learning_rate_init=0.02).fit(X, y).predict(X)
            - truth
        ).mean()
        for each in ("squared_error", loss)
    ]
    assert errors[1] < 0.25 < 1 < errors[0]


def test_grid_search_reaches_the_options_of_a_loss():
    search = GridSearchCV(
        network(Quantile()),
        {"loss__quantile": [0.2, 0.8]},
        scoring=lambda model, X, y: (
            -mean_pinball_loss(y, model.predict(X), alpha=model.loss.quantile)
        ),
        cv=2,
        error_score="raise",
    )
    assert search.fit(X, y).best_estimator_.loss.quantile in (0.2, 0.8)
    assert clone(search.best_estimator_).loss.quantile in (0.2, 0.8)
    search = GridSearchCV(
        network("huber"), {"loss": ["huber", Huber(0.5), Quantile(0.9)]}, cv=2
    )
    assert len(search.fit(X, y).cv_results_["params"]) == 3


def test_a_fitted_model_keeps_its_loss():
    model = network(Quantile(0.9)).fit(X, y)
    model.set_params(loss__quantile=0.1)
    assert model._fitted.loss.quantile == 0.9
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    # The next call follows the change.
    changed = network(Quantile(0.9)).fit(X, y).set_params(loss=Quantile(0.1))
    for each in (model, twin, changed):
        each.partial_fit(X, y)
    assert model.loss_curve_ == twin.loss_curve_ == changed.loss_curve_
    assert model._fitted.loss.quantile == 0.1


@pytest.mark.parametrize("loss", NAMES)
def test_weights_are_repetitions(loss):
    targets = abs(y[:50])
    weight = np.arange(50) % 3
    params = {"shuffle": False, "batch_size": 150, "max_iter": 3, "alpha": 0}
    with pytest.warns(UserWarning, match="batch_size"):
        one = network(loss, **params).fit(X[:50], targets, sample_weight=weight)
    with pytest.warns(UserWarning, match="batch_size"):
        other = network(loss, **params).fit(
            X[:50].repeat(weight, axis=0), targets.repeat(weight)
        )
    for a, b in zip(one.coefs_, other.coefs_, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


@pytest.mark.parametrize(
    ("loss", "metric"),
    [
        (Gamma(), mean_gamma_deviance),
        (Tweedie(1.5), lambda y, p: mean_tweedie_deviance(y, p, power=1.5)),
        (Tweedie(2.5), lambda y, p: mean_tweedie_deviance(y, p, power=2.5)),
        (Tweedie(1), mean_poisson_deviance),
        (Tweedie(2.0), mean_gamma_deviance),
    ],
)
def test_deviances_are_those_of_the_metrics(loss, metric):
    targets = abs(y) + 0.01
    model = network(loss, alpha=0, max_iter=20).fit(X, targets, X_val=X, y_val=targets)
    value = model.validation_loss_curve_[-1]
    assert value == pytest.approx(metric(targets, model.predict(X)) / 2)
    assert value < model.validation_loss_curve_[0]
    assert model.out_activation_ == "exp"


@pytest.mark.parametrize(
    ("loss", "worst", "message"),
    [
        (Gamma(), 0.0, "gamma loss needs y > 0, got 0"),
        (Tweedie(1.5), -0.5, r"Tweedie\(power=1.5\) needs y >= 0, got -0.5"),
        (Tweedie(2), 0.0, r"Tweedie\(power=2\) needs y > 0, got 0"),
        (Tweedie(0.5), 1.0, "power"),
        (Quantile([0.1, 1.5]), 1.0, r"between 0 and 1, got .*1.5.* in quantile=\["),
        (Quantile([0.1, "a"]), 1.0, r"quantile must hold numbers between 0 and 1"),
        (Quantile([None]), 1.0, r"between 0 and 1, got None in quantile=\["),
        (Quantile([[0.1], [0.2, 0.3]]), 1.0, r"quantile must be a number or a seq"),
        (Quantile([]), 1.0, r"quantile=\[\] needs one output"),
    ],
)
def test_targets_and_options_are_checked(loss, worst, message):
    targets = np.append(abs(y[:-1]) + 0.1, worst)
    with pytest.raises(ValueError, match=message):
        network(loss).fit(X, targets)


def test_zeros_may_be_tweedie_targets():
    targets = np.where(y > 0, y, 0)
    model = network("tweedie", max_iter=30, learning_rate_init=0.01).fit(X, targets)
    assert np.isfinite(model.loss_curve_).all()
    assert (model.predict(X) > 0).all()


QUANTILES = [0.1, 0.5, 0.9]


@pytest.mark.parametrize("solver", SOLVERS)
def test_several_quantiles_at_once(solver):
    loss = Quantile(QUANTILES)
    model = network(loss, solver=solver).fit(X, y)
    predictions = model.predict(X)
    assert predictions.shape == (len(X), 3)
    assert model.n_outputs_ == 3
    scores = [
        d2_pinball_score(y, column, alpha=q)
        for q, column in zip(QUANTILES, predictions.T, strict=True)
    ]
    assert model.score(X, y) == pytest.approx(np.mean(scores))
    both = network(loss, solver=solver).fit(X, np.column_stack([y, -y]))
    assert both.predict(X).shape == (len(X), 2, 3)
    with pytest.raises(ValueError, match="y has 2 outputs"):
        model.set_params(warm_start=True).fit(X, np.column_stack([y, -y]))


def test_quantiles_are_judged_like_one_by_one():
    model = network(Quantile(QUANTILES), early_stopping=True, alpha=0)
    model.fit(X, y, X_val=X, y_val=y)
    predictions = model.predict(X)
    assert model.best_validation_score_ == pytest.approx(model.score(X, y))
    losses = [
        mean_pinball_loss(y, column, alpha=q)
        for q, column in zip(QUANTILES, predictions.T, strict=True)
    ]
    last = np.argmax(model.validation_scores_)
    assert model.validation_loss_curve_[last] == pytest.approx(np.mean(losses))


def test_quantiles_keep_their_order_and_their_share():
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (2000, 1))
    y = X[:, 0] + (1 + X[:, 0]) * rng.standard_normal(2000)
    model = network(Quantile(QUANTILES), max_iter=100, learning_rate_init=0.01)
    predictions = model.fit(X, y).predict(X)
    covered = (y[:, None] <= predictions).mean(axis=0)
    np.testing.assert_allclose(covered, QUANTILES, atol=0.04)
    assert (np.diff(predictions, axis=1) > 0).mean() > 0.95
