"""Sums, products and maxima of two values, scaling, and values in other shapes."""

import numpy as np
from walks import positions
from writers import by_hand, dense, parameter

from fastnn.layers import (
    Add,
    Average,
    Dense,
    Flatten,
    Maximum,
    Multiply,
    Rescaling,
    Reshape,
)
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.plan import ops

# name: value of a and b, derivative with respect to a. The place is the code.
MERGES = {
    "sum": (np.add, lambda a, b: 1),
    "product": (np.multiply, lambda a, b: b),
    "maximum": (np.maximum, lambda a, b: np.heaviside(a - b, 0.5)),
}


def run_merge(walk, op, dim, a, b, *_):
    value, _ = list(MERGES.values())[op["code"]]
    at_a, at_b = places(walk, op, dim)
    return (value(a[at_a], b[at_b]),)


def run_merge_gradient(walk, op, dim, dy, a, b, *_):
    _, slope = list(MERGES.values())[op["code"]]
    at_a, at_b = places(walk, op, dim)
    a, b = (None, None) if a is None else (a[at_a], b[at_b])
    return (
        np.bincount(at_a, dy * slope(a, b)),
        np.bincount(at_b, dy * slope(b, a)),
    )


def places(walk, op, dim):
    """Where both operands are read, for each number of the result."""
    rank, *rest = walk.params[op["params"] :].tolist()
    lengths, *strides = np.reshape(rest[: 3 * rank], (3, rank)).tolist()
    lengths[0] *= dim[2]  # samples
    return [positions(lengths, stride).ravel() for stride in strides]


def run_scale(walk, op, dim, x, *_):
    return (op["scalar"][0] * x + op["scalar"][1],)


OPS = {
    "merge": run_merge,
    "merge_gradient": run_merge_gradient,
    "scale": run_scale,
}

KINDS = {"sum": ops.broadcast_add, "product": ops.multiply, "maximum": ops.maximum}

# Shapes of two values of samples, as the two are merged.
MERGED = [
    ((2, 3, 4), (2, 3, 4)),
    ((2, 3, 4), (4,)),
    ((3, 1), (2, 3, 4)),
    ((2, 3, 1), (2, 1, 4)),
    ((1, 3, 1), (2, 1, 4)),
    ((1, 1, 1), (2, 3, 4)),
]


def of_shape(tape, x, name, shape):
    """A function of samples of shape (2, 3, 4), of another shape."""
    h = dense(tape, x, name, 4, "tanh")
    padded = (1,) * (3 - len(shape)) + shape
    axes = [i for i, n in enumerate(padded) if n == 1 and x.shape[i] > 1]
    if axes:
        h = ops.reduce(tape, "sum", h, axes, keepdims=True)
    return ops.reshape(tape, h, shape)


def merging(kind, shapes):
    def write(tape, x):
        a, b = (of_shape(tape, x, str(i), shape) for i, shape in enumerate(shapes))
        return dense(tape, KINDS[kind](tape, a, b), "output", 2)

    return write


def merging_parameters(kind):
    """Parameters that are used twice, in either place, and one that is not trained."""

    def write(tape, x):
        merge = KINDS[kind]
        row, column = (parameter(tape, str(s), s) for s in ((4,), (3, 1)))
        number = parameter(tape, "number", ())
        y = dense(tape, merge(tape, dense(tape, x, "first", 4), number), "second", 4)
        y = merge(tape, row, merge(tape, column, merge(tape, y, row)))
        fixed = parameter(tape, "fixed", (2, 1, 4), trainable=False)
        return merge(tape, merge(tape, y, fixed), column)

    return write


def merged_with_themselves(tape, x):
    """The same value twice, and values that are used again."""
    h = dense(tape, x, "first", 5, "tanh")
    square = ops.multiply(tape, h, h)
    larger = ops.maximum(tape, square, square)
    mixed = ops.multiply(tape, ops.broadcast_add(tape, h, h), larger)
    return dense(tape, ops.maximum(tape, mixed, h), "last", 2)


def merged_with_the_input(tape, x):
    """The input, which has no gradient, in both places."""
    h = ops.multiply(tape, x, dense(tape, x, "gate", 1, "logistic"))
    return ops.maximum(tape, dense(tape, h, "last", 5), x)


def scaled(tape, x):
    """Of the input, of a value that dies there and of one that does not."""
    h = dense(tape, ops.scale(tape, x, 0.5, -0.25), "first", 4, "tanh")
    y = ops.add(tape, ops.scale(tape, h, -3.0), h)
    return ops.scale(tape, dense(tape, y, "last", 2), 2.0, 0.75)


def reshaped(tape, x):
    """Values in several shapes at once, whose gradients add up; the input is one."""
    rows = dense(tape, ops.reshape(tape, x, (3, 4)), "rows", 6, "tanh")
    flat = dense(tape, ops.reshape(tape, rows, (18,)), "flat", 18, "relu")
    columns = ops.reshape(tape, rows, (6, 3))
    y = ops.add(tape, ops.reshape(tape, flat, (6, 3)), columns)
    gate = ops.reshape(tape, dense(tape, y, "gate", 1, "logistic"), (1, 6))
    y = ops.multiply(tape, ops.reshape(tape, y, (3, 6)), gate)
    return ops.reshape(tape, dense(tape, y, "output", 1), (3,))


def merge_layers(tape, x):
    """Each of them, of three inputs, which broadcast along each other."""
    inputs = [
        Dense(4, "tanh").lower(tape, x, "body"),
        Dense(1, "relu").lower(tape, x, "gate"),
        ops.reduce(tape, "max", Dense(4).lower(tape, x, "row"), (0,)),
    ]
    merged = [Add(), Multiply(), Average(), Maximum()]
    merged = [layer.lower(tape, inputs, str(layer)) for layer in merged]
    return Dense(2).lower(tape, Add().lower(tape, merged, "sum"), "last")


def reshape_layers():
    layers = [
        *(Rescaling(0.5, -0.1), Reshape((-1, 4)), Dense(5, "tanh"), Rescaling(-2.0)),
        *(Flatten(), Dense(6, "relu"), Reshape([2, 3]), Dense(2)),
    ]
    return lower(Sequential(layers), input_shape=(12,), loss=SquaredError())


CASES = {
    "merge_layers": lambda: by_hand(merge_layers, (3, 5)),
    "reshape_layers": reshape_layers,
    **{
        f"{kind}_of_{a}_and_{b}": (
            lambda kind=kind, shapes=(a, b): by_hand(merging(kind, shapes), (2, 3, 4))
        )
        for a, b in MERGED
        for kind in MERGES
    },
    **{
        f"{kind}_of_parameters": (
            lambda kind=kind: by_hand(merging_parameters(kind), (2, 3, 4))
        )
        for kind in MERGES
    },
    "merged_with_themselves": lambda: by_hand(merged_with_themselves),
    "merged_with_the_input": lambda: by_hand(merged_with_the_input, (3, 5)),
    "scaled": lambda: by_hand(scaled, (3, 5)),
    "reshaped": lambda: by_hand(reshaped, (12,)),
}
