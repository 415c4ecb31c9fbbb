"""Layers of sequences and images, with random options."""

from typing import Any

import numpy as np
from numpy.random import Generator

from fastnn import Sequential, layers
from fuzz.drawing import chance, count, pick
from fuzz.options import activation, rate, regularizer


def layer_of_places(rng: Generator) -> layers.Layer:
    """A layer of sequences or images, which stands where samples are such or not."""
    size = pick(rng, (1, 2, 2, 3, (2, 1), [1, 3], np.int8(2)))
    strides = pick(rng, (None, None, 1, 2, (1, 2), 5))
    padding = pick(rng, ("valid", "same"))
    around = pick(rng, (0, 1, (0, 2), ((1, 0), (0, 1))))
    step = pick(rng, (1, 1, 2, (1, 2)))
    of_kernel = {
        "strides": step,
        "padding": padding,
        "dilation_rate": pick(rng, (1, 1, 2, (2, 1))),
        "use_bias": chance(rng, 0.7),
        "kernel_regularizer": regularizer(rng),
    }
    groups, shift = pick(rng, (1, 1, 1, 2, 3)), pick(rng, (0.2, (-0.5, 0.3), 0, 2.0))
    fill = {"fill_mode": pick(rng, ("reflect", "constant", "wrap", "nearest"))}
    makers = (
        lambda: layers.Conv1D(count(rng, 1, 5), size, activation(rng), **of_kernel),
        lambda: layers.Conv2D(
            groups * count(rng, 1, 20),
            size,
            activation(rng),
            groups=groups,
            **of_kernel,
        ),
        lambda: layers.DepthwiseConv2D(
            size, activation(rng), depth_multiplier=count(rng, 1, 3), **of_kernel
        ),
        lambda: layers.Conv2DTranspose(
            count(rng, 1, 5),
            size,
            activation(rng),
            output_padding=pick(rng, (None, None, 0, 1)),
            **of_kernel,
        ),
        lambda: layers.RandomFlip(pick(rng, ("horizontal", "horizontal_and_vertical"))),
        lambda: layers.RandomTranslation(shift, shift, **fill),
        lambda: layers.RandomRotation(shift, **fill),
        lambda: layers.RandomZoom(shift, **fill),
        lambda: layers.RandomCrop(count(rng, 1, 3), count(rng, 1, 3)),
        lambda: layers.RandomContrast(rate(rng), value_range=(-1, 1)),
        lambda: layers.RandomErasing(rate(rng)),
        lambda: layers.MultiHeadAttention(
            count(rng, 1, 3),
            count(rng, 1, 4),
            value_dim=pick(rng, (None, 1, 3)),
            dropout=pick(rng, (0.0, 0.0, 0.3)),
            use_bias=chance(rng, 0.7),
            use_causal_mask=chance(rng, 0.5),
            output_dim=pick(rng, (None, None, 2)),
            kernel_regularizer=regularizer(rng),
        ),
        lambda: layers.PositionEmbedding(
            count(rng, 1, 9), initializer=pick(rng, (None, "sinusoidal", "uniform"))
        ),
        lambda: layers.MaxPooling1D(size, strides, padding),
        lambda: layers.MaxPooling2D(size, strides, padding),
        lambda: layers.AveragePooling1D(size, strides, padding),
        lambda: layers.AveragePooling2D(size, strides, padding),
        lambda: layers.GlobalMaxPooling1D(chance(rng, 0.5)),
        lambda: layers.GlobalMaxPooling2D(chance(rng, 0.5)),
        lambda: layers.GlobalAveragePooling1D(chance(rng, 0.5)),
        lambda: layers.GlobalAveragePooling2D(chance(rng, 0.5)),
        lambda: layers.Permute(pick(rng, ((1,), (2, 1), [3, 1, 2], (3, 2, 1)))),
        lambda: layers.ZeroPadding1D(around),
        lambda: layers.ZeroPadding2D(around),
        lambda: layers.UpSampling2D(size),
        lambda: layers.SpatialDropout1D(rate(rng)),
        lambda: layers.SpatialDropout2D(rate(rng)),
    )
    return pick(rng, makers)()


def of_places(rng: Generator, n_inputs: int) -> list[Any]:
    """Layers that make sequences or images of the columns of X, and rows of these."""
    rows = pick(rng, [n for n in (1, 2, 3) if n_inputs % n == 0])
    shape = pick(rng, ((rows, -1), (rows, -1, 1), (rows, 1, -1)))
    middle = [layer_of_places(rng) for _ in range(count(rng, 1, 3))]
    if chance(rng, 0.9):  # those alone whose samples have as many axes
        while not _fits(made := [layers.Reshape(shape), *middle], n_inputs):
            middle = [layer_of_places(rng) for _ in range(count(rng, 1, 2))]
        return [*made, layers.Flatten()]
    return [layers.Reshape(shape), *middle, layers.Flatten()]


def _fits(parts: list[Any], n_inputs: int) -> bool:
    try:
        Sequential(parts).output_shape((n_inputs,))
    except ValueError:
        return False
    return True
