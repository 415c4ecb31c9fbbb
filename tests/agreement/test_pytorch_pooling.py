"""Pooling, of every padding and stride, against PyTorch's, where that is installed."""

import numpy as np
import pytest
from probes import outputs_and_gradients

from fastnn.layers import (
    AveragePooling1D,
    AveragePooling2D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    MaxPooling2D,
)

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
F = torch.nn.functional

# Shapes of samples, sizes and strides of windows.
SHAPES = [
    ((6, 8, 3), 2, None),
    ((7, 5, 1), 2, None),
    ((7, 9, 2), (3, 2), (1, 2)),
    ((5, 6, 17), (2, 1), (3, 2)),
    ((1, 1, 2), 1, 1),
    ((9, 4), 2, None),
    ((10, 1), 3, 2),
    ((8, 5), 1, 3),
]
# PyTorch pads both ends alike; what "same" pads is told by the numbers of windows.
PADDINGS = ["valid", "same"]


def channels_first(x):
    return torch.movedim(x, -1, 0)[None]


def channels_last(y):
    return torch.movedim(y[0], 0, -1)


def pairs(shape, size, strides):
    """Sizes and strides along the axes of the places."""
    n_axes = len(shape) - 1
    size = size if isinstance(size, tuple) else (size,) * n_axes
    strides = size if strides is None else strides
    return size, strides if isinstance(strides, tuple) else (strides,) * n_axes


def padded(x, shape, size, strides, padding, value):
    """x with the places that Keras' rule for "same" puts around it."""
    if padding == "valid":
        return x
    amounts = []
    for n, k, s in reversed(list(zip(shape, size, strides, strict=False))):
        total = max((-(-n // s) - 1) * s + k - n, 0)
        amounts += [total // 2, total - total // 2]
    return F.pad(x, amounts, value=value)


def largest(x, shape, size, strides, padding):
    pool = F.max_pool2d if len(shape) == 3 else F.max_pool1d
    own = padded(channels_first(x), shape, size, strides, padding, -torch.inf)
    return channels_last(pool(own, size, strides))


def mean(x, shape, size, strides, padding):
    pool = F.avg_pool2d if len(shape) == 3 else F.avg_pool1d
    sums, counts = (
        pool(padded(each, shape, size, strides, padding, 0.0), size, strides)
        for each in (channels_first(x), torch.ones_like(channels_first(x)))
    )
    return channels_last(sums / counts)


LAYERS = {
    MaxPooling1D: (largest, 2),
    MaxPooling2D: (largest, 3),
    AveragePooling1D: (mean, 2),
    AveragePooling2D: (mean, 3),
}
POOLED = [
    (layer, *each)
    for layer, (_, rank) in LAYERS.items()
    for each in SHAPES
    if len(each[0]) == rank
]


def agrees(layer, x, expected):
    y = expected(theirs := torch.tensor(x, requires_grad=True))
    assert layer.output_shape(x.shape) == tuple(y.shape)
    dy = np.random.default_rng(1).normal(size=y.shape)
    y.backward(torch.tensor(dy))

    def write(tape, h):
        return layer.lower(tape, h, "layer")

    actual, _, (dx,) = outputs_and_gradients(write, x, [], dy)
    np.testing.assert_allclose(actual, y.detach(), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(dx, theirs.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(("layer", "shape", "size", "strides"), POOLED)
@pytest.mark.parametrize("equals", [False, True])
def test_pooling(layer, shape, size, strides, padding, equals):
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape)
    if equals:  # the first of them has the gradient of a maximum
        x = np.round(x)
    own = pairs(shape, size, strides)
    pool, _ = LAYERS[layer]
    agrees(
        layer(size, strides, padding), x, lambda each: pool(each, shape, *own, padding)
    )


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (GlobalAveragePooling1D, (9, 4)),
        (GlobalAveragePooling2D, (5, 4, 17)),
        (GlobalAveragePooling2D, (1, 1, 1)),
        (GlobalMaxPooling1D, (9, 4)),
        (GlobalMaxPooling2D, (5, 4, 17)),
        (GlobalMaxPooling2D, (3, 7, 1)),
    ],
)
def test_global_pooling(layer, shape, keepdims):
    axes = tuple(range(len(shape) - 1))
    over = torch.mean if "Average" in layer.__name__ else torch.amax
    x = np.round(np.random.default_rng(0).normal(size=shape), 1)
    agrees(layer(keepdims), x, lambda each: over(each, axes, keepdim=keepdims))
