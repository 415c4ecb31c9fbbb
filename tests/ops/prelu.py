"""Slopes that are learned."""

import numpy as np
from ops.elementwise import BROADCASTS
from walks import positions
from writers import by_hand, dense, parameter

from fastnn.layers import Dense, PReLU
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.plan import ops


def run_prelu(walk, op, dim, x, slope, *_):
    slope = slope[positions(dim, op["stride"])]
    return (np.where(x.reshape(dim) < 0, slope, 1) * x.reshape(dim),)


def run_prelu_gradient(walk, op, dim, dy, x, slope, *_):
    places = positions(dim, op["stride"]).ravel()
    dx = dy * np.where(x > 0, 1, slope[places])
    return dx, np.bincount(places, dy * np.minimum(x, 0))


OPS = {
    "prelu": run_prelu,
    "prelu_gradient": run_prelu_gradient,
}


def learned_slopes(tape, x):
    """A slope that is used twice, one for each column, and one that is not trained."""
    slope = parameter(tape, "slope", (1,))
    x = ops.prelu(tape, dense(tape, x, "first", 6), slope)
    x = ops.prelu(tape, dense(tape, x, "second", 6), slope)
    x = ops.prelu(tape, x, parameter(tape, "each", (6,)))
    return ops.prelu(tape, x, parameter(tape, "fixed", (6,), trainable=False))


def slopes_first(tape, x):
    """The slopes of the input, for which nobody wants the gradient of X."""
    return dense(tape, ops.prelu(tape, x, parameter(tape, "a", (5,))), "b", 2)


def slopes_of_each_sample(tape, x):
    """The slopes are a function of the sample."""
    slope = dense(tape, x, "slope", 1, "tanh")
    return ops.prelu(tape, dense(tape, x, "body", 4), slope)


def slopes_from(shape):
    def write(tape, x):
        y = ops.product(tape, x, parameter(tape, "kernel", (4, 4)))
        return ops.prelu(tape, y, parameter(tape, "slope", shape))

    return write


CASES = {
    "prelu": lambda: lower(
        Sequential([Dense(6), PReLU(), Dense(4), PReLU(shared=False), Dense(2)]),
        input_shape=(3, 5),
        loss=SquaredError(),
    ),
    "prelu_twice": lambda: by_hand(learned_slopes),
    "prelu_first": lambda: by_hand(slopes_first),
    "prelu_each_sample": lambda: by_hand(slopes_of_each_sample, (3, 5)),
    **{
        f"prelu_{'x'.join(map(str, shape)) or 'scalar'}": (
            lambda shape=shape: by_hand(slopes_from(shape), (2, 3, 4))
        )
        for shape in BROADCASTS
    },
}
