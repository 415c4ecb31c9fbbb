"""Losses that are Python functions: what they get, and what they must return."""

import pickle
import re
import threading
import warnings

import numpy as np
import pytest
from cases import draw, evaluate, judge, predict
from ops.losses import quartic
from sklearn.base import clone
from writers import ALL_LOSSES, stack

from fastnn import NeuralNetRegressor
from fastnn.engine.engine import Engine
from fastnn.estimators.fitted import FittedNetwork
from fastnn.layers import Dense
from fastnn.losses import CustomLoss, SquaredError
from fastnn.network import Sequential, lower
from fastnn.optimizers import SGD, Adam


@pytest.fixture(autouse=True)
def small_steps_use_threads(monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)


every_n_threads = pytest.mark.parametrize("n_threads", [1, 2, 3])


def half_square(y, z):
    return ((z - y) ** 2).sum(axis=1) / 2, z - y


def gradient(*arguments):
    Engine(*arguments, batch_size=7).gradient()


def plan_with(function, *arguments, outputs=3, input_shape=(5,)):
    network = Sequential([Dense(6, "tanh"), Dense(outputs)])
    loss = CustomLoss(function, *arguments)
    return lower(network, input_shape=input_shape, loss=loss)


def run(plan, data, *, n_threads=1, weight=None, epochs=2, batch_size=8, rows=None):
    """Losses of some epochs, and the parameters after them."""
    optimizer, flat = Adam(), data.parameters.copy()
    state = np.zeros((optimizer.n_slots, flat.size), flat.dtype)
    options = {"batch_size": batch_size, "n_threads": n_threads}
    with Engine(
        plan, flat, data.X[:rows], data.y[:rows], weight,
        optimizer=optimizer, state=state, **options,
    ) as engine:  # fmt: skip
        table = optimizer.table(1, engine.n_steps, 0.01)
        return [engine.epoch(table) for _ in range(epochs)], flat


# ------------------------------------------------------------------ as one of the table


@every_n_threads
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-4), (np.float64, 1e-10)])
def test_it_trains_as_the_same_loss_of_the_table(dtype, rtol, weighted, n_threads):
    network = Sequential([Dense(6, "tanh"), Dense(3)])
    plan = plan_with(half_square)
    other = lower(network, input_shape=(5,), loss=SquaredError())
    data = draw(plan, 50).astype(dtype)
    weight = data.weight if weighted else None
    losses, flat = run(plan, data, n_threads=n_threads, weight=weight)
    expected, expected_flat = run(other, data, weight=weight)
    # The squared error is reported as a mean over outputs.
    np.testing.assert_allclose(losses, np.multiply(expected, 3), rtol=rtol)
    np.testing.assert_allclose(flat, expected_flat, rtol=rtol, atol=rtol)


@pytest.mark.parametrize(
    ("name", "columns"), [("log_loss", None), ("cross_entropy", 1), ("poisson", None)]
)
def test_its_link_is_that_of_the_table(name, columns):
    link = ALL_LOSSES[name].link
    plan = plan_with(quartic, link, columns)
    other = stack([6, 3], "tanh", loss=name)
    data = draw(other, 20)
    outputs = predict(plan, data.parameters, data.X)
    expected = predict(other, data.parameters, data.X)
    np.testing.assert_array_equal(outputs, expected)
    assert plan.target_columns == (columns or 3)


@pytest.mark.parametrize("weighted", [True, False])
def test_evaluation_calls_it_for_parts_of_the_rows(weighted):
    seen = []

    def counted(y, z):
        seen.append(len(z))
        return half_square(y, z)

    plan, plain = plan_with(counted), plan_with(half_square)
    data = draw(plan, 1100)
    weight = data.weight if weighted else None
    arguments = data.parameters, data.X, data.y, weight
    sums = evaluate(plan, *arguments)
    assert seen == [512, 512, 76]
    outputs = predict(plan, data.parameters, data.X)
    values = half_square(data.y, outputs)[0] @ (weight if weighted else np.ones(1100))
    np.testing.assert_allclose(sums[:2], [values, values], rtol=1e-12)
    assert judge(plain, *arguments)[1] == sums
    np.testing.assert_array_equal(judge(plain, *arguments)[0], outputs)


# --------------------------------------------------------------------- what it is given


