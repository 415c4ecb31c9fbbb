"""Dropout and Gaussian noise, of the random numbers of Philox."""

from itertools import product

import numpy as np
from writers import by_hand, dense

from fastnn.layers import (
    AlphaDropout,
    Dense,
    Dropout,
    GaussianNoise,
    Reshape,
    SpatialDropout1D,
    SpatialDropout2D,
)
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.plan import ops


def run_dropout(walk, op, dim, x, *_):
    rate, scale, shift, value = op["scalar"]
    kept = keeps(walk.seed, walk.step, op["code"], *dim[2:], rate)
    return (np.where(kept, scale * x.reshape(dim[2:]) + shift, value),)


def run_gaussian_noise(walk, op, dim, x, *_):
    z = normal(walk.seed, walk.step, op["code"], *dim[2:])
    return (x.reshape(dim[2:]) + op["scalar"][0] * z,)


def keeps(seed, step, number, rows, columns, rate, first=0):
    """Which numbers dropout keeps.

    Each takes 16 bits of Philox. A block of 128 is for eight numbers of a row, which
    lie as far apart as there are blocks a row; the first row begins with block first.
    """
    rows, columns = int(rows), int(columns)
    blocks = -(-columns // 8)
    out = np.zeros((rows, 8 * blocks), bool)
    for row, block in product(range(rows), range(blocks)):
        words = philox(seed, first + row * blocks + block, step << 16 | int(number))
        bits = [half for word in words for half in (word & 0xFFFF, word >> 16)]
        out[row, block::blocks] = np.array(bits) >= rate * 65536
    return out[:, :columns]


def normal(seed, step, number, rows, columns):
    """Normal numbers: Box and Muller, Annals of Mathematical Statistics 29, 1958.

    Two words of Philox, of 32 bits, become two independent numbers, by their distance
    from the origin and their angle. A block of four is for four numbers of a row, which
    lie as far apart as there are blocks a row. The first word of two counts from 1 in
    units of 2**-32, or of 2**-24 if it is that large, so that float32 can hold it.
    """
    rows, columns = int(rows), int(columns)
    blocks = -(-columns // 4)
    out = np.zeros((rows, 4 * blocks))
    for row, block in product(range(rows), range(blocks)):
        words = philox(seed, row * blocks + block, step << 16 | int(number))
        for pair, two in enumerate((words[:2], words[2:])):
            at = 2 * pair * blocks + block
            out[row, [at, at + blocks]] = point(*two)
    return out[:, :columns]


def point(radial, angular):
    """The two numbers that two words become."""
    unit = 2**8 if radial >= 2**24 else 1
    u = (radial // unit + 1) * unit / 2**32
    # The upper two bits are quarter turns; the rest is up to half of one.
    quarter, rest = divmod(angular, 2**30)
    turns = quarter / 4 + ((rest / 2**30 + 0.5) % 1 - 0.5) / 4
    found = np.sqrt(-2 * np.log(u)) * np.exp(2j * np.pi * turns)
    return found.real, found.imag


def philox(key, position, stream=0):
    """Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
    SC 2011; key, position and stream are below 2**64. Returns four words of 32 bits.
    """
    words = [position & 0xFFFFFFFF, position >> 32, stream & 0xFFFFFFFF, stream >> 32]
    keys = [key & 0xFFFFFFFF, key >> 32]
    for _ in range(10):
        first, second = 0xD2511F53 * words[0], 0xCD9E8D57 * words[2]
        words = [
            (second >> 32) ^ words[1] ^ keys[0],
            second & 0xFFFFFFFF,
            (first >> 32) ^ words[3] ^ keys[1],
            first & 0xFFFFFFFF,
        ]
        keys = [
            (keys[0] + 0x9E3779B9) & 0xFFFFFFFF,
            (keys[1] + 0xBB67AE85) & 0xFFFFFFFF,
        ]
    return words


OPS = {
    "dropout": run_dropout,
    "gaussian_noise": run_gaussian_noise,
}


def noisy(tape, x):
    """Noise over the input, a value that is used twice, and noise over noise."""
    x = ops.gaussian_noise(tape, x, 0.3)
    h = dense(tape, x, "hidden", 11, "tanh")
    z = ops.gaussian_noise(tape, ops.gaussian_noise(tape, h, 0.2), 0.7)
    return dense(tape, ops.add(tape, z, h), "output", 2)


def dropped(tape, x):
    """Two masks, of which the second lies over a value that is used twice."""
    x = ops.dropout(tape, dense(tape, x, "first", 19, "tanh"), 0.5, scale=2)
    h = dense(tape, x, "second", 4, "tanh")
    return ops.add(tape, ops.dropout(tape, h, 0.25, 0.9, shift=0.3, value=-1.7), h)


CASES = {
    "dropout": lambda: by_hand(dropped),
    "dropout_rank_2": lambda: by_hand(dropped, (3, 5)),
    "dropout_first": lambda: lower(
        Sequential([Dropout(0.25), Dense(2)]), input_shape=(33,), loss=SquaredError()
    ),
    "alpha_dropout": lambda: lower(
        Sequential([Dense(21, "selu"), AlphaDropout(0.3), Dense(2)]),
        input_shape=(3, 5),
        loss=SquaredError(),
    ),
    "spatial_dropout": lambda: lower(
        Sequential(
            [
                *(Dense(5, "tanh"), SpatialDropout2D(0.4), Reshape((6, 5))),
                *(SpatialDropout1D(0.2), Dense(2)),
            ]
        ),
        input_shape=(2, 3, 4),
        loss=SquaredError(),
    ),
    "noise": lambda: by_hand(noisy),
    "noise_rank_2": lambda: by_hand(noisy, (3, 5)),
    "noise_last": lambda: lower(
        Sequential([Dense(7), GaussianNoise(0.5)]),
        input_shape=(5,),
        loss=SquaredError(),
    ),
}
