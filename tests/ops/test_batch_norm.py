"""Batch normalisation: its statistics, its adjoint, and its running statistics."""

from itertools import pairwise

import numpy as np
import pytest
import reference
from cases import draw, evaluate, plan_of, predict
from ops.batch_norm import normalised, running
from writers import by_hand, parameter

from fastnn.engine.engine import Engine
from fastnn.exceptions import NotFiniteError
from fastnn.layers import BatchNorm, Dense
from fastnn.losses import CustomLoss, SquaredError
from fastnn.network import Sequential, lower
from fastnn.optimizers import SGD, AdamW
from fastnn.plan import ops
from fastnn.training.lbfgs import fit_lbfgs
from fastnn.training.running_statistics import refresh_statistics


@pytest.fixture
def small_steps_use_threads(monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)


def gradient(plan, parameters, X, y, weight=None, **options):
    """The loss, and the gradients by name of parameter."""
    options = {"batch_size": len(X), **options}
    with Engine(plan, parameters, X, y, weight, **options) as engine:
        loss, _, _ = engine.gradient()
    names = [p.name for p in plan.parameters]
    return loss, dict(zip(names, plan.views(engine.gradients), strict=True))


def statistics(X, n_threads=1, weight=None):
    """Mean and unbiased variance of a batch, which a momentum of 1 takes whole."""
    plan = lower(
        Sequential([BatchNorm(momentum=1.0), Dense(40)]),
        input_shape=X.shape[1:],
        loss=SquaredError(),
    )
    flat = plan.initialize(np.random.RandomState(0), X.dtype)
    y = np.zeros((len(X), plan.target_columns), X.dtype)
    rows = X.reshape(len(X), -1)
    _, gradients = gradient(plan, flat, rows, y, weight, n_threads=n_threads)
    return tuple(
        gradients[f"batchnorm/running_{what}"].copy() for what in ("mean", "variance")
    )


# ------------------------------------------------------------------------- statistics


@pytest.mark.parametrize("n", [2, 3, 4, 5, 63, 64, 65, 66, 131, 300])
@pytest.mark.parametrize("columns", [1, 3, 16, 63, 64, 65, 150])
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-5), (np.float64, 1e-13)])
def test_statistics_are_those_of_numpy(n, columns, dtype, rtol):
    rng = np.random.default_rng(n)
    X = rng.normal(rng.normal(size=columns), rng.uniform(0.1, 3, columns), (n, columns))
    X = X.astype(dtype)
    mean, variance = statistics(X)
    exact = X.astype(np.float64)
    np.testing.assert_allclose(mean, exact.mean(axis=0), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(variance, exact.var(axis=0, ddof=1), rtol=rtol)


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize(("dtype", "mean"), [(np.float32, 3e4), (np.float64, 1e12)])
@pytest.mark.usefixtures("small_steps_use_threads")
def test_large_means_cost_no_digits(dtype, mean, n_threads):
    # Squares and their mean would leave nothing of the variance.
    X = np.random.default_rng(0).normal(mean, 1, (500, 5)).astype(dtype)
    _, variance = statistics(X, n_threads)
    exact = (X - X[0]).astype(np.float64).var(axis=0, ddof=1)
    np.testing.assert_allclose(variance, exact, rtol=1e-3)


@pytest.mark.usefixtures("small_steps_use_threads")
@pytest.mark.parametrize("n_threads", [1, 2, 3])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 200])
@pytest.mark.parametrize("name", ["batch_norm", "batch_norm_rank_2"])
def test_threads_give_the_statistics_of_one(name, n, n_threads):
    plan = plan_of(name)
    data = draw(plan, n)
    done = reference.walk(plan, data.parameters, data.X, data.y)
    options = {"batch_size": n, "n_threads": n_threads}
    with Engine(plan, data.parameters, data.X, data.y, **options) as engine:
        assert engine.n_threads == min(n, n_threads)
        loss, _, weight = engine.gradient()
    assert weight == n
    np.testing.assert_allclose(loss, done.loss, rtol=1e-12)
    np.testing.assert_allclose(engine.gradients, done.gradients, rtol=1e-9, atol=1e-12)


