"""Numbers that are too large or too small for the type that a network computes in."""

import itertools
import warnings
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from fastnn import (
    MLPClassifier,
    MLPRegressor,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
    averaging,
    callbacks,
    from_sklearn,
    losses,
    optimizers,
    schedules,
)
from fastnn.layers import BatchNorm, Dense

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
y = X[:, 0]
labels = (y > 0).astype(int)
FACTORS = {
    "mlp": lambda **params: MLPRegressor(max_iter=2, random_state=0, **params),
    "net": lambda **params: NeuralNetRegressor(epochs=2, random_state=0, **params),
}
regressors = pytest.mark.parametrize("make", FACTORS.values(), ids=FACTORS)
methods = pytest.mark.parametrize("method", ["fit", "partial_fit"])


def with_one(array, value):
    array = array.copy()
    array.flat[7] = value
    return array


# ------------------------------------------------------- beyond the largest number


@regressors
@methods
@pytest.mark.parametrize("value", [1e300, -1e39])
@pytest.mark.parametrize(
    "container",
    [np.asarray, np.asfortranarray, pd.DataFrame, sparse.csr_matrix, np.ndarray.tolist,
     lambda X: np.repeat(X, 2, axis=1)[:, ::2]],
    ids=["C", "Fortran", "frame", "sparse", "list", "strided"],
)  # fmt: skip
def test_samples_beyond_float32(make, method, value, container):
    large = container(with_one(X, value))
    with pytest.raises(ValueError, match=r"X holds .*float32.*dtype='float64'.* X, f"):
        getattr(make(), method)(large, y)
    with pytest.raises(ValueError, match=r"X_val holds .*float32.*dtype='float64'"):
        getattr(make(), method)(X, y, X_val=large, y_val=y)
    make(dtype="float64").fit(X, y, X_val=large, y_val=y)


@regressors
@methods
@pytest.mark.parametrize("columns", [1, 2])
def test_targets_beyond_float32(make, method, columns):
    Y = np.column_stack([y, y])[:, :columns].squeeze()
    large = with_one(Y, -1e39)
    with pytest.raises(ValueError, match=r"^y holds -1e\+39 beyond .*dtype='float64'"):
        getattr(make(), method)(X, large)
    with pytest.raises(ValueError, match=r"^y_val holds -1e\+39 beyond"):
        getattr(make(), method)(X, Y, X_val=X, y_val=large)


def test_what_float32_just_holds_is_taken():
    most = float(np.finfo(np.float32).max)
    for value in (most, -most):
        MLPClassifier(max_iter=1).fit(X, labels, X_val=with_one(X, value), y_val=labels)
    large = np.full(X.shape, 1e30)  # whose sum of squares float32 does not hold
    MLPClassifier(max_iter=1).fit(X, labels, X_val=large, y_val=labels)


def test_numbers_beyond_float64():
    wide = with_one(y.astype(np.longdouble), np.longdouble("1e400"))
    if not np.isinf(float(wide[7])) or np.isinf(wide[7]):
        pytest.skip("long double is float64 here")
    with pytest.raises(ValueError, match=r"y holds 1e\+400 beyond .* float64"):
        MLPRegressor(dtype="float64").fit(X, wide)


@methods
@regressors
def test_integers_beyond_float64(make, method):
    call = getattr(make(), method)
    huge = with_one(X.astype(object), 10**400)
    for each in (huge, huge.tolist()):
        with pytest.raises(ValueError, match=r"X holds an integer beyond .*64"):
            call(each, y)
        with pytest.raises(ValueError, match="X_val holds an integer beyond"):
            call(X, y, X_val=each, y_val=y)
        with pytest.raises(ValueError, match="X holds an integer beyond"):
            make().fit(X, y).predict(each)
    with pytest.raises(ValueError, match="y holds an integer beyond"):
        make().fit(X, y).score(X, [10**400] * 60)
    with pytest.raises(ValueError, match="sample_weight holds an integer beyond"):
        call(X, y, with_one(np.ones(60, object), 10**400))


def test_parameters_beyond_float32():
    model = MLPRegressor(max_iter=1).fit(X, y)
    with pytest.raises(ValueError, match=r"coefs_\[0\] holds 1e\+300"):
        model.coefs_[0] = np.full(model.coefs_[0].shape, 1e300)


