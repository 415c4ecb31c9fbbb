"""Optimizers and schedules as parameters of the estimators."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import scale

from fastnn import MLPClassifier, MLPRegressor, optimizers
from fastnn.engine.engine import Engine
from fastnn.losses import SquaredError
from fastnn.network import lower
from fastnn.optimizers import SGD, Adam, AdamW, Lion, Optimizer, RMSprop
from fastnn.schedules import (
    CosineDecay,
    ExponentialDecay,
    LinearWarmup,
    ReduceOnPlateau,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)
X = scale(X)
EVERY = [
    getattr(optimizers, name)
    for name in optimizers.__all__
    if name not in ("Optimizer", "SklearnSGD", "SklearnAdam")
]


def network(Estimator=MLPClassifier, **params):
    params = {"max_iter": 5, "random_state": 0, "dtype": "float64", **params}
    return Estimator(hidden_layer_sizes=(8,), **params)


@pytest.mark.parametrize("Description", EVERY)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_optimizer_learns(Description, dtype):
    rate = {"Lion": 0.003, "Adadelta": 1.0, "SGD": 0.1, "Adagrad": 0.1}.get(
        Description.__name__, 0.01
    )
    model = network(solver=Description(rate), max_iter=60, dtype=dtype, batch_size=16)
    assert model.fit(X, y).loss_ < 0.5 * model.loss_curve_[0]
    assert model.score(X, y) > 0.9


def test_steps_are_those_of_the_engine():
    optimizer = AdamW(0.01, weight_decay=0.1, clip_norm=0.5)
    schedule = LinearWarmup(2, then=ExponentialDecay(0.7))
    model = network(
        MLPRegressor, solver=optimizer, learning_rate=schedule, shuffle=False,
        batch_size=40, max_iter=6, alpha=0.01,
    )  # fmt: skip
    model.fit(X, y)
    start = clone(model).set_params(max_iter=1, learning_rate_init=1e-12).fit(X, y)
    plan = lower(model._fitted.network, input_shape=(4,), loss=SquaredError())
    flat = plan.initialize(np.random.RandomState(0), np.float64)
    state = np.zeros((2, plan.n_parameters))
    data = X, y[:, None].astype(float)
    engine = Engine(plan, flat, *data, batch_size=40, optimizer=optimizer, state=state)
    losses = []
    for epoch in range(6):
        step = np.arange(4 * epoch, 4 * epoch + 4)
        rates = 0.01 * schedule.factors(step, 4, 6)
        losses.append(engine.epoch(optimizer.table(step[0] + 1, 4, rates)))
    np.testing.assert_allclose(model.loss_curve_, losses, rtol=1e-12)
    np.testing.assert_allclose(model._fitted.parameters, flat, rtol=1e-12)
    assert start.loss_curve_[0] == model.loss_curve_[0]


def test_biases_do_not_decay():
    still = np.zeros_like(X)
    model = network(MLPRegressor, solver=AdamW(0.1, weight_decay=1.0), alpha=0)
    kernel_free = clone(model).set_params(solver=Adam(0.1))
    model.fit(still, y)
    kernel_free.fit(still, y)
    # Without inputs the first kernel has no gradient: it decays, and nothing else.
    shrunk = (1 - 0.1) ** (5 * 1)
    first = kernel_free.coefs_[0]
    np.testing.assert_allclose(model.coefs_[0], first * shrunk, rtol=1e-10)
    plan = model._fitted.plan
    decays = [name.name.endswith("kernel") for name in plan.parameters]
    np.testing.assert_array_equal(plan.blocks["weight_decay"], decays)


@pytest.mark.parametrize("solver", ["adam", "sgd", SGD(0.1), RMSprop()])
def test_a_function_may_be_the_schedule(solver):
    seen = []
    model = network(
        solver=solver, batch_size=50, max_iter=2,
        learning_rate=lambda step: seen.append(step) or 0.5,
    )  # fmt: skip
    model.fit(X, y)
    assert seen == [0, 1, 2, 3, 4, 5]


def test_a_rate_of_zero_stands_still():
    model = network(solver=SGD(0.1), learning_rate=lambda step: float(step < 3))
    model.set_params(batch_size=50, max_iter=1).fit(X, y)
    longer = clone(model).set_params(max_iter=4).fit(X, y)
    for one, other in zip(model.coefs_, longer.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_partial_fit_goes_on_with_moments_and_schedule():
    params = {"solver": Adam(0.01), "learning_rate": CosineDecay(4), "shuffle": False}
    whole = network(**params, max_iter=4, tol=0).fit(X, y)
    parts = network(**params)
    for _ in range(4):
        parts = pickle.loads(pickle.dumps(parts.partial_fit(X, y, classes=[0, 1, 2])))
    assert parts.loss_curve_ == whole.loss_curve_
    for one, other in zip(whole.coefs_, parts.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_plateau_reduces_the_rate_of_any_optimizer():
    model = network(
        solver=RMSprop(1e-9), learning_rate=ReduceOnPlateau(2.0, minimum=4e-10),
        n_iter_no_change=1, max_iter=50, tol=1.0,
    )  # fmt: skip
    model.fit(X, y)
    assert model.n_iter_ < 12
    assert model._training_state.optimizer.learning_rate < 5e-10


def test_grid_search_reaches_inside():
    search = GridSearchCV(
        network(solver=Adam(), learning_rate=CosineDecay()),
        {
            "solver__learning_rate": [1e-3, 1e-1],
            "learning_rate__final": [0.0, 1.0],
        },
        cv=2,
        error_score="raise",
    )
    search.fit(X, y)
    assert search.best_params_["solver__learning_rate"] == 0.1
    assert clone(search.best_estimator_).solver.learning_rate == 0.1


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"solver": Adam(-1.0)}, "learning_rate"),
        ({"solver": SGD(nesterov=True)}, "nesterov=True needs momentum"),
        ({"solver": Adam}, "solver"),
        ({"solver": Lion(clip_norm=1, clip_value=1)}, "clip_norm=1 and clip_value=1"),
        ({"learning_rate": CosineDecay(final=2)}, "final"),
        ({"learning_rate": CosineDecay}, r"Write CosineDecay\(\)"),
        ({"learning_rate": lambda step: np.nan}, "finite factors"),
        ({"learning_rate": lambda step: "half"}, "finite factors .* got 'half'"),
        ({"learning_rate": lambda step: None}, "finite factors .* got None"),
        ({"learning_rate": lambda step: 10**400}, "finite factors .* got 1000"),
        ({"learning_rate": 0.1}, "learning_rate"),
    ],
)
def test_descriptions_are_checked(params, message):
    model = network(**params)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert not model.__sklearn_is_fitted__()


def test_scikit_learn_takes_the_weights_alone():
    model = network(solver=AdamW(0.01), learning_rate=CosineDecay()).fit(X, y)
    converted = model.to_sklearn()
    assert (converted.solver, converted.learning_rate) == ("adam", "constant")
    np.testing.assert_array_equal(converted.predict(X), model.predict(X))


def test_a_rule_changes_between_calls():
    model = network(solver=Adam(0.01)).partial_fit(X, y, classes=[0, 1, 2])
    model.set_params(solver=Adam(0.01, amsgrad=True)).partial_fit(X, y)
    assert model._training_state.optimizer.slots.shape[0] == 3
    assert issubclass(Adam, Optimizer)