def test_statistics_are_over_all_axes_but_the_last():
    X = np.random.default_rng(0).normal(size=(7, 3, 2, 4))
    mean, variance = statistics(X)
    np.testing.assert_allclose(mean, X.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(variance, X.var(axis=(0, 1, 2), ddof=1), rtol=1e-12)


def test_samples_count_and_not_their_weights():
    X = np.random.default_rng(0).normal(size=(7, 3))
    weighted = statistics(X, weight=np.array([0.0, 5, 1, 1, 0, 2, 1]))
    for one, other in zip(weighted, statistics(X), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.usefixtures("small_steps_use_threads")
@pytest.mark.parametrize("n_threads", [1, 2])
def test_one_row_becomes_the_offset(n_threads):
    plan = lower(
        Sequential([BatchNorm(), Dense(2)]), input_shape=(3,), loss=SquaredError()
    )
    data = draw(plan, 1)
    _, offset, mean, variance, kernel, bias = plan.views(data.parameters)
    old_mean, old_variance = mean.copy(), variance.copy()
    outputs = offset @ kernel + bias
    optimizer, state = SGD(), np.zeros((1, plan.n_parameters))
    options = {"batch_size": 1, "optimizer": optimizer, "state": state}
    with Engine(
        plan, data.parameters, data.X, data.y, n_threads=n_threads, **options
    ) as engine:
        loss, _, _ = engine.gradient()
        np.testing.assert_allclose(loss, np.sum((outputs - data.y) ** 2) / 2)
        assert np.isfinite(engine.gradients).all()
        assert not plan.views(engine.gradients)[0].any()  # of scale
        engine.update(optimizer.table(1, 1, 0.1)[0])
    # It has a mean, and no variance.
    np.testing.assert_allclose(mean, 0.9 * old_mean + 0.1 * data.X[0], rtol=1e-13)
    np.testing.assert_allclose(variance, old_variance, rtol=1e-14)


# ---------------------------------------------------------------------------- adjoint


@pytest.mark.usefixtures("small_steps_use_threads")
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize(("n", "columns"), [(2, 3), (9, 1), (130, 70), (67, 16)])
def test_gradients_are_those_of_the_paper(n, columns, n_threads):
    # Sample i selects row i of a table of parameters, whose gradient is then that of x.
    def write(tape, x):
        x = ops.product(tape, x, parameter(tape, "x", (n, columns)))
        return normalised(tape, x, "norm")

    plan = by_hand(write, (n,))
    data = draw(plan, n)
    parameters = dict(
        zip([p.name for p in plan.parameters], plan.views(data.parameters), strict=True)
    )
    x = parameters["x"]
    x[:] = np.random.default_rng(1).normal(3, 2, x.shape)
    scale, offset = parameters["norm/scale"], parameters["norm/offset"]
    outputs = reference.batch_norm(
        x, x.mean(axis=0), x.var(axis=0), 1e-2, scale, offset
    )
    dy = outputs - data.y
    loss, gradients = gradient(
        plan, data.parameters, np.eye(n), data.y, n_threads=n_threads
    )
    np.testing.assert_allclose(loss, np.sum(dy**2) / 2, rtol=1e-12)
    xhat = reference.batch_norm(x, x.mean(axis=0), x.var(axis=0), 1e-2)
    expected = {
        "x": reference.batch_norm_adjoint(dy, x, 1e-2, scale),
        "norm/scale": np.sum(dy * xhat, axis=0),
        "norm/offset": dy.sum(axis=0),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(gradients[name], value, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["batch_norm", "batch_norm_rank_2"])
def test_a_bad_number_stays_in_its_batch(name):
    plan = plan_of(name)
    data = draw(plan)
    X = np.concatenate([data.X, data.X])
    X[0] = np.nan
    rows = np.arange(7, 14)
    with Engine(
        plan, data.parameters, X, np.concatenate([data.y] * 2), batch_size=7
    ) as engine:
        expected = engine.gradient(rows), engine.gradients.copy()
        assert np.isnan(engine.gradient(rows - 7)[0])
        assert np.isnan(engine.gradients).any()
        assert engine.gradient(rows) == expected[0]
        np.testing.assert_array_equal(engine.gradients, expected[1])


# ----------------------------------------------------------------- running statistics


def test_gradients_change_no_parameters():
    plan = plan_of("batch_norm")
    data = draw(plan)
    before = data.parameters.copy()
    gradient(plan, data.parameters, data.X, data.y)
    np.testing.assert_array_equal(data.parameters, before)


@pytest.mark.usefixtures("small_steps_use_threads")
@pytest.mark.parametrize("n_threads", [1, 2, 3])
@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(momentum=0.9),
        AdamW(weight_decay=0.3, clip_norm=1e-3),
        AdamW(weight_decay=0.3, clip_value=1e-3),
    ],
    ids=str,
)
def test_running_statistics_move_by_momentum(optimizer, n_threads):
    # Whatever the optimizer and its learning rate, and unlike all other parameters.
    plan = lower(
        Sequential([BatchNorm(momentum=0.3), Dense(2)]),
        input_shape=(3,),
        loss=SquaredError(),
    )
    rng = np.random.default_rng(0)
    X, y = rng.normal(2, 3, (40, 3)), rng.normal(size=(40, 2))
    flat = plan.initialize(np.random.RandomState(0), np.float64)
    state = np.zeros((optimizer.n_slots, plan.n_parameters))
    options = {"batch_size": 16, "optimizer": optimizer, "n_threads": n_threads}
    with Engine(plan, flat, X, y, rng.uniform(1, 9, 40), state=state, **options) as e:
        e.epoch(optimizer.table(1, 3, np.array([0.0, 1e-3, 0.5])))
    mean, variance = np.zeros(3), np.ones(3)
    for first, last in pairwise([0, 16, 32, 40]):
        rows = X[first:last]
        mean = 0.7 * mean + 0.3 * rows.mean(axis=0)
        variance = 0.7 * variance + 0.3 * rows.var(axis=0, ddof=1)
    scale, offset, running_mean, running_variance = plan.views(flat)[:4]
    np.testing.assert_allclose(running_mean, mean, rtol=1e-12)
    np.testing.assert_allclose(running_variance, variance, rtol=1e-12)
    assert not np.array_equal(scale, np.ones(3))
    assert offset.any()
    for slot in state:
        assert not any(view.any() for view in plan.views(slot)[2:4])


def test_two_uses_move_running_statistics_one_after_another():
    def write(tape, x):
        shared = running(tape, "norm", (3,))
        for i in range(2):
            x = normalised(tape, x, f"norm_{i}", statistics=shared, momentum=0.3)
        return x

    plan = by_hand(write, (3,))
    data = draw(plan, 20)
    names = [p.name for p in plan.parameters]
    at = dict(zip(names, plan.views(data.parameters), strict=True))
    at["norm_0/scale"][:], at["norm_0/offset"][:] = 2.0, 1.0
    first = data.X
    second = reference.batch_norm(
        first, first.mean(axis=0), first.var(axis=0), 1e-2, 2.0, 1.0
    )
    mean, variance = at["norm/running_mean"].copy(), at["norm/running_variance"].copy()
    for x in (first, second):
        mean = 0.7 * mean + 0.3 * x.mean(axis=0)
        variance = 0.7 * variance + 0.3 * x.var(axis=0, ddof=1)
    optimizer = SGD()
    state = np.zeros((1, plan.n_parameters))
    options = {"batch_size": 20, "optimizer": optimizer, "state": state}
    with Engine(plan, data.parameters, data.X, data.y, **options) as engine:
        engine.epoch(optimizer.table(1, 1, 0.01))
    np.testing.assert_allclose(at["norm/running_mean"], mean, rtol=1e-12)
    np.testing.assert_allclose(at["norm/running_variance"], variance, rtol=1e-12)


def test_a_shared_layer_has_one_set_of_parameters():
    norm = BatchNorm()
    network = Sequential([Dense(3), norm, Dense(3), norm])
    plan = lower(network, input_shape=(3,), loss=SquaredError())
    names = [p.name for p in plan.parameters if p.name.startswith("batchnorm")]
    roles = "scale", "offset", "running_mean", "running_variance"
    assert names == [f"batchnorm/{role}" for role in roles]
    np.testing.assert_allclose(
        plan.blocks["running"][[p.name in names[2:] for p in plan.parameters]],
        1 - 0.9**2,
    )


@pytest.mark.parametrize("name", ["batch_norm", "batch_norm_rank_2"])
def test_predictions_depend_on_no_other_sample(name):
    plan = plan_of(name)
    data = draw(plan, 20)
    together = predict(plan, data.parameters, data.X)
    alone = [predict(plan, data.parameters, row[None])[0] for row in data.X]
    np.testing.assert_allclose(alone, together, rtol=1e-12, atol=1e-14)


def test_running_statistics_serve_predict_and_evaluate():
    plan = lower(
        Sequential([BatchNorm(epsilon=0.1)]), input_shape=(3,), loss=SquaredError()
    )
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(9, 3)), rng.normal(size=(9, 3))
    flat = np.zeros(plan.n_parameters)
    scale, offset, mean, variance = plan.views(flat)
    for view in (scale, offset, mean):
        view[:] = rng.normal(size=3)
    variance[:] = rng.uniform(1, 2, 3)
    expected = (X - mean) / np.sqrt(variance + 0.1) * scale + offset
    np.testing.assert_allclose(predict(plan, flat, X), expected, rtol=1e-13)
    loss, _, _ = evaluate(plan, flat, X, y)
    np.testing.assert_allclose(loss, np.sum((expected - y) ** 2) / 2, rtol=1e-13)