@every_n_threads
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 2, 8, 50])
def test_it_sees_each_batch_once_and_whole(n, dtype, n_threads):
    calls = []

    def kept(y, z):
        calls.append((y, z))
        return half_square(y, z)

    plan = plan_with(kept)
    data = draw(plan, n).astype(dtype)
    optimizer, state = SGD(), np.zeros((1, plan.n_parameters), dtype)
    with Engine(
        plan, data.parameters, data.X, data.y, batch_size=8,
        optimizer=optimizer, state=state, n_threads=n_threads,
    ) as engine:  # fmt: skip
        assert engine.n_threads == min(n, n_threads)
        engine.shuffle(np.random.RandomState(3))
        engine.epoch(optimizer.table(1, engine.n_steps, 0.0))  # nothing moves
    order = np.arange(n)
    np.random.RandomState(3).shuffle(order)
    assert len(calls) == -(-n // 8)
    for i, (y, z) in enumerate(calls):
        rows = order[8 * i : 8 * i + 8]
        assert y.dtype == z.dtype == dtype
        assert not y.flags.writeable
        assert not z.flags.writeable
        # They are its own: later batches have not changed them.
        np.testing.assert_array_equal(y, data.y[rows])
        outputs = predict(plan, data.parameters, data.X[rows])
        np.testing.assert_allclose(z, outputs, rtol=1e-5, atol=1e-6)


def test_outputs_of_more_axes_come_as_one_row():
    shapes = []

    def kept(y, z):
        shapes.append((y.shape, z.shape))
        return (z**2).sum(axis=1), 2 * z

    plan = plan_with(kept, "identity", 2, input_shape=(4, 5))
    data = draw(plan)
    Engine(plan, data.parameters, data.X, data.y, batch_size=7).gradient()
    assert shapes == [((7, 2), (7, 12))]


@every_n_threads
def test_denormal_numbers_are_its_own_business(n_threads):
    products = []

    def with_small_numbers(y, z):
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy warns where they are flushed
            np.finfo(np.float32)
        products.append(np.float32(1e-38) * np.float32(0.1))
        return half_square(y, z)

    plan = plan_with(with_small_numbers)
    run(plan, draw(plan, 20), n_threads=n_threads)
    assert len(products) == 6
    assert min(products) > 0


# ------------------------------------------------------------------ what it must return


@pytest.mark.parametrize(
    ("returned", "match"),
    [
        (lambda y, z: (z**2).sum(), "must return two arrays, .* got float64"),
        (lambda y, z: None, "must return two arrays, .* got NoneType"),
        (lambda y, z: (z, z, z), "got tuple of length 3"),
        (lambda y, z: (np.mean(z), z), r"of shape \(7,\), .* float64 of shape \(\)"),
        (lambda y, z: (z, z), r"loss .* of shape \(7,\), .* of shape \(7, 3\)"),
        (lambda y, z: (z[:, 0], z[:, 0]), r"of shape \(7, 3\), .* of shape \(7,\)"),
        (lambda y, z: (z[:, 0], z.T), r"gradient .* \(7, 3\), .* of shape \(3, 7\)"),
        (lambda y, z: (z[1:, 0], z), r"of shape \(7,\), .* of shape \(6,\)"),
        (lambda y, z: (z[:, 0] + 1j, z), r"must be real .* complex128"),
        (lambda y, z: (z[:, 0].astype(str), z), r"must be real .* got <U"),
    ],
)
@pytest.mark.parametrize("call", [gradient, evaluate])
def test_what_it_returns_is_checked(call, returned, match):
    plan = plan_with(returned)
    data = draw(plan)
    arguments = plan, data.parameters, data.X, data.y
    with pytest.raises(ValueError, match=match):
        call(*arguments)


@pytest.mark.parametrize(
    "convert",
    [
        np.asfortranarray,
        np.float32,
        np.ndarray.tolist,
        lambda array: np.repeat(array, 2, axis=0)[::2],
    ],
)
def test_it_may_return_any_real_arrays(convert):
    def converted(y, z):
        loss, gradient = half_square(y, z)
        return convert(loss), convert(gradient)

    results = []
    for function in (half_square, converted):
        plan = plan_with(function)
        data = draw(plan)
        engine = Engine(plan, data.parameters, data.X, data.y, batch_size=7)
        results.append((engine.gradient(), engine.gradients))
    np.testing.assert_allclose(results[1][0], results[0][0], rtol=1e-6)
    np.testing.assert_allclose(results[1][1], results[0][1], rtol=1e-5, atol=1e-6)


def test_too_large_for_float32_is_infinite():
    def large(y, z):
        return np.full(len(z), 1e300), np.full(z.shape, 1e300)

    plan = plan_with(large)
    data = draw(plan).astype(np.float32)
    engine = Engine(plan, data.parameters, data.X, data.y, batch_size=7)
    loss, _, _ = engine.gradient()
    np.testing.assert_allclose(loss, 7e300)
    assert np.isinf(plan.views(engine.gradients)[3]).all()


# ------------------------------------------------------------------- when it goes wrong


class FailsAt:
    """Raises in one of its calls."""

    def __init__(self, call, error):
        self.left, self.error = call, error

    def __call__(self, y, z):
        self.left -= 1
        if self.left == 0:
            raise self.error
        return half_square(y, z)


@every_n_threads
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_what_it_raises_ends_the_epoch_after_the_last_full_step(error, n_threads):
    # Not a parameter, which lives as long as the process, and its traceback too.
    instance = error("here")
    plan = plan_with(FailsAt(4, instance))
    data = draw(plan, 40)
    whole = plan_with(half_square)
    _, expected = run(whole, data, n_threads=n_threads, epochs=1, rows=24)  # 3 steps
    flat, optimizer = data.parameters.copy(), Adam()
    state = np.zeros((2, flat.size))
    with Engine(
        plan, flat, data.X, data.y, batch_size=8,
        optimizer=optimizer, state=state, n_threads=n_threads,
    ) as engine:  # fmt: skip
        table = optimizer.table(1, engine.n_steps, 0.01)
        with pytest.raises(error) as raised:
            engine.epoch(table)
        assert raised.value is instance
        np.testing.assert_array_equal(flat, expected)
        assert np.float32(1e-38) * np.float32(0.1) > 0
        # It is as good as new.
        assert np.isfinite(engine.epoch(table))


@every_n_threads
def test_what_it_raises_ends_a_gradient(n_threads):
    plan = plan_with(FailsAt(1, ZeroDivisionError("here")))
    data = draw(plan)
    options = {"batch_size": 7, "n_threads": n_threads}
    with Engine(plan, data.parameters, data.X, data.y, **options) as engine:
        with pytest.raises(ZeroDivisionError, match="here"):
            engine.gradient()
        loss, _, _ = engine.gradient()
    outputs = predict(plan, data.parameters, data.X)
    np.testing.assert_allclose(loss, half_square(data.y, outputs)[0].sum())


def test_what_it_raises_ends_an_evaluation():
    plan = plan_with(FailsAt(2, ZeroDivisionError("here")))
    data = draw(plan, 600)
    arguments = data.parameters, data.X, data.y
    with pytest.raises(ZeroDivisionError, match="here"):
        evaluate(plan, *arguments)
    assert np.isfinite(evaluate(plan, *arguments)).all()


def test_engines_in_many_threads_take_turns():
    plan = plan_with(half_square)
    data = draw(plan, 200)
    expected = run(plan, data, n_threads=2)
    results = [None] * 4

    def work(i):
        results[i] = run(plan, data, n_threads=2)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    for losses, flat in results:
        assert losses == expected[0]
        np.testing.assert_array_equal(flat, expected[1])


# --------------------------------------------------------------------- as a description


class Scaled:
    """A callable object that compares by value, and so cannot be hashed."""

    def __init__(self, factor):
        self.factor = factor

    def __eq__(self, other):
        return isinstance(other, Scaled) and self.factor == other.factor

    def __call__(self, y, z):
        loss, gradient = half_square(y, z)
        return self.factor * loss, self.factor * gradient


def fitted_with(function):
    return FittedNetwork(Sequential([Dense(2)]), (3,), CustomLoss(function))


def test_plans_are_shared_by_one_function_only():
    assert fitted_with(half_square).plan is fitted_with(half_square).plan
    assert fitted_with(half_square).plan is not fitted_with(quartic).plan
    one, other = Scaled(2.0), Scaled(2.0)
    assert fitted_with(one).plan is fitted_with(one).plan
    assert fitted_with(one).plan is not fitted_with(other).plan
    assert fitted_with(other).plan.functions == (other,)


def test_it_pickles_and_clones_as_its_function_does():
    fitted = fitted_with(half_square)
    fitted.initialize(np.random.RandomState(0), np.dtype(np.float64))
    again = pickle.loads(pickle.dumps(fitted))
    assert again.loss.function is half_square
    assert again.plan is fitted.plan
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    assert again.judge(X, y, None)[1] == fitted.judge(X, y, None)[1]
    assert clone(fitted.loss).function is half_square
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(fitted_with(lambda y, z: half_square(y, z)))


@pytest.mark.parametrize(
    ("loss", "match"),
    [
        (CustomLoss(3), "'function' parameter of CustomLoss must be a callable"),
        (CustomLoss(half_square, "relo"), "'link' parameter of CustomLoss"),
        (CustomLoss(half_square, "relu", 0), "'target_columns' parameter"),
    ],
)
def test_bad_options(loss, match):
    with pytest.raises(ValueError, match=re.escape(match)):
        lower(Sequential([Dense(2)]), input_shape=(3,), loss=loss)


def test_target_columns_that_no_plan_holds():
    loss = CustomLoss(lambda y, z: (z.sum(axis=1), z), target_columns=10**30)
    with pytest.raises(ValueError, match="'target_columns' parameter of CustomLoss"):
        NeuralNetRegressor(loss=loss).fit(np.ones((4, 2)), np.ones(4))
