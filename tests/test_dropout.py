"""The masks of dropout: what they depend on, and how much they drop."""

import numpy as np
import pytest
import reference
from cases import draw, evaluate, plan_of, predict

from fastnn._core.tables import MASK_SEED, MASK_STEP, N_SCALARS
from fastnn.engine import Engine
from fastnn.layers import Dense, Dropout
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower


def scalars(seed, step):
    row = np.zeros(N_SCALARS)
    row[[MASK_SEED, MASK_STEP]] = seed, step
    return row


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
def test_mask_is_the_reference(seed, step):
    plan = plan_of("dropout")
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
    monkeypatch.setattr("fastnn.engine.OPERATIONS_PER_THREAD", 1)
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


def test_predict_and_evaluate_do_not_drop():
    plain = lower(
        Sequential([Dense(5, "tanh"), Dense(2)]), input_shape=(4,), loss=SquaredError()
    )
    layers = [Dense(5, "tanh"), Dropout(0.5), Dense(2)]
    plan = lower(Sequential(layers), input_shape=(4,), loss=SquaredError())
    data = draw(plan)
    sample = data.parameters, data.X
    np.testing.assert_array_equal(predict(plan, *sample), predict(plain, *sample))
    assert evaluate(plan, *sample, data.y) == evaluate(plain, *sample, data.y)
    assert plan.draws_masks
    assert not plain.draws_masks


def test_rate_zero_writes_no_op():
    network = Sequential([Dropout(0.0), Dense(1)])
    assert not lower(network, input_shape=(3,), loss=SquaredError()).draws_masks


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, "half", None])
def test_bad_rate(rate):
    network = Sequential([Dropout(rate), Dense(1)])
    with pytest.raises(ValueError, match="'rate' parameter of Dropout"):
        lower(network, input_shape=(3,), loss=SquaredError())
