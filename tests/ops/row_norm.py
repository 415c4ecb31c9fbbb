"""Layer and RMS normalisation, of each row."""

import numpy as np
from writers import by_hand, dense, parameter

from fastnn.layers import Activation, Dense, LayerNorm, RMSNorm
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.plan import ops, tables
from fastnn.plan.tables import ROW_NORMS


def run_row_norm(walk, op, dim, x, scale, offset, *_):
    x = x.reshape(dim[2:])
    if op["code"] == tables.ROW_NORMS["layer_norm"]:
        x = x - x.mean(axis=1, keepdims=True)
    root = np.sqrt(np.mean(x**2, axis=1, keepdims=True) + op["scalar"][0])
    h = x / root
    y = h * (1 if scale is None else scale) + (0 if offset is None else offset)
    return y, np.hstack([h, root])


def run_row_norm_gradient(walk, op, dim, dy, x, scale, saved, *_):
    """dx is ``(g - mean(g) - h mean(g h)) / root``, means over rows, and the first one
    for those that lost theirs."""
    dy = dy.reshape(dim[2:])
    h, root = np.split(saved.reshape(dim[2], -1), [dim[3]], axis=1)
    g = dy * (1 if scale is None else scale)
    dx = g - h * np.mean(g * h, axis=1, keepdims=True)
    if op["code"] == tables.ROW_NORMS["layer_norm"]:
        dx -= g.mean(axis=1, keepdims=True)
    return dx / root, np.sum(dy * h, axis=0), dy.sum(axis=0)


OPS = {
    "row_norm": run_row_norm,
    "row_norm_gradient": run_row_norm_gradient,
}


def normed(kind, trainable=(True, True)):
    """Rows of 21 and of 4, with scales and offsets that are used twice in turn."""

    def write(tape, x):
        x = ops.row_norm(tape, kind, dense(tape, x, "wide", 21), epsilon=0.1)
        scale, offset, other = (
            parameter(tape, name, (4,), trainable=trained)
            for name, trained in zip("abc", (*trainable, True), strict=True)
        )
        h = dense(tape, x, "narrow", 4, "tanh")
        y = ops.row_norm(tape, kind, h, scale, other, epsilon=0.1)
        y = ops.row_norm(tape, kind, ops.add(tape, h, y), scale, offset, epsilon=0.2)
        return ops.row_norm(tape, kind, y, None, offset, epsilon=0.3)

    return write


def normed_first(tape, x):
    """Rows of X, of which nobody wants the gradient, and below what is not trained."""
    scale, offset = (parameter(tape, name, (5,)) for name in "ab")
    x = ops.row_norm(tape, "layer_norm", x, scale, offset, epsilon=1e-5)
    fixed = parameter(tape, "fixed", (5,), trainable=False)
    x = ops.row_norm(tape, "rms_norm", x, fixed, epsilon=1e-5)
    return dense(tape, x, "output", 2)


def normed_above_frozen(tape, x):
    """What lies below the scale is not trained."""
    x = dense(tape, x, "below", 7, trainable=False)
    x = ops.row_norm(tape, "rms_norm", x, parameter(tape, "a", (7,)), epsilon=1e-5)
    return dense(tape, x, "output", 2)


CASES = {
    **{
        f"{kind}{name}": lambda kind=kind, shape=shape: by_hand(normed(kind), shape)
        for kind in ROW_NORMS
        for name, shape in (("", (5,)), ("_rank_2", (3, 5)))
    },
    **{
        f"layer_norm_{name}_fixed": (
            lambda trainable=trainable: by_hand(normed("layer_norm", trainable))
        )
        for name, trainable in (("scale", (False, True)), ("offset", (True, False)))
    },
    "norm_first": lambda: by_hand(normed_first),
    "norm_first_rank_2": lambda: by_hand(normed_first, (3, 5)),
    "norm_above_frozen": lambda: by_hand(normed_above_frozen),
    "norm_layers": lambda: lower(
        Sequential(
            [
                *(Dense(33), LayerNorm(), Activation("tanh")),
                *(Dense(16), RMSNorm(), Activation("tanh")),
                *(Dense(3), LayerNorm(1e-3, affine=False), RMSNorm(0.1, affine=False)),
            ]
        ),
        input_shape=(2, 5),
        loss=SquaredError(),
    ),
}
