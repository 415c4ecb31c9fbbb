"""Initial values: their distribution, and what may stand for them."""

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone

from fastnn import initializers
from fastnn.initializers import (
    INITIALIZERS,
    Constant,
    FromArray,
    GlorotUniform,
    Initializer,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    as_initializer,
)
from fastnn.layers import Dense
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower

SHAPE, FAN_IN, FAN_OUT = (300, 200), 300, 200


def draw(initializer, shape=SHAPE, seed=0):
    return initializer.draw(shape, FAN_IN, FAN_OUT, np.random.RandomState(seed))


@pytest.mark.parametrize(
    ("name", "distribution"),
    [
        ("glorot_uniform", stats.uniform(-np.sqrt(6 / 500), 2 * np.sqrt(6 / 500))),
        ("glorot_normal", stats.norm(0, np.sqrt(2 / 500))),
        ("he_uniform", stats.uniform(-np.sqrt(6 / 300), 2 * np.sqrt(6 / 300))),
        ("he_normal", stats.norm(0, np.sqrt(2 / 300))),
        ("lecun_uniform", stats.uniform(-np.sqrt(3 / 300), 2 * np.sqrt(3 / 300))),
        ("lecun_normal", stats.norm(0, np.sqrt(1 / 300))),
        ("truncated_normal", stats.truncnorm(-2, 2, scale=0.05)),
        ("uniform", stats.uniform(-0.05, 0.1)),
        ("normal", stats.norm(0, 0.05)),
        ("orthogonal", stats.norm(0, 1 / np.sqrt(300))),
    ],
)
def test_values_have_their_distribution(name, distribution):
    values = draw(INITIALIZERS[name]())
    assert values.shape == SHAPE
    assert values.dtype == np.float64
    assert stats.kstest(values.ravel(), distribution.cdf).pvalue > 0.01


def test_options_change_the_distribution():
    values = draw(TruncatedNormal(mean=3, std=0.5))
    assert (
        stats.kstest(values.ravel(), stats.truncnorm(-2, 2, 3, 0.5).cdf).pvalue > 0.01
    )
    wide, one = draw(RandomUniform(-1, 3)).ravel(), draw(RandomNormal(2, 0.1)).ravel()
    assert stats.kstest(wide, stats.uniform(-1, 4).cdf).pvalue > 0.01
    assert stats.kstest(one, stats.norm(2, 0.1).cdf).pvalue > 0.01
    np.testing.assert_allclose(draw(Orthogonal(2.0)), 2 * draw(Orthogonal()))
    np.testing.assert_array_equal(draw(Constant(-1.5)), -1.5)


@pytest.mark.parametrize("shape", [(7, 3), (3, 7), (5, 5), (2, 3, 4), (4, 1), (1, 4)])
def test_orthogonal(shape):
    matrix = draw(Orthogonal(), shape).reshape(-1, shape[-1])
    few = min(matrix.shape)
    product = matrix.T @ matrix if matrix.shape[1] == few else matrix @ matrix.T
    np.testing.assert_allclose(product, np.eye(few), atol=1e-12)


def test_orthogonal_has_no_preferred_signs():
    first = [draw(Orthogonal(), (3, 3), seed)[0, 0] for seed in range(400)]
    # An entry of a uniform rotation of space is uniform between -1 and 1.
    assert stats.kstest(first, stats.uniform(-1, 2).cdf).pvalue > 0.01


@pytest.mark.parametrize("name", INITIALIZERS)
def test_a_name_stands_for_the_defaults(name):
    chosen = as_initializer(name, GlorotUniform())
    np.testing.assert_array_equal(draw(chosen), draw(INITIALIZERS[name]()))


def test_every_class_is_reachable():
    classes = {
        each for each in vars(initializers).values()
        if isinstance(each, type) and issubclass(each, Initializer)
    }  # fmt: skip
    assert classes - {Initializer, Constant, FromArray} == set(INITIALIZERS.values())


def initial(**options):
    layer = clone(Dense(2, **options))
    plan = lower(Sequential([layer]), input_shape=(3,), loss=SquaredError())
    return plan.views(plan.initialize(np.random.RandomState(0), np.float64))


def test_layers_take_values_names_and_objects():
    values = np.arange(6.0).reshape(3, 2)
    kernel, bias = initial(kernel_initializer=values, bias_initializer=[7, 8])
    np.testing.assert_array_equal(kernel, values)
    np.testing.assert_array_equal(bias, [7, 8])
    kernel, bias = initial(kernel_initializer="zeros", bias_initializer=Constant(0.1))
    np.testing.assert_array_equal(kernel, 0)
    np.testing.assert_array_equal(bias, 0.1)
    np.testing.assert_array_equal(
        initial()[0], GlorotUniform().draw((3, 2), 3, 2, np.random.RandomState(0))
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.ones((2, 3)), r"its shape \(3, 2\), got values of shape \(2, 3\)"),
        (np.full((3, 2), np.nan), "got non-finite values"),
        ({}, r"must be an array of real numbers, got \{\}"),
        ([["a", "b"]] * 3, "must be an array of real numbers, got"),
        ([[1], [1, 2]], "must be an array of real numbers, got"),
        (np.ones((3, 2), complex), "they are complex128"),
        ("he", "kernel_initializer"),
        (3, "kernel_initializer"),
        (TruncatedNormal(std=0), "std"),
        (Orthogonal(gain=-1), "gain"),
    ],
)
def test_bad_initial_values(value, message):
    with pytest.raises(ValueError, match=message):
        initial(kernel_initializer=value)
