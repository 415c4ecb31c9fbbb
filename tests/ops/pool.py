"""The largest, the mean and the sum of windows, and places that are repeated."""

import numpy as np
from writers import by_hand, dense

from fastnn.layers import (
    AveragePooling1D,
    AveragePooling2D,
    Dense,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    MaxPooling2D,
)
from fastnn.losses import SquaredError
from fastnn.network import Branches, Sequential, lower
from fastnn.plan import ops
from fastnn.plan.windows import windows


def run_pool(walk, op, dim, x, *_):
    begin, end, shape = places_of_windows(walk, op)
    x = x.reshape(-1, *shape)
    of = {0: np.mean, 1: np.sum, 2: np.max}[op["code"]]
    y = np.zeros((len(x), *(len(axis) for axis in begin), shape[-1]))
    largest = np.zeros(y.shape, int)
    for i, j in np.ndindex(y.shape[1:3]):
        window = x[:, begin[0][i] : end[0][i], begin[1][j] : end[1][j]]
        y[:, i, j] = of(window, axis=(1, 2))
        flat = window.reshape(len(x), -1, shape[-1])
        largest[:, i, j] = np.argmax(flat, axis=1)
    return y, largest


def run_pool_gradient(walk, op, dim, dy, largest, *_):
    begin, end, shape = places_of_windows(walk, op)
    counts = [len(axis) for axis in begin]
    dy = dy.reshape(-1, *counts, shape[-1])
    dx = np.zeros((len(dy), *shape))
    for i, j in np.ndindex(*counts):
        window = dx[:, begin[0][i] : end[0][i], begin[1][j] : end[1][j]]
        n_places = window.shape[1] * window.shape[2]
        each = np.repeat(dy[:, i, j][:, None], n_places, axis=1)
        if op["code"] == 0:
            each /= n_places
        if op["code"] == 2:
            places = np.arange(n_places)[:, None]
            each *= places == largest.reshape(dy.shape)[:, i, j][:, None]
        window += each.reshape(window.shape)
    return (dx,)


def places_of_windows(walk, op):
    """Where the windows begin and end along both axes, and the shape of a sample."""
    channels, *rest = walk.params[op["params"] :].tolist()
    begin, end, lengths = [], [], []
    for _ in range(2):
        length, count, *rest = rest
        begin.append(rest[:count])
        end.append(rest[count : 2 * count])
        lengths.append(length)
        rest = rest[2 * count + 2 * length :]
    return begin, end, (*lengths, channels)


OPS = {"pool": run_pool, "pool_gradient": run_pool_gradient}


def pooling(kind, size, strides, padding):
    def write(tape, x):
        h = dense(tape, x, "hidden", x.shape[-1], "tanh")
        along = [
            windows(n, k, stride, padding=padding)
            for n, k, stride in zip(x.shape[:-1], size, strides, strict=True)
        ]
        y = ops.pool(tape, kind, h, along)
        return dense(tape, y, "output", 2)

    return write


def repeating(times):
    def write(tape, x):
        h = dense(tape, x, "hidden", x.shape[-1], "tanh")
        return dense(tape, ops.repeat(tape, h, times), "output", 2)

    return write


def layers_of_pooling(largest, mean, over_all, shape):
    both = Branches([("mean", over_all[0]), ("largest", over_all[1])])
    network = [Dense(3, "tanh"), largest, Dense(2, "tanh"), mean, both, Dense(2)]
    return lower(Sequential(network), input_shape=shape, loss=SquaredError())


def pooled_steps():
    over_all = GlobalAveragePooling1D(), GlobalMaxPooling1D()
    mean = AveragePooling1D(2, 1, "same")
    return layers_of_pooling(MaxPooling1D(2), mean, over_all, (7, 2))


def pooled_images():
    over_all = GlobalAveragePooling2D(keepdims=True), GlobalMaxPooling2D(keepdims=True)
    largest = MaxPooling2D(2, 1, "same")
    return layers_of_pooling(largest, AveragePooling2D(2), over_all, (4, 5, 2))


# Shapes of samples, and sizes and strides of windows over them: side by side and what
# is left over, overlapping, apart, of a single place, and wider than a sample.
POOLED = [
    ("max", (5, 6, 3), (2, 2), (2, 2), "valid"),
    ("max", (5, 4, 1), (3, 2), (2, 1), "same"),
    ("max", (4, 3, 17), (3, 2), (2, 1), "same"),
    ("max", (7, 2), (2,), (3,), "valid"),
    ("mean", (5, 5, 2), (2, 2), (2, 2), "same"),
    ("mean", (6, 4), (3,), (1,), "valid"),
    ("mean", (1, 1, 3), (4, 4), (1, 1), "same"),
    ("sum", (4, 4, 2), (2, 2), (2, 2), "valid"),
    ("sum", (5, 7, 1), (1, 3), (2, 2), "same"),
]

CASES = {
    "pooled_steps": pooled_steps,
    "pooled_images": pooled_images,
    **{
        f"{kind}_pool_of_{shape}_by_{size}_{strides}_{padding}": (
            lambda kind=kind, shape=shape, along=along: by_hand(
                pooling(kind, *along), shape
            )
        )
        for kind, shape, *along in POOLED
        for size, strides, padding in [along]
    },
    "repeated_steps": lambda: by_hand(repeating((3,)), (3, 2)),
    "repeated_places": lambda: by_hand(repeating((2, 1)), (2, 3, 2)),
}
