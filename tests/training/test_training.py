"""Training through the estimators: continuing, stopping, diverging, interrupting."""

import _thread
import copy
import pickle
import threading
import time

import numpy as np
import pytest
from patience import SOON
from sklearn.datasets import load_digits, make_regression
from sklearn.exceptions import ConvergenceWarning

from fastnn import MLPClassifier, MLPRegressor

X_digits, y_digits = load_digits(n_class=3, return_X_y=True)
X_digits = (X_digits / 16).astype(np.float32)
X_numbers, y_numbers = make_regression(120, 5, noise=0.1, random_state=0)
y_numbers = y_numbers / 100

ignore_max_iter = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer. Maximum iterations"
)


def weights(model):
    return [w.copy() for w in model.coefs_ + model.intercepts_]


def assert_same_weights(one, other):
    for a, b in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(a, b)


# ---------------------------------------------------------------------- going on


@ignore_max_iter
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.2},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.5},
        {"batch_size": 7},
        {"dtype": "float64"},
        {"dropout": 0.5},
    ],
)
@pytest.mark.parametrize("random_state", [0, None])
def test_partial_fit_epoch_by_epoch_is_fit(params, random_state):
    # Unshuffled: a call shuffles the order of X, an epoch of a fit the last order.
    fitted, stepped = (
        MLPClassifier(
            random_state=np.random.RandomState(5) if random_state is None else 0,
            n_iter_no_change=2,
            max_iter=6,
            shuffle=False,
            **params,
        )
        for _ in range(2)
    )
    fitted.fit(X_digits, y_digits)
    for _ in range(fitted.n_iter_):
        stepped.partial_fit(X_digits, y_digits, classes=[0, 1, 2])
    assert_same_weights(fitted, stepped)
    assert stepped.loss_curve_ == fitted.loss_curve_
    assert stepped.t_ == fitted.t_
    assert stepped.best_loss_ == fitted.best_loss_


@ignore_max_iter
def test_partial_fit_goes_on_after_fit():
    short, long = (
        MLPRegressor(random_state=0, max_iter=n, n_iter_no_change=np.inf, shuffle=False)
        for n in (3, 5)
    )
    long.fit(X_numbers, y_numbers)
    short.fit(X_numbers, y_numbers)
    short.partial_fit(X_numbers, y_numbers).partial_fit(X_numbers, y_numbers)
    assert_same_weights(short, long)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize(
    "duplicate",
    [
        lambda model: pickle.loads(pickle.dumps(model)),
        copy.copy,
        copy.deepcopy,
    ],
)
def test_partial_fit_goes_on_after_a_copy(solver, duplicate):
    model = MLPRegressor(solver=solver, random_state=None)
    for _ in range(3):
        model.partial_fit(X_numbers, y_numbers)
    # Both draw from the same state of the random generator.
    model._training_state.random_state = np.random.RandomState(1)
    twin = duplicate(model)
    twin._training_state.random_state = np.random.RandomState(1)
    before = weights(model)
    for _ in range(3):
        twin.partial_fit(X_numbers, y_numbers)
    for a, b in zip(before, weights(model), strict=True):
        np.testing.assert_array_equal(a, b)
    model._training_state.random_state = np.random.RandomState(1)
    for _ in range(3):
        model.partial_fit(X_numbers, y_numbers)
    assert_same_weights(model, twin)
    assert model.loss_curve_ == twin.loss_curve_


def test_partial_fit_follows_a_change_of_the_learning_rate():
    params = {"solver": "sgd", "momentum": 0, "alpha": 0, "random_state": 0}
    model = MLPRegressor(**params, shuffle=False, dtype="float64", batch_size=120)
    model.partial_fit(X_numbers, y_numbers)
    start = weights(model)
    twin = copy.deepcopy(model).set_params(learning_rate_init=0.003)
    one = weights(model.partial_fit(X_numbers, y_numbers))
    other = weights(twin.partial_fit(X_numbers, y_numbers))
    for begin, a, b in zip(start, one, other, strict=True):
        np.testing.assert_allclose(b - begin, 3 * (a - begin), atol=1e-12)