def test_lbfgs_ends_with_the_statistics_of_all_samples():
    network = Sequential([Dense(4), BatchNorm(), Dense(1)])
    plan = lower(network, input_shape=(3,), loss=SquaredError())
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = X @ rng.normal(size=(3, 1))
    flat = plan.initialize(np.random.RandomState(0), np.float64)
    options = {"max_iter": 300, "max_fun": 3000, "tol": 1e-9}
    loss, _ = fit_lbfgs(plan, flat, X, y, None, **options, verbose=False, n_threads=1)
    assert loss < 1e-8
    kernel, bias, _, _, mean, variance, _, _ = plan.views(flat)
    hidden = X @ kernel + bias
    np.testing.assert_allclose(mean, hidden.mean(axis=0), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(variance, hidden.var(axis=0, ddof=1), rtol=1e-10)
    # Predictions differ by the factor n / (n - 1) of the variance only.
    error = abs(predict(plan, flat, X) - y).max()
    assert error < abs(y).max() / 60


def test_lbfgs_interrupted_keeps_statistics_that_belong_to_its_weights():
    calls = iter(range(5))

    def interrupted(y, z):
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return ((z - y) ** 2).sum(axis=1) / 2, z - y

    network = Sequential([Dense(4), BatchNorm(), Dense(1)])
    plan = lower(network, input_shape=(3,), loss=CustomLoss(interrupted))
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), rng.normal(size=(60, 1))
    flat = plan.initialize(np.random.RandomState(0), np.float64)
    start = flat.copy()
    options = {"max_iter": 300, "max_fun": 3000, "tol": 0.0}
    with pytest.warns(UserWarning, match="interrupted"):
        fit_lbfgs(plan, flat, X, y, None, **options, verbose=False, n_threads=1)
    assert not np.array_equal(flat, start)
    kernel, bias, _, _, mean, variance, _, _ = plan.views(flat)
    hidden = X @ kernel + bias
    np.testing.assert_allclose(mean, hidden.mean(axis=0), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(variance, hidden.var(axis=0, ddof=1), rtol=1e-10)


# -------------------------------------------------------------------------- the layer


def test_parameters_of_the_layer():
    network = Sequential([Dense(4), BatchNorm()])
    plan = lower(network, input_shape=(3,), loss=SquaredError())
    assert [p.name for p in plan.parameters[2:]] == [
        f"batchnorm/{role}"
        for role in ("scale", "offset", "running_mean", "running_variance")
    ]
    flat = plan.initialize(np.random.RandomState(0), np.float32)
    for view, value in zip(plan.views(flat)[2:], (1, 0, 0, 1), strict=True):
        np.testing.assert_array_equal(view, np.full(4, value))
    np.testing.assert_array_equal(plan.blocks["trainable"], [1, 1, 1, 1, 0, 0])
    np.testing.assert_array_equal(plan.blocks["weight_decay"], [1, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(plan.blocks["running"], [0, 0, 0, 0, 0.1, 0.1])


def test_without_scale_and_offset():
    network = Sequential([BatchNorm(affine=False), Dense(1)])
    plan = lower(network, input_shape=(3,), loss=SquaredError())
    assert [p.name for p in plan.parameters[:2]] == [
        "batchnorm/running_mean",
        "batchnorm/running_variance",
    ]
    assert len(plan.parameters) == 4


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"momentum": 0.0}, "'momentum' parameter of BatchNorm"),
        ({"momentum": 1.1}, "'momentum' parameter of BatchNorm"),
        ({"epsilon": 0.0}, "'epsilon' parameter of BatchNorm"),
        ({"epsilon": None}, "'epsilon' parameter of BatchNorm"),
        ({"affine": 1.5}, "'affine' parameter of BatchNorm"),
    ],
)
def test_bad_options(options, match):
    network = Sequential([BatchNorm(**options)])
    with pytest.raises(ValueError, match=match):
        lower(network, input_shape=(3,), loss=SquaredError())


