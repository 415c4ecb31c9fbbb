"""The softmax of each row."""

import numpy as np
from scipy.special import softmax
from walks import head
from writers import by_hand, dense, stack

from fastnn.plan import ops


def softmax_adjoint(dy, y):
    """The Jacobian of the softmax is ``diag(y) - y y^T``, for each row."""
    return np.array(
        [(np.diag(p) - np.outer(p, p)) @ d for p, d in zip(y, dy, strict=True)]
    ).reshape(y.shape)


def run_softmax(walk, op, dim, z, *_):
    y = walk.read(op["output"][0]).copy()
    head(op, dim, y)[:] = softmax(head(op, dim, z), axis=1)
    return (y,)


def run_softmax_gradient(walk, op, dim, dy, y, *_):
    return (softmax_adjoint(dy.reshape(dim[2:]), y.reshape(dim[2:])),)


OPS = {
    "softmax": run_softmax,
    "softmax_gradient": run_softmax_gradient,
}


def softmax_inside(tape, x):
    """A softmax feeds a product and, once more, the output."""
    p = ops.softmax(tape, dense(tape, x, "scores", 4))
    return ops.add(tape, dense(tape, p, "output", 4), p)


CASES = {
    "softmax_inside": lambda: by_hand(softmax_inside),
    "softmax_rank_2": lambda: by_hand(softmax_inside, (3, 5), "cross_entropy"),
    "softmax_layer_rank_2": lambda: stack([4, 2], "softmax", input_shape=(3, 5)),
}