def test_partial_fit_after_another_solver():
    model = MLPRegressor(solver="lbfgs", random_state=0).fit(X_numbers, y_numbers)
    before = model.score(X_numbers, y_numbers)
    model.set_params(solver="adam").partial_fit(X_numbers, y_numbers)
    model.set_params(solver="sgd").partial_fit(X_numbers, y_numbers)
    assert len(model.loss_curve_) == 2
    assert model.score(X_numbers, y_numbers) > before - 0.05


@ignore_max_iter
def test_warm_start_goes_on_with_weights_and_curves():
    model = MLPClassifier(random_state=0, warm_start=True, max_iter=4)
    model.fit(X_digits, y_digits)
    first = list(model.loss_curve_)
    model.fit(X_digits, y_digits)
    assert model.n_iter_ == 4
    assert model.loss_curve_[:4] == first
    assert len(model.loss_curve_) == 8
    assert model.loss_curve_[4] < first[-1]
    assert model.t_ == 8 * len(X_digits)


@ignore_max_iter
def test_cold_start_forgets():
    model = MLPClassifier(random_state=0, max_iter=4).fit(X_digits, y_digits)
    first = weights(model)
    model.fit(X_digits[:, :30], y_digits > 0)
    assert len(model.loss_curve_) == 4
    model.fit(X_digits, y_digits)
    for a, b in zip(first, weights(model), strict=True):
        np.testing.assert_array_equal(a, b)


@ignore_max_iter
def test_warm_start_with_early_stopping_never_gets_worse():
    model = MLPClassifier(
        random_state=0, warm_start=True, early_stopping=True, max_iter=10
    )
    best = -np.inf
    for _ in range(4):
        model.fit(X_digits, y_digits)
        assert model.best_validation_score_ >= best
        best = model.best_validation_score_
    assert len(model.validation_scores_) == len(model.loss_curve_) > 10


@ignore_max_iter
@pytest.mark.parametrize("first", [False, True])
def test_early_stopping_can_be_switched_in_a_warm_start(first):
    model = MLPClassifier(
        random_state=0, warm_start=True, early_stopping=first, max_iter=2
    )
    model.fit(X_digits, y_digits)
    model.set_params(early_stopping=not first).fit(X_digits, y_digits)
    assert (model.best_loss_ is None) == (not first)
    assert (model.validation_scores_ is None) == first


@ignore_max_iter
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_layer_sizes": (20,)}, "warm_start=False"),
        ({"hidden_layer_sizes": (100, 5)}, "warm_start=False"),
    ],
)
def test_warm_start_cannot_change_the_network(change, message):
    model = MLPRegressor(random_state=0, warm_start=True, max_iter=2)
    model.fit(X_numbers, y_numbers)
    before = model.predict(X_numbers)
    model.set_params(**change)
    with pytest.raises(ValueError, match=message):
        model.fit(X_numbers, y_numbers)
    with pytest.raises(ValueError, match=message):
        model.partial_fit(X_numbers, y_numbers)
    np.testing.assert_array_equal(model.predict(X_numbers), before)


@ignore_max_iter
def test_warm_start_follows_dtype_and_solver():
    model = MLPRegressor(random_state=0, warm_start=True, max_iter=30)
    model.fit(X_numbers, y_numbers)
    assert model.coefs_[0].dtype == np.float32
    model.set_params(dtype="float64").fit(X_numbers, y_numbers)
    assert model.coefs_[0].dtype == np.float64
    model.set_params(dtype="float32", solver="lbfgs", max_iter=500)
    model.fit(X_numbers, y_numbers)
    assert model.coefs_[0].dtype == np.float64
    assert not hasattr(model, "loss_curve_")
    loss = model.loss_
    model.set_params(solver="sgd", max_iter=1).fit(X_numbers, y_numbers)
    assert model.coefs_[0].dtype == np.float32
    assert model.loss_ == pytest.approx(loss, rel=0.1, abs=1e-3)


# ---------------------------------------------------------------------- stopping


def test_max_iter_warns():
    model = MLPRegressor(max_iter=2, random_state=0)
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\) reached"):
        model.fit(X_numbers, y_numbers)
    assert model.n_iter_ == len(model.loss_curve_) == 2


