"""Windows, beside what all plans are tested for."""

import numpy as np
import pytest
from cases import predict
from probes import outputs_and_gradients, training_outputs
from writers import by_hand

from fastnn.layers import AveragePooling2D, MaxPooling1D, MaxPooling2D
from fastnn.plan import ops
from fastnn.plan.ops.pool import POOLS
from fastnn.plan.tape import Tape
from fastnn.plan.windows import windows

OF_NUMPY = {"mean": np.mean, "sum": np.sum, "max": np.max}


def pooled(kind, x, size, strides):
    """What a plan makes of samples of two axes of places."""
    along = [windows(*axis) for axis in zip(x.shape[1:3], size, strides, strict=True)]
    plan = by_hand(lambda tape, value: ops.pool(tape, kind, value, along), x.shape[1:])
    y = predict(plan, np.zeros(0, x.dtype), x.reshape(len(x), -1))
    return y.reshape(len(x), *(axis.count for axis in along), x.shape[-1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3, 16, 37])
@pytest.mark.parametrize("size", [(2, 2), (3, 2)])
@pytest.mark.parametrize("kind", POOLS)
def test_any_number_of_channels(kind, size, channels, dtype):
    x = np.random.default_rng(0).normal(size=(3, 6, 6, channels)).astype(dtype)
    cut = x.reshape(3, 6 // size[0], size[0], 6 // size[1], size[1], channels)
    expected = OF_NUMPY[kind](cut, axis=(2, 4))
    np.testing.assert_allclose(
        pooled(kind, x, size, size), expected, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("kind", POOLS)
@pytest.mark.parametrize("size", [(2, 2), (1, 3)])
def test_a_nan_comes_through_from_anywhere(kind, size):
    places = size[0] * size[1]
    x = np.ones((places, *size, 20))
    for i in range(places):
        x[i].reshape(places, 20)[i, 7] = np.nan
    y = pooled(kind, x, size, size)
    assert np.isnan(y[..., 7]).all()
    assert np.isfinite(np.delete(y, 7, axis=-1)).all()


def test_what_is_smaller_than_all_numbers_is_a_maximum_too():
    x = np.full((1, 3, 3, 2), -np.inf)
    np.testing.assert_array_equal(pooled("max", x, (2, 2), (1, 1)), x[:, :2, :2])
    layer = MaxPooling2D(2, padding="same")
    np.testing.assert_array_equal(training_outputs([layer], x * 1.0), x[:, :2, :2])


@pytest.mark.parametrize("layer", [MaxPooling2D(2), MaxPooling2D(3, 1, "same")])
def test_the_first_of_the_largest_has_the_whole_gradient(layer):
    x = np.zeros((4, 4, 2))
    shape = layer.output_shape(x.shape)
    dy = np.ones(shape)
    _, _, (dx,) = outputs_and_gradients(
        lambda tape, h: layer.lower(tape, h, "layer"), x, [], dy
    )
    expected = np.zeros(x.shape)
    for i, j in np.ndindex(shape[:2]):
        first = (2 * i, 2 * j) if shape[0] == 2 else (max(i - 1, 0), max(j - 1, 0))
        expected[first] += 1
    np.testing.assert_array_equal(dx, expected)


def test_places_in_no_window_have_no_gradient():
    x = np.zeros((7, 3))
    _, _, (dx,) = outputs_and_gradients(
        lambda tape, h: MaxPooling1D(1, strides=3).lower(tape, h, "layer"),
        x, [], np.ones((3, 3)),
    )  # fmt: skip
    np.testing.assert_array_equal(dx[:, 0], [1, 0, 0, 1, 0, 0, 1])


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("layer", [MaxPooling2D(2), AveragePooling2D(3, 2, "same")])
def test_a_sample_does_not_see_others(layer, n_threads):
    x = np.random.default_rng(0).normal(size=(5, 5, 4, 3))
    together = training_outputs([layer], x, n_threads=n_threads)
    for i in range(5):
        alone = training_outputs([layer], x[i : i + 1])
        np.testing.assert_array_equal(alone[0], together[i])


def test_windows_wider_than_any_integer():
    layer = MaxPooling2D(10**30, strides=10**25, padding="same")
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    np.testing.assert_array_equal(
        training_outputs([layer], x), x.max(axis=(1, 2), keepdims=True)
    )


@pytest.mark.parametrize("times", [(2, 3), (1, 1), (3, 1)])
def test_places_are_repeated(times):
    x = np.random.default_rng(0).normal(size=(2, 4, 3))
    expected = x.repeat(times[0], 0).repeat(times[1], 1)
    y, dy, (dx,) = outputs_and_gradients(
        lambda tape, h: ops.repeat(tape, h, times), x, [], expected + 1
    )
    np.testing.assert_array_equal(y, expected)
    cut = dy.reshape(2, times[0], 4, times[1], 3)
    np.testing.assert_allclose(dx, cut.sum(axis=(1, 3)), rtol=1e-12)


def test_errors():
    tape = Tape()
    x = tape.input((4, 3))
    with pytest.raises(ValueError, match=r"one of \('mean', 'sum', 'max'\), got 'min'"):
        ops.pool(tape, "min", x, [windows(4, 2)])
    with pytest.raises(ValueError, match=r"do not lie over the shape \(4, 3\)"):
        ops.pool(tape, "max", x, [windows(5, 2)])
