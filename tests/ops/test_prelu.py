"""PReLU: values and gradients against NumPy's broadcasting, and its parameter."""

import numpy as np
import pytest
from probes import outputs_and_gradients

from fastnn.initializers import Constant
from fastnn.layers import PReLU
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.plan import ops
from fastnn.plan.tape import Tape

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def lower_one(layer, shape=(3, 6)):
    return lower(Sequential([layer]), input_shape=shape, loss=SquaredError())


def prelu(x, slope, dy):
    return outputs_and_gradients(ops.prelu, x, [slope], dy)


@dtypes
@pytest.mark.parametrize(
    ("shape", "slope_shape"),
    [
        ((1,), (1,)),
        ((7,), (7,)),
        ((7,), ()),
        ((50, 33), (33,)),
        ((50, 33), (50, 1)),
        ((3, 10_000), (10_000,)),  # parts of a row are worked on by themselves
        ((3, 10_000), (3, 1)),
        ((3, 10_000), (1,)),
        ((5000, 3), (3,)),  # and here, some rows
        ((5000, 3), (5000, 1)),
        ((4, 5, 6), (5, 1)),
        ((4, 5, 6), (4, 1, 6)),
        ((4, 5, 6), (4, 5, 6)),
    ],
    ids=str,
)
def test_slope_is_broadcast(shape, slope_shape, dtype):
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(dtype)
    slope = rng.normal(size=slope_shape).astype(dtype)
    y, dy, (dx, dslope) = prelu(x, slope, rng.normal(size=shape))
    np.testing.assert_array_equal(y, np.where(x < 0, slope * x, x))
    np.testing.assert_array_equal(dx, dy * np.where(x > 0, 1, slope))
    terms = dy.astype(float) * np.minimum(x, 0)
    padded = (1,) * (x.ndim - slope.ndim) + slope.shape
    axes = tuple(i for i, n in enumerate(padded) if n == 1)
    expected = terms.sum(axis=axes, keepdims=True).reshape(slope.shape)
    size = abs(terms).sum(axis=axes, keepdims=True).reshape(slope.shape)
    assert (abs(dslope - expected) <= 30 * np.finfo(dtype).eps * size).all()


def test_a_long_sum_of_float32_keeps_its_digits():
    x = np.full((1000, 1000), -1, np.float32)
    dy = np.random.default_rng(0).uniform(0.5, 1, size=x.shape)
    _, dy, (_, dslope) = prelu(x, np.float32([2]), dy)
    np.testing.assert_allclose(dslope, -dy.sum(dtype=float), rtol=2e-6)


@dtypes
def test_at_zero_the_slope_is_that_below(dtype):
    x = np.array([-0.0, 0.0, 1.0, -1.0], dtype)
    y, dy, (dx, dslope) = prelu(x, np.array([0.3], dtype), np.ones(4))
    np.testing.assert_allclose(y, [0, 0, 1, -0.3], rtol=1e-7)
    np.testing.assert_allclose(dx, dy * [0.3, 0.3, 1, 0.3], rtol=1e-6)
    np.testing.assert_allclose(dslope, -dy[3], rtol=1e-6)


@dtypes
@pytest.mark.parametrize("slope", [[0.25], np.linspace(-2, 2, 40)])
def test_nan_and_far_numbers(slope, dtype):
    x = np.linspace(-1e4, 1e4, 40 * 25).reshape(25, 40).astype(dtype)
    x[0, 3], x[1, 4], x[2, 5] = np.nan, np.inf, -np.inf
    y, _, _ = prelu(x, np.array(slope, dtype), np.ones(x.shape))
    np.testing.assert_array_equal(np.isnan(y), np.isnan(x))
    np.testing.assert_array_equal(np.isinf(y), np.isinf(x))
    x = np.where(np.isfinite(x), x, 0).astype(dtype)
    _, _, gradients = prelu(x, np.array(slope, dtype), np.ones(x.shape))
    assert all(np.isfinite(gradient).all() for gradient in gradients)


@dtypes
@pytest.mark.parametrize("width", [3, 40])
@pytest.mark.parametrize("shared", [True, False])
def test_nan_reaches_the_slope(shared, width, dtype):
    x = np.ones((2, width), dtype)
    x[1, 2] = np.nan
    slope = np.full(1 if shared else width, 0.25, dtype)
    _, _, (dx, dslope) = prelu(x, slope, np.ones(x.shape))
    assert np.isnan(dx[1, 2])
    np.testing.assert_array_equal(np.isnan(dslope), shared or np.arange(width) == 2)


def test_parameter():
    for layer, shape in ((PReLU(), (1,)), (PReLU(shared=False), (6,))):
        plan = lower_one(layer)
        (slope,) = plan.parameters
        assert (slope.name.partition("/")[2], slope.shape) == ("slope", shape)
        assert not plan.blocks["weight_decay"].any()
        assert not plan.blocks["penalty"].any()
        values = plan.initialize(np.random.RandomState(0), np.float64)
        np.testing.assert_array_equal(values[: slope.size], 0.25)
        assert layer.output_shape((3, 6)) == (3, 6)


@pytest.mark.parametrize(
    ("initializer", "expected"),
    [
        ("zeros", np.zeros(6)),
        (Constant(0.1), np.full(6, 0.1)),
        (np.arange(6), np.arange(6)),
        ([0.5] * 6, np.full(6, 0.5)),
    ],
    ids=str,
)
def test_initial_slope(initializer, expected):
    plan = lower_one(PReLU(initializer, shared=False))
    (slope,) = plan.views(plan.initialize(np.random.RandomState(0), np.float64))
    np.testing.assert_array_equal(slope, expected)


def test_initial_values_of_another_shape():
    plan = lower_one(PReLU([0.1, 0.2]))
    with pytest.raises(ValueError, match=r"\(2,\)"):
        plan.initialize(np.random.RandomState(0), np.float64)


@pytest.mark.parametrize(
    ("name", "value"),
    [("slope_initializer", "zeroes"), ("slope_initializer", 0.25), ("shared", 3)],
)
def test_bad_options(name, value):
    with pytest.raises(ValueError, match=f"'{name}' parameter of PReLU"):
        lower_one(PReLU(**{name: value}))


def test_slope_must_broadcast():
    tape = Tape()
    x, wrong = tape.input((3, 5)), tape.target((3, 4))
    with pytest.raises(ValueError, match=r"\(3, 4\) does not broadcast to .*\(3, 5\)"):
        ops.prelu(tape, x, wrong)