def test_convergence_does_not_warn():
    model = MLPRegressor(tol=1.0, random_state=0, n_iter_no_change=3)
    model.fit(X_numbers, y_numbers)
    assert model.n_iter_ == 5
    assert model.best_loss_ == min(model.loss_curve_)


@ignore_max_iter
def test_infinite_patience():
    model = MLPRegressor(tol=1e9, n_iter_no_change=np.inf, max_iter=40)
    assert model.fit(X_numbers, y_numbers).n_iter_ == 40


@ignore_max_iter
def test_early_stopping_keeps_the_best_weights():
    params = {"early_stopping": True, "random_state": 1, "learning_rate_init": 0.05}
    model = MLPClassifier(**params).fit(X_digits, y_digits)
    assert max(model.validation_scores_) == model.best_validation_score_
    best_epoch = int(np.argmax(model.validation_scores_)) + 1
    assert best_epoch < model.n_iter_
    shorter = MLPClassifier(**params, max_iter=best_epoch).fit(X_digits, y_digits)
    assert_same_weights(model, shorter)


@pytest.mark.parametrize("limit", [{"max_iter": 3}, {"max_fun": 5}])
def test_lbfgs_warns_at_its_limits(limit):
    model = MLPRegressor(solver="lbfgs", random_state=0, tol=0, **limit)
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge"):
        model.fit(X_numbers, y_numbers)
    assert model.n_iter_ <= 5


def test_lbfgs_prints_its_iterations(capsys):
    model = MLPRegressor(solver="lbfgs", random_state=0, verbose=True, tol=1e-2)
    model.fit(X_numbers, y_numbers)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == model.n_iter_
    assert lines[-1] == f"Iteration {model.n_iter_}, loss = {model.loss_:.8f}"


def test_lbfgs_computes_in_float64_whatever_the_dtype():
    one = MLPRegressor(solver="lbfgs", random_state=0, dtype="float32")
    other = MLPRegressor(solver="lbfgs", random_state=0, dtype="float64")
    assert_same_weights(one.fit(X_numbers, y_numbers), other.fit(X_numbers, y_numbers))
    assert one.coefs_[0].dtype == np.float64