# ------------------------------------------------------- weights of samples

LIMITS = {"float32": (1e-18, 1e18), "float64": (1e-75, 1e75)}


@methods
@pytest.mark.parametrize("dtype", LIMITS)
def test_weights_that_cannot_train_are_refused(dtype, method):
    low, high = LIMITS[dtype]
    for weight in (low / 2, high * 2, 1e-310):
        for given in (np.full(60, weight), with_one(np.zeros(60), weight)):
            model = MLPRegressor(max_iter=2, dtype=dtype)
            with pytest.raises(ValueError, match="sample_weight must have a largest"):
                getattr(model, method)(X, y, given)
            with pytest.raises(ValueError, match="sample_weight must have a largest"):
                getattr(model, method)(X, y, X_val=X, y_val=y, sample_weight_val=given)
    model = MLPClassifier(class_weight={0: high, 1: low}, dtype=dtype)
    with pytest.raises(ValueError, match="multiplied by class_weight must have"):
        model.fit(X, labels, np.full(60, high))
    with pytest.raises(ValueError, match=r"sample_weight contains infinity|a largest"):
        model.fit(X, labels, np.full(60, 1e308))


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize(
    "optimizer",
    [optimizers.Adam(0.01), optimizers.SGD(0.01, clip_norm=0.1), optimizers.Lion(0.01)],
    ids=str,
)
@pytest.mark.parametrize("threads", [1, 2])
def test_what_is_accepted_trains(dtype, optimizer, threads):
    def trained(weight):
        model = NeuralNetRegressor(
            Sequential([Dense(8, "tanh"), Dense(8, "relu")]), optimizer=optimizer,
            epochs=5, dtype=dtype, n_jobs=threads, random_state=0,
        )  # fmt: skip
        return model.fit(X, y, np.full(60, weight))

    expected = trained(1.0)
    for weight in LIMITS[dtype]:
        model = trained(weight)
        np.testing.assert_allclose(model.loss_curve_, expected.loss_curve_, rtol=1e-3)
        np.testing.assert_allclose(model.predict(X), expected.predict(X), atol=2e-3)


@pytest.mark.parametrize(
    ("model", "target"),
    [
        (MLPRegressor(early_stopping=True), y),
        (MLPClassifier(early_stopping=True), labels),
        (NeuralNetRegressor(validation=0.1), y),
        (NeuralNetClassifier(validation=0.1), labels),
    ],
    ids=str,
)
def test_parts_of_the_samples_without_weight(model, target):
    weight = np.zeros(60)
    weight[:2] = 1
    messages = set()
    for seed in range(30):
        model.set_params(random_state=seed)
        if hasattr(model, "max_iter"):
            model.set_params(max_iter=1, validation_fraction=0.5)
        else:
            model.set_params(epochs=1, validation=0.5)
        with suppress(ValueError):
            model.fit(X, target, weight)
            continue
        with pytest.raises(ValueError, match=r"sample_weight .* the samples") as error:
            model.fit(X, target, weight)
        messages.add("train on" if "to train on" in str(error.value) else "hold out")
    assert messages == {"train on", "hold out"}


# ------------------------------------------------------- numpy.seterr(all="raise")


@pytest.mark.parametrize(
    ("scale_X", "scale_y"), [(1, 1e-60), (1, 1e-40), (1e-60, 1), (1e-40, 1e-40)]
)
@pytest.mark.parametrize("weight", [None, 1e-60])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@regressors
def test_small_numbers_raise_no_floating_point_errors(
    make, scale_X, scale_y, weight, dtype
):
    weight = None if weight is None else with_one(np.ones(60), weight)
    with np.errstate(all="raise"):
        for container in (np.asarray, pd.DataFrame, sparse.csr_matrix):
            small = container(X * scale_X)
            model = make(dtype=dtype).fit(small, y * scale_y, weight)
            model.partial_fit(small, y * scale_y, weight)
            assert np.isfinite(model.predict(small)).all()
            assert model.predict(X[:1] * scale_X).shape == (1,)
            model.score(small, y)
            model.score(small, y * 1e-200)


