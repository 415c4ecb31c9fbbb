"""Layers that convolve: shapes, by Keras' rules, and what they refuse."""

import numpy as np
import pytest
from sklearn.base import clone

from fastnn import NeuralNetClassifier, Sequential
from fastnn.constraints import MaxNorm
from fastnn.layers import Conv1D, Conv2D, Conv2DTranspose, DepthwiseConv2D, Flatten
from fastnn.plan.windows import windows

IMAGE = (9, 8, 6)

# As Keras 3 has them.
SHAPES = [
    (Conv2D(5, 3), IMAGE, (7, 6, 5)),
    (Conv2D(5, (3, 2), strides=(2, 3)), IMAGE, (4, 3, 5)),
    (Conv2D(5, 3, strides=2, padding="same"), IMAGE, (5, 4, 5)),
    (Conv2D(5, 3, dilation_rate=3), IMAGE, (3, 2, 5)),
    (Conv2D(6, 3, groups=3, dilation_rate=(1, 2), padding="same"), IMAGE, (9, 8, 6)),
    (Conv1D(5, 4), (9, 3), (6, 5)),
    (Conv1D(5, 4, strides=3, padding="causal"), (9, 3), (3, 5)),
    (DepthwiseConv2D(3, depth_multiplier=2), IMAGE, (7, 6, 12)),
    (Conv2DTranspose(5, 3), IMAGE, (11, 10, 5)),
    (Conv2DTranspose(5, 3, strides=2), IMAGE, (19, 17, 5)),
    (Conv2DTranspose(5, 2, strides=3), IMAGE, (27, 24, 5)),
    (Conv2DTranspose(5, 3, strides=2, padding="same"), IMAGE, (18, 16, 5)),
    (Conv2DTranspose(5, 3, strides=2, output_padding=0), IMAGE, (19, 17, 5)),
    (
        Conv2DTranspose(5, (3, 4), strides=2, padding="same", output_padding=(0, 1)),
        IMAGE,
        (17, 15, 5),
    ),
]


@pytest.mark.parametrize(("layer", "shape", "expected"), SHAPES)
def test_shapes(layer, shape, expected):
    assert clone(layer).output_shape(shape) == expected


@pytest.mark.parametrize(
    ("axis", "before", "after", "count"),
    [
        ((5, 3, 1, 1, "same"), 1, 1, 5),
        ((5, 4, 1, 1, "same"), 1, 2, 5),  # ONNX calls it SAME_UPPER
        ((5, 3, 2, 1, "same"), 1, 1, 3),
        ((6, 3, 2, 1, "same"), 0, 1, 3),
        ((5, 1, 3, 1, "same"), 0, 0, 2),
        ((7, 3, 1, 2, "causal"), 4, 0, 7),
        ((7, 3, 2, 1, "valid"), 0, 0, 3),
        ((2, 3, 1, 1, "valid"), 0, 0, 0),
    ],
)
def test_windows_along_an_axis(axis, before, after, count):
    found = windows(*axis)
    assert (found.before, found.after, found.count) == (before, after, count)


REFUSED = [
    (Conv2D(4, 3), (784,), r"Conv2D takes .*\(height, width, channels\).*\(784,\)"),
    (Conv1D(4, 3), (8, 8, 1), r"Conv1D takes .*\(steps, channels\).*\(8, 8, 1\)"),
    (Conv2D(4, 3), (2, 9, 1), r"Conv2D has no output .*\(2, 9, 1\).*\(3, 3\)"),
    (Conv1D(4, 3, dilation_rate=4), (8, 1), "Conv1D has no output .* reaches over 9"),
    (Conv2D(4, 3, groups=2), (5, 5, 3), "groups=2, of which 3 channels"),
    (Conv2D(5, 3, groups=2), (5, 5, 4), "groups=2, of which 5 filters"),
    (Conv2D(4, 3, strides=2, dilation_rate=2), (9, 9, 1), "strides or a dilation_rate"),
    (Conv2D(4, (3, 0)), (9, 9, 1), r"'kernel_size' .* of Conv2D .*\(3, 0\)"),
    (Conv2D(4, (3, 3, 3)), (9, 9, 1), "'kernel_size' .* 2 of them"),
    (Conv2D(4, 3, strides=1.5), (9, 9, 1), "'strides' .*1.5"),
    (Conv2D(4, True), (9, 9, 1), "'kernel_size' .*True"),
    (Conv1D(4, (3, 3)), (9, 1), "'kernel_size' .* of Conv1D"),
    (DepthwiseConv2D("3"), (9, 9, 1), "'kernel_size' .* of DepthwiseConv2D .*'3'"),
    (DepthwiseConv2D(3), (2, 2, 1), "DepthwiseConv2D has no output"),
    (
        Conv2DTranspose(4, 3, strides=2, output_padding=2),
        (9, 9, 1),
        "'output_padding' .* below the strides",
    ),
    (
        Conv2DTranspose(4, 2, padding="same", output_padding=0),
        (1, 1, 1),
        r"Conv2DTranspose has no output for samples of shape \(1, 1, 1\)",
    ),
]


@pytest.mark.parametrize(("layer", "shape", "message"), REFUSED)
def test_what_is_refused(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer.output_shape(shape)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Conv2D(0, 3), "'filters' parameter of Conv2D"),
        (Conv2D(4, 3, "rleu"), "'activation' parameter of Conv2D"),
        (Conv2D(4, 3, padding="causal"), "'padding' parameter of Conv2D"),
        (Conv2D(4, 3, groups=0), "'groups' parameter of Conv2D"),
        (Conv1D(4, 3, padding="full"), "'padding' parameter of Conv1D"),
        (DepthwiseConv2D(3, depth_multiplier=0), "'depth_multiplier' parameter"),
        (Conv2DTranspose(4, 3, trainable="no"), "'trainable' parameter"),
        (Conv2D(4, 3, kernel_initializer=np.zeros((2, 2))), r"\(3, 3, 2, 4\)"),
    ],
)
def test_wrong_arguments_at_fit(layer, message):
    X, y = np.zeros((4, 6, 6, 2)), [0, 1, 0, 1]
    if isinstance(layer, Conv1D):
        X = X[:, 0]
    with pytest.raises(ValueError, match=message):
        NeuralNetClassifier(Sequential([layer, Flatten()]), epochs=1).fit(X, y)


def test_images_of_another_size_are_refused_at_predict():
    X, y = np.random.default_rng(0).normal(size=(8, 6, 6, 2)), np.arange(8) % 2
    network = Sequential([Conv2D(3, 3, "relu"), Flatten()])
    model = NeuralNetClassifier(network, epochs=1).fit(X, y)
    with pytest.raises(ValueError, match=r"\(5, 6, 2\).*\(6, 6, 2\)"):
        model.predict(X[:, 1:])


def test_one_filter_is_limited_by_its_norm():
    X, y = np.random.default_rng(0).normal(size=(40, 6, 6, 2)), np.arange(40) % 2
    layer = Conv2D(3, 3, "relu", kernel_constraint=MaxNorm(0.1))
    network = Sequential([layer, Flatten()])
    model = NeuralNetClassifier(network, epochs=1, batch_size=40, random_state=0)
    kernel = model.fit(X, y).coefs_[0]
    assert kernel.shape == (3, 3, 2, 3)
    norms = np.sqrt(np.sum(kernel**2, axis=(0, 1, 2)))
    np.testing.assert_allclose(norms, 0.1, rtol=1e-5)
