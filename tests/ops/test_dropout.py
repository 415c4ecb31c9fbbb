"""The masks of dropout: what they depend on, and how much they drop."""

import numpy as np
import pytest
import reference
from cases import draw, evaluate, plan_of, predict
from probes import scalars, training_outputs

from fastnn.engine.engine import Engine
from fastnn.layers import AlphaDropout, Dense, Dropout
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower


def gradient(plan, data, seed, step, n_threads=1):
    options = {"batch_size": len(data.X), "n_threads": n_threads}
    with Engine(plan, data.parameters, data.X, data.y, **options) as engine:
        engine.gradient(None, scalars(seed, step))
        return engine.gradients.copy()


def test_philox_is_the_published_one():
    """Known answers of the authors' test file, for all bits set and for none."""
    assert reference.philox(0, 0) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    ones = 2**64 - 1
    assert reference.philox(ones, ones, ones) == [
        0x408F276D,
        0x41C83B0E,
        0xA20BC7C6,
        0x6D5451FD,
    ]


@pytest.mark.parametrize(("seed", "step"), [(0, 0), (1, 0), (0, 1), (2**53 - 1, 2**40)])
@pytest.mark.parametrize("name", ["dropout", "alpha_dropout"])
def test_mask_is_the_reference(name, seed, step):
    plan = plan_of(name)
    data = draw(plan)
    expected = reference.walk(
        plan, data.parameters, data.X, data.y, masks=(seed, step)
    ).gradients
    actual = gradient(plan, data, seed, step)
    np.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-13)


def test_seed_and_step_change_the_mask():
    plan = plan_of("dropout")
    data = draw(plan)
    seen = {gradient(plan, data, *key).tobytes() for key in [(0, 0), (1, 0), (0, 1)]}
    assert len(seen) == 3


def test_threads_do_not_change_the_mask(monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)
    plan = plan_of("dropout")
    data = draw(plan, n=101)
    one, three = (gradient(plan, data, 7, 3, n_threads=n) for n in (1, 3))
    np.testing.assert_allclose(three, one, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("width", [1, 7, 8, 9, 1001])
def test_rate(rate, width):
    """The kernel has the gradient X times the mask, where outputs are off by one."""
    network = Sequential([Dropout(rate), Dense(1)])
    plan = lower(network, input_shape=(width,), loss=SquaredError())
    n = 20_000 // width
    X, y = np.ones((n, width)), np.full((n, 1), -1.0)
    with Engine(plan, np.zeros(plan.n_parameters), X, y, batch_size=n) as engine:
        engine.gradient(None, scalars(5, 0))
        kept = engine.gradients[:width].sum() / X.size * (1 - rate)
    spread = np.sqrt(rate * (1 - rate) / X.size)
    assert abs(kept - (1 - rate)) < 4 * spread


@pytest.mark.parametrize("layer", [Dropout(0.5), AlphaDropout(0.5)])
def test_predict_and_evaluate_do_not_drop(layer):
    plain = lower(
        Sequential([Dense(5, "tanh"), Dense(2)]), input_shape=(4,), loss=SquaredError()
    )
    layers = [Dense(5, "tanh"), layer, Dense(2)]
    plan = lower(Sequential(layers), input_shape=(4,), loss=SquaredError())
    data = draw(plan)
    sample = data.parameters, data.X
    np.testing.assert_array_equal(predict(plan, *sample), predict(plain, *sample))
    assert evaluate(plan, *sample, data.y) == evaluate(plain, *sample, data.y)
    assert plan.draws_masks
    assert not plain.draws_masks


@pytest.mark.parametrize("rate", [0, 0.0, 1e-6])
@pytest.mark.parametrize("layer", [Dropout, AlphaDropout])
def test_rate_zero_writes_no_op(layer, rate):
    network = Sequential([layer(rate), Dense(1)])
    assert not lower(network, input_shape=(3,), loss=SquaredError()).draws_masks


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, np.nan, "half", None])
@pytest.mark.parametrize("layer", [Dropout, AlphaDropout])
def test_bad_rate(layer, rate):
    network = Sequential([layer(rate), Dense(1)])
    with pytest.raises(ValueError, match=f"'rate' parameter of {layer.__name__}"):
        lower(network, input_shape=(3,), loss=SquaredError())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rate", [1 / 65536, 0.25, 0.75, 1 - 1 / 65536, 1 - 1e-9])
def test_dropout_scales_what_it_keeps(rate, dtype):
    x = np.random.default_rng(0).normal(size=(1, 300, 700)).astype(dtype)
    y = training_outputs([Dropout(rate)], x)
    kept = y != 0
    resolved = min(rate, 1 - 1 / 65536)
    spread = np.sqrt(rate * (1 - resolved) / x.size)
    assert abs(np.mean(kept) - (1 - resolved)) < 5 * spread
    rtol = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(y[kept], x[kept] / dtype(1 - resolved), rtol=rtol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rate", [0.05, 0.25, 0.5, 0.9])
def test_alpha_dropout_keeps_mean_and_variance(rate, dtype):
    x = np.random.default_rng(0).normal(size=(1, 1000, 1000)).astype(dtype)
    y = training_outputs([AlphaDropout(rate)], x).astype(np.float64)
    n, squares = y.size, (y - y.mean()) ** 2
    assert abs(y.mean()) < 5 / np.sqrt(n)
    assert abs(y.var() - 1) < 5 * squares.std() / np.sqrt(n)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_alpha_dropout_drops_to_the_limit_of_selu(dtype):
    rate, x = 0.3, np.random.default_rng(0).normal(size=(1, 50, 20)).astype(dtype)
    y = training_outputs([AlphaDropout(rate)], x)
    kept = reference.keeps(0, 0, 0, 50, 20, rate)[None]
    limit = reference.ACTIVATIONS["selu"][0](-1e3)
    # Klambauer et al., section "New dropout technique".
    q = 1 - np.round(rate * 65536) / 65536
    a = (q + limit**2 * q * (1 - q)) ** -0.5
    b = -a * (1 - q) * limit
    expected = a * np.where(kept, x, limit) + b
    np.testing.assert_allclose(y, expected, rtol=0, atol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("layer", [Dropout(0.5), AlphaDropout(0.5)])
def test_nan_stays_nan(layer):
    # Whether it is dropped or kept: what is not finite shall not hide.
    x = np.full((1, 64), np.nan)
    assert np.isnan(training_outputs([layer], x)).all()
