"""Convolutions of all kinds of windows, beside what all plans are tested for."""

import numpy as np
import pytest
import reference
from cases import draw, predict
from engines import gradient_of
from ops.conv import convolved
from writers import by_hand

from fastnn.engine.engine import Engine
from fastnn.layers import Conv2D, Dense
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.plan.windows import spread_windows


def drawn(seed):
    """A convolution of any windows, and the shape of its images."""
    rng = np.random.default_rng(seed)
    n_axes = int(rng.integers(1, 3))
    size = tuple(rng.integers(1, 5, n_axes).tolist())
    step = int(rng.integers(1, 5))
    options = [{"stride": step}, {"dilation": step}][int(rng.integers(2))]
    options["padding"] = str(rng.choice(["valid", "same", "causal"]))
    longest = 14 if n_axes == 2 else int(rng.choice([14, 500]))
    lengths = tuple(rng.integers(1, longest, n_axes).tolist())
    groups, each = int(rng.integers(1, 4)), int(rng.choice([1, 2, 3, 8, 11, 19]))
    filters = groups * int(rng.choice([1, 2, 5, 16, 19]))
    kind = "conv" if rng.integers(3) else "transposed"
    if kind == "conv" and options["padding"] == "valid":
        reach = [(n - 1) * options.get("dilation", 1) + 1 for n in size]
        lengths = tuple(map(max, lengths, reach))
    if kind == "transposed":
        options["padding"] = str(rng.choice(["valid", "same"]))
        along = [
            spread_windows(
                count, n, options.get("stride", 1), options.get("dilation", 1), None,
                options["padding"],
            )
            for count, n in zip(lengths, size, strict=True)
        ]  # fmt: skip
        return convolved(kind, size, filters, groups, each, along=along), lengths
    return convolved(kind, size, filters, groups, each, **options), lengths


@pytest.mark.parametrize("seed", range(40))
def test_any_windows(seed):
    write, lengths = drawn(seed)
    plan = by_hand(write, (*lengths, 1))
    data = draw(plan, n=13)
    expected = reference.walk(plan, data.parameters, data.X, data.y, data.weight)
    (loss, *_), gradients = gradient_of(plan, data)
    np.testing.assert_allclose(loss, expected.loss, rtol=1e-13)
    np.testing.assert_allclose(gradients, expected.gradients, rtol=1e-11, atol=1e-13)
    outputs = reference.predict(plan, data.parameters, data.X)
    found = predict(plan, data.parameters, data.X)
    np.testing.assert_allclose(found, outputs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("channels", [1, 3, 32])
@pytest.mark.parametrize("filters", [1, 16, 31, 33])
def test_float32_is_float64_rounded(filters, channels):
    network = Sequential([Conv2D(filters, 3, "tanh", padding="same"), Dense(1)])
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(5, 9, 7, channels)), rng.normal(size=(5, 9 * 7))
    plan = lower(network, input_shape=X.shape[1:], loss=SquaredError())
    flat = plan.initialize(np.random.RandomState(0), np.float64)
    found = []
    for dtype in (np.float32, np.float64):
        given = [each.astype(dtype) for each in (flat, X, y)]
        engine = Engine(plan, *given, batch_size=5)
        engine.gradient()
        found.append(engine.gradients.copy())
    scale = np.abs(found[1]).max()
    np.testing.assert_allclose(*found, rtol=1e-4, atol=2e-6 * scale)


@pytest.mark.parametrize("layer", [Conv2D(3, 3), Conv2D(2, (2, 3), padding="same")])
def test_a_filter_reads_the_same_wherever_it_is(layer):
    """The reference of all: one window by another, with the kernel as users see it."""
    x = np.random.default_rng(0).normal(size=(2, 6, 5, 2))
    network = Sequential([layer])
    plan = lower(network, input_shape=x.shape[1:], loss=SquaredError())
    flat = plan.initialize(np.random.RandomState(0), np.float64)
    kernel, bias = plan.views(flat)
    y = predict(plan, flat, x).reshape(2, *layer.output_shape(x.shape[1:]))
    ends = ((0, 0), (0, 0), (0, 0), (0, 0))
    if layer.padding == "same":
        ends = ((0, 0), (0, 1), (1, 1), (0, 0))
    around = np.pad(x, ends)
    height, width = kernel.shape[:2]
    for i, j in np.ndindex(y.shape[1:3]):
        window = around[:, i : i + height, j : j + width]
        expected = np.einsum("nhwc,hwcf->nf", window, kernel) + bias
        np.testing.assert_allclose(y[:, i, j], expected, rtol=1e-12, atol=1e-14)


def test_memory_of_a_step_is_its_activations():
    """Patches are never written down: nine times X would be."""
    X = np.zeros((64, 32, 32, 16), np.float32)
    network = Sequential([Conv2D(16, 3, padding="same"), Dense(1)])
    plan = lower(network, input_shape=X.shape[1:], loss=SquaredError())
    assert plan.statistic_size < 0.3 * len(X) * plan.train_size
