"""Numbers at other places: axes in another order, and zeros around a sample."""

import numpy as np
from writers import by_hand, dense

from fastnn.layers import (
    Dense,
    Permute,
    Reshape,
    UpSampling2D,
    ZeroPadding1D,
    ZeroPadding2D,
)
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.plan import ops


def run_move(walk, op, dim, x, *_):
    from_size, size, rank, _, *rest = walk.params[op["params"] :].tolist()
    lengths, before, inside, strides = np.reshape(rest[: 4 * rank], (4, rank)).tolist()
    x = x.reshape(-1, from_size)
    y = np.zeros((len(x), *lengths))
    for at in np.ndindex(*lengths):
        place = np.subtract(at, before)
        if (place >= 0).all() and (place < inside).all():
            y[(slice(None), *at)] = x[:, int(place @ strides)]
    return (y.reshape(len(x), size),)


OPS = {"move": run_move}


def moved(write_move):
    def write(tape, x):
        h = dense(tape, x, "hidden", x.shape[-1], "tanh")
        return dense(tape, write_move(tape, h), "output", 2)

    return write


def permuted(shape, axes):
    return by_hand(moved(lambda tape, h: ops.permute(tape, h, axes)), shape)


def padded(shape, amounts):
    return by_hand(moved(lambda tape, h: ops.pad(tape, h, amounts)), shape)


def layers_that_move():
    layers = [
        *(Dense(2, "tanh"), Permute((2, 3, 1)), ZeroPadding2D(((0, 1), (2, 0)))),
        *(UpSampling2D((1, 2)), Reshape((-1, 6)), ZeroPadding1D(1), Dense(2)),
    ]
    return lower(Sequential(layers), input_shape=(3, 1, 2), loss=SquaredError())


CASES = {
    "layers_that_move": layers_that_move,
    "permuted_steps": lambda: permuted((19, 3), (1, 0)),
    "permuted_images": lambda: permuted((2, 3, 4), (2, 1, 0)),
    "permuted_rows": lambda: permuted((2, 3, 4), (1, 0, 2)),
    "permuted_in_a_ring": lambda: permuted((2, 1, 3, 4), (3, 0, 1, 2)),
    "padded_steps": lambda: padded((3, 2), [(2, 1), (0, 0)]),
    "padded_images": lambda: padded((2, 1, 3), [(0, 1), (1, 2), (0, 0)]),
}