def test_more_rows_than_a_batch_are_refused():
    plan = plan_of("batch_norm")
    data = draw(plan, 20)
    engine = Engine(plan, data.parameters, data.X, data.y, batch_size=8)
    engine.gradient(np.arange(8))
    with pytest.raises(ValueError, match=r"at most batch_size=8 samples, got 20"):
        engine.gradient()


def test_large_batches_are_worked_on_as_a_whole(monkeypatch):
    plan = plan_of("batch_norm")
    data = draw(plan, 100)
    whole = gradient(plan, data.parameters, data.X, data.y)
    monkeypatch.setattr("fastnn.engine.engine.CHUNK_BYTES", 1)
    again = gradient(plan, data.parameters, data.X, data.y)
    assert again[0] == whole[0]
    assert plan.needs_whole_batches
    assert not plan_of("deep").needs_whole_batches


def test_refreshed_statistics_are_numbers():
    plan = lower(Sequential([BatchNorm()]), input_shape=(2,), loss=SquaredError())
    X = np.random.default_rng(0).normal(size=(8, 2)).astype(np.float32)
    flat = plan.initialize(np.random.RandomState(0), np.float32)
    refresh_statistics(plan, flat, X, X, batch_size=8, n_threads=1)
    *_, variance = plan.views(flat)
    np.testing.assert_allclose(variance, X.var(axis=0, ddof=1), rtol=1e-5)
    with pytest.raises(NotFiniteError):
        refresh_statistics(plan, flat, 1e30 * X, X, batch_size=8, n_threads=1)
