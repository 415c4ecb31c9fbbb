"""Gaussian noise: its distribution, and what it depends on."""

import numpy as np
import pytest
import reference
from cases import draw, evaluate, predict
from probes import training_outputs
from scipy import stats

from fastnn.layers import Dense, Dropout, GaussianNoise
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.plan.tables import KINDS, PHASES

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def noise(shape, dtype=np.float64, number=0, **options):
    """Standard normal noise of one sample, by a later noise layer than the first."""
    layers = [*([Dropout(1e-4)] * number), GaussianNoise(1.0)]
    return training_outputs(layers, np.zeros((1, *shape), dtype), **options)[0]


@pytest.fixture(scope="module")
def million():
    return noise((1000, 1000), seed=1)


@dtypes
@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 8, 9, 33, 1030])
@pytest.mark.parametrize(("seed", "step"), [(0, 0), (2**53 - 1, 2**40)])
def test_noise_is_the_reference(width, seed, step, dtype):
    expected = reference.normal(seed, step, 0, 3, width)
    actual = noise((3, width), dtype, seed=seed, step=step)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(actual, expected, rtol=8 * eps, atol=8 * eps)


def test_both_precisions_draw_the_same(million):
    single = noise((1000, 1000), np.float32, seed=1)
    eps = np.finfo(np.float32).eps
    np.testing.assert_allclose(single, million, rtol=8 * eps, atol=4 * eps)


def test_moments(million):
    """Within five standard errors of those of the normal distribution."""
    n = million.size
    for power, variance in [(1, 1), (2, 2), (3, 15), (4, 96), (6, 10170)]:
        expected = 0 if power % 2 else np.prod(np.arange(power - 1, 0, -2))
        error = np.mean(million**power) - expected
        assert abs(error) < 5 * np.sqrt(variance / n), power


def test_distribution(million):
    assert stats.kstest(million.ravel(), "norm").pvalue > 0.01
    probability = stats.norm.cdf(million.ravel())
    counts = np.histogram(probability, bins=1000, range=(0, 1))[0]
    assert stats.chisquare(counts).pvalue > 0.01


@pytest.mark.parametrize("bound", [2, 3, 4, 4.5])
def test_tails(million, bound):
    for side in (million, -million):
        expected = million.size * stats.norm.sf(bound)
        assert abs(np.count_nonzero(side > bound) - expected) < 4 * np.sqrt(expected)


def test_largest_of_many():
    # Of so many the largest lies there with probability 0.999; none exceeds
    # sqrt(-2 log(2 ** -32)).
    n = 5_000_000
    largest = abs(noise((1000, n // 1000), np.float32, seed=1)).max()
    low, high = stats.norm.isf((1 - np.array([0.0005, 0.9995]) ** (1 / n)) / 2)
    assert low < largest < min(high, 6.67)


def uncorrelated(one, other):
    """Whether neither values nor squares go together: five standard errors."""
    pairs = [(one, other), (one**2, other**2), (one, other**2), (one**2, other)]
    n = one.size
    return all(
        abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 5 / np.sqrt(n) for a, b in pairs
    )


@pytest.mark.parametrize("lag", [1, 2, 3, 250, 251, 500, 750])
def test_columns_are_independent(million, lag):
    # 250 blocks of four make a row: these are neighbours, and partners in a block.
    assert uncorrelated(million[:, lag:], million[:, :-lag])


@pytest.mark.parametrize("lag", [1, 2, 17])
def test_rows_are_independent(million, lag):
    assert uncorrelated(million[lag:], million[:-lag])


@pytest.mark.parametrize("other", [{"seed": 2}, {"step": 1}, {"number": 1}], ids=str)
def test_seeds_steps_and_layers_are_independent(million, other):
    assert uncorrelated(million, noise((1000, 1000), **{"seed": 1, **other}))


def test_layers_have_noise_of_their_own():
    x = np.zeros((1, 100, 100))
    both = training_outputs([GaussianNoise(0.6), GaussianNoise(0.8)], x)
    first = training_outputs([GaussianNoise(0.6)], x)
    assert uncorrelated(first, both - first)
    assert abs(both.var() - 1) < 5 * np.sqrt(2 / both.size)


def test_threads_do_not_change_it(monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)
    x = np.random.default_rng(0).normal(size=(37, 9))
    layers = [GaussianNoise(0.5)]
    one, three = (training_outputs(layers, x, n_threads=n) for n in (1, 3))
    np.testing.assert_array_equal(one, three)
    assert np.unique(one - x).size == x.size


def test_rows_of_a_batch_in_chunks(monkeypatch):
    x = np.random.default_rng(0).normal(size=(50, 5))
    whole = training_outputs([GaussianNoise(0.5)], x)
    monkeypatch.setattr("fastnn.engine.engine.CHUNK_BYTES", 1)
    np.testing.assert_array_equal(training_outputs([GaussianNoise(0.5)], x), whole)


@dtypes
def test_standard_deviation(dtype):
    x = np.random.default_rng(0).normal(size=(2, 3, 50)).astype(dtype)
    z = training_outputs([GaussianNoise(1.0)], 0 * x)
    y = training_outputs([GaussianNoise(3.7)], x)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(y, x + 3.7 * z, rtol=8 * eps, atol=8 * eps)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_so(bad):
    x = np.zeros((1, 20))
    x[0, 7] = bad
    y = training_outputs([GaussianNoise(1.0)], x)[0]
    np.testing.assert_array_equal(y[7], bad)
    assert np.isfinite(np.delete(y, 7)).all()


def test_predict_and_evaluate_add_none():
    layers = [Dense(5, "tanh"), GaussianNoise(0.5), Dense(2)]
    with_noise, plain = (
        lower(Sequential(each), input_shape=(4,), loss=SquaredError())
        for each in (layers, layers[::2])
    )
    data = draw(plain)
    sample = data.parameters, data.X
    np.testing.assert_array_equal(predict(with_noise, *sample), predict(plain, *sample))
    assert evaluate(with_noise, *sample, data.y) == evaluate(plain, *sample, data.y)
    assert with_noise.draws_masks
    assert not plain.draws_masks


def test_the_gradient_passes_through():
    layers = [Dense(5), GaussianNoise(0.5), Dense(2)]
    plan = lower(Sequential(layers), input_shape=(4,), loss=SquaredError())
    plain = lower(Sequential(layers[::2]), input_shape=(4,), loss=SquaredError())
    training = [
        np.count_nonzero(p.ops["phase"] & PHASES["train"]) for p in (plan, plain)
    ]
    assert training[0] == training[1] + 1
    assert np.count_nonzero(plan.ops["kind"] == KINDS["gaussian_noise"]) == 1


def test_no_deviation_writes_no_op():
    network = Sequential([GaussianNoise(0.0), Dense(1)])
    assert not lower(network, input_shape=(3,), loss=SquaredError()).draws_masks


@pytest.mark.parametrize("stddev", [-0.1, np.inf, np.nan, "some", None])
def test_bad_stddev(stddev):
    network = Sequential([GaussianNoise(stddev), Dense(1)])
    with pytest.raises(ValueError, match="'stddev' parameter of GaussianNoise"):
        lower(network, input_shape=(3,), loss=SquaredError())