@pytest.mark.parametrize(
    ("loss", "metrics"),
    [
        ("squared_error", ["r2", "neg_mean_squared_error"]),
        (losses.Quantile((0.1, 0.9)), []),
    ],
)
def test_scores_of_small_numbers_raise_no_floating_point_errors(loss, metrics):
    model = NeuralNetRegressor(loss=loss, metrics=metrics, epochs=2)
    with np.errstate(all="raise"):
        model.fit(X, y, X_val=X, y_val=y * 1e-200)


SCHEDULES = [
    schedules.ExponentialDecay(1e-20),
    schedules.StepDecay(epochs=1, factor=1e-20),
    schedules.OneCycle(divisor=1e200, final_divisor=1e200),
    schedules.InverseScaling(1e3),
    schedules.LinearWarmup(5, then=schedules.ExponentialDecay(1e-30)),
]


@pytest.mark.parametrize(
    ("optimizer", "schedule"),
    list(zip(optimizers.OPTIMIZERS, itertools.cycle(SCHEDULES), strict=False)),
    ids=str,
)
def test_long_fits_raise_no_floating_point_errors(optimizer, schedule):
    with np.errstate(all="raise"):
        model = NeuralNetClassifier(
            Sequential([Dense(4, "relu", kernel_regularizer="l1_l2"), BatchNorm()]),
            optimizer=optimizer, schedule=schedule, epochs=60, batch_size=60,
            validation=0.2, averaging=averaging.EMA(0.01), metrics=["neg_log_loss"],
            callbacks=[callbacks.TerminateOnNaN()], class_weight={0: 1e-100, 1: 1},
            early_stopping=callbacks.EarlyStopping(patience=100), random_state=0,
        ).fit(X, labels)  # fmt: skip
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The schedule")
            model.partial_fit(X, labels, X_val=X, y_val=labels)
        model.predict_log_proba(X * 1e-300)


def test_conversion_and_the_finder_raise_no_floating_point_errors():
    with np.errstate(all="raise"):
        for solver in ("adam", "sgd", "lbfgs"):
            model = MLPClassifier((4,), solver=solver, max_iter=3, random_state=0)
            model.fit(X * 1e-50, labels).coefs_[0] = np.full((3, 4), 1e-60)
            copy = from_sklearn(model.to_sklearn())
            np.testing.assert_array_equal(copy.predict(X), model.predict(X))
        finder = callbacks.LearningRateFinder(
            NeuralNetRegressor(), minimum=1e-300, maximum=1e-200, n_steps=5
        )
        assert len(finder.fit(X, y * 1e-30).losses_) == 5


def test_outputs_beyond_float32_raise_no_floating_point_errors():
    model = MLPRegressor(hidden_layer_sizes=(2,), activation="exponential", max_iter=1)
    model.set_params(random_state=0).fit(X, y)
    model.coefs_[0] = np.full((3, 2), [1.0, -1.0])
    model.intercepts_[0] = [0, -100]
    X_large = np.full((1, 3), 40, np.float32)
    with np.errstate(all="raise"):
        found = model.hidden_activations(X_large)
    assert np.isinf(found[0, 0])
    assert 0 <= found[0, 1] < np.finfo(np.float32).tiny


def test_functions_of_the_user_see_the_users_error_state():
    seen = {}

    def note(name):
        seen.setdefault(name, set()).add(np.geterr()["under"])

    def loss(target, z):
        note("loss")
        return ((z - target) ** 2).sum(axis=1), 2 * (z - target)

    def metric(estimator, X, y):
        note("metric")
        return 0.0

    def schedule(step):
        note("schedule")
        return 1.0

    class Watcher(callbacks.Callback):
        def on_epoch_end(self, run):
            note("callback")

    model = NeuralNetRegressor(
        loss=loss, metrics=[metric], schedule=schedule, callbacks=[Watcher()],
        validation=0.2, epochs=2, n_jobs=1,
    )  # fmt: skip
    with np.errstate(under="warn"):
        model.fit(X, y)
    assert set(seen) == {"loss", "metric", "schedule", "callback"}
    assert all(states == {"warn"} for states in seen.values())