@ignore_max_iter
def test_weights_of_zero_are_absent_rows():
    weight = np.ones(120)
    weight[50:80] = 0  # with batches of 10 some steps have no weight at all
    params = {
        "solver": "sgd",
        "random_state": 0,
        "shuffle": False,
        "batch_size": 10,
        "max_iter": 3,
    }
    weighted = MLPRegressor(**params, dtype="float64").fit(
        X_numbers, y_numbers, sample_weight=weight
    )
    reference = MLPRegressor(**params, dtype="float64").fit(
        np.delete(X_numbers, slice(50, 80), axis=0),
        np.delete(y_numbers, slice(50, 80)),
    )
    for a, b in zip(weights(weighted), weights(reference), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


@ignore_max_iter
@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_the_same_seed_gives_the_same_bits(Estimator):
    models = [Estimator(random_state=4, max_iter=3, n_jobs=n) for n in (1, 1, 2, 2)]
    for model in models:
        model.fit(X_digits, y_digits)
    assert_same_weights(models[0], models[1])
    assert_same_weights(models[2], models[3])
    for a, b in zip(weights(models[0]), weights(models[2]), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


# ---------------------------------------------------------------------- diverging


def diverging(**params):
    """An estimator whose loss overflows after a few epochs, not in the first."""
    return MLPRegressor(
        solver="sgd",
        activation="identity",
        learning_rate_init=0.5,
        batch_size=100,
        random_state=0,
        max_iter=500,
        n_iter_no_change=np.inf,
        **params,
    )


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_later_divergence_restores_the_start_of_the_epoch(dtype, early_stopping):
    X = X_numbers * 10
    model = diverging(dtype=dtype, early_stopping=early_stopping)
    with pytest.warns(ConvergenceWarning, match="epoch [0-9]+ was not finite.*Lower"):
        model.fit(X, y_numbers)
    assert 1 < model.n_iter_ < 500
    assert len(model.loss_curve_) == model.n_iter_
    assert np.isnan(model.loss_curve_[-1])
    assert np.isfinite(model.loss_curve_[:-1]).all()
    assert np.isfinite(model.loss_)
    assert all(np.isfinite(w).all() for w in weights(model))
    if early_stopping:
        assert np.isnan(model.validation_scores_[-1])
        return
    shorter = diverging(dtype=dtype).set_params(max_iter=model.n_iter_ - 1)
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        shorter.fit(X, y_numbers)
    assert_same_weights(model, shorter)
    assert model.t_ == shorter.t_
    optimizer, expected = (m._training_state.optimizer for m in (model, shorter))
    assert optimizer.step == expected.step
    np.testing.assert_array_equal(optimizer.slots.host, expected.slots.host)


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_first_epoch_that_is_not_finite_raises(solver, dtype):
    largest = np.finfo("float64" if solver == "lbfgs" else dtype).max
    model = MLPRegressor(solver=solver, random_state=0, dtype=dtype)
    with pytest.raises(ValueError, match="Solver produced non-finite"):
        model.fit(X_numbers * (largest / 10), y_numbers)
    assert not hasattr(model, "coefs_")
    assert not hasattr(model, "n_features_in_")


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("warm_start", [False, True])
def test_a_failing_call_leaves_the_fitted_model_alone(method, warm_start):
    model = MLPRegressor(random_state=0, warm_start=warm_start, tol=1e-2, shuffle=False)
    model.fit(X_numbers, y_numbers)
    before, predictions = copy.deepcopy(model), model.predict(X_numbers)
    for X, y, error in [
        (X_numbers * 1e30, y_numbers, "non-finite"),
        (X_numbers, y_numbers * 1e30, "non-finite"),
        (X_numbers * 1e300, y_numbers, "X holds .* beyond the range of float32"),
        (X_numbers, y_numbers * 1e300, "y holds .* beyond the range of float32"),
        (X_numbers * np.nan, y_numbers, "NaN"),
    ]:
        with pytest.raises(ValueError, match=error):
            getattr(model, method)(X, y)
    assert vars(model).keys() == vars(before).keys()
    assert model.loss_curve_ == before.loss_curve_
    assert model.t_ == before.t_
    np.testing.assert_array_equal(model.predict(X_numbers), predictions)
    assert_same_weights(
        model.partial_fit(X_numbers, y_numbers),
        before.partial_fit(X_numbers, y_numbers),
    )


def test_a_failing_cold_fit_keeps_the_number_of_features():
    model = MLPRegressor(random_state=0, tol=1e-2).fit(X_numbers, y_numbers)
    with pytest.raises(ValueError, match="non-finite"):
        model.fit(X_numbers[:, :2] * 1e30, y_numbers)
    assert model.n_features_in_ == 5
    model.predict(X_numbers)


# ---------------------------------------------------------------------- interrupting


@pytest.fixture
def interrupt():
    """Has Ctrl-C pressed in a moment, and tells how long ago that was."""
    pressed = []

    def press():
        pressed.append(time.perf_counter())
        _thread.interrupt_main()

    timer = threading.Timer(0.3, press)

    def begin():
        timer.start()
        return lambda: time.perf_counter() - pressed[0]

    yield begin
    timer.cancel()


def big_problem(n_samples=60_000):
    rng = np.random.RandomState(0)
    X = rng.standard_normal((n_samples, 30)).astype(np.float32)
    return X, X[:, 0] > 0


@pytest.mark.parametrize(
    "params",
    [
        {"n_iter_no_change": np.inf},
        {"n_iter_no_change": np.inf, "early_stopping": True},
        {"batch_size": 8, "n_jobs": 1},
        {"solver": "lbfgs", "tol": 0.0},
    ],
)
def test_ctrl_c_leaves_a_usable_model(params, interrupt):
    X, y = big_problem()
    model = MLPClassifier((256, 256), random_state=0, max_iter=100, **params)
    since = interrupt()
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(X, y)
    assert since() < SOON
    assert all(np.isfinite(w).all() for w in weights(model))
    assert model.predict(X[:10]).shape == (10,)
    assert model.n_iter_ < 100
    if model.solver == "adam":
        model.set_params(early_stopping=False, batch_size="auto")
        model.partial_fit(X[:100], y[:100])
