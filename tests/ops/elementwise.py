"""Sums along any axes and the activations of them, with their adjoints."""

import numpy as np
from scipy import special
from walks import positions
from writers import by_hand, dense, parameter

from fastnn.layers import ELU, Activation, Dense, LeakyReLU
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.plan import ops, tables


def logistic(x):
    """``1 / (1 + exp(-x))``, without the overflow of that form."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def gaussian(x):
    """The density of the normal distribution."""
    return np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


def gelu_argument(x):
    """Hendrycks and Gimpel, 2016, section 2, where tanh(u) = 2 logistic(2u) - 1."""
    return 2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)


def softplus(x):
    return np.logaddexp(0, x)


def expm1_below(x):
    """``exp(x) - 1`` of the negative x; 0 of the others."""
    return np.expm1(np.minimum(x, 0))


SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170430


# name: value of the input x, derivative with respect to x in terms of what the row
# reads: the output y, or the input x where tables.ACTIVATION_READS says so. The second
# argument is the function's own option.
ACTIVATIONS = {
    "identity": (lambda x, _=0: x, lambda y, _=0: np.ones_like(y)),
    "relu": (lambda x, _=0: np.maximum(x, 0), lambda y, _=0: (y > 0).astype(float)),
    "logistic": (lambda x, _=0: logistic(x), lambda y, _=0: y * (1 - y)),
    "tanh": (lambda x, _=0: np.tanh(x), lambda y, _=0: 1 - y**2),
    "exponential": (lambda x, _=0: np.exp(x), lambda y, _=0: y),
    "leaky_relu": (
        lambda x, slope=0.01: np.where(x < 0, slope * x, x),
        lambda y, slope=0.01: np.where(y > 0, 1, slope),
    ),
    "elu": (
        lambda x, alpha=1.0: np.maximum(x, 0) + alpha * expm1_below(x),
        lambda y, alpha=1.0: np.where(y > 0, 1, y + alpha),
    ),
    "selu": (
        lambda x, _=0: SELU_SCALE * (np.maximum(x, 0) + SELU_ALPHA * expm1_below(x)),
        lambda y, _=0: np.where(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA),
    ),
    "gelu": (
        lambda x, _=0: x * special.ndtr(x),
        lambda x, _=0: special.ndtr(x) + x * gaussian(x),
    ),
    "gelu_tanh": (
        lambda x, _=0: x * logistic(gelu_argument(x)),
        lambda x, _=0: (
            logistic(gelu_argument(x))
            + x
            * logistic(gelu_argument(x))
            * logistic(-gelu_argument(x))
            * 2
            * np.sqrt(2 / np.pi)
            * (1 + 3 * 0.044715 * x**2)
        ),
    ),
    "silu": (
        lambda x, _=0: x * logistic(x),
        lambda x, _=0: logistic(x) + x * logistic(x) * logistic(-x),
    ),
    "mish": (
        lambda x, _=0: x * np.tanh(softplus(x)),
        lambda x, _=0: (
            np.tanh(softplus(x)) + x * logistic(x) / np.cosh(softplus(x)) ** 2
        ),
    ),
    "softplus": (lambda x, _=0: softplus(x), lambda y, _=0: -np.expm1(-y)),
    "softsign": (lambda x, _=0: x / (1 + abs(x)), lambda y, _=0: (1 - abs(y)) ** 2),
    "hard_sigmoid": (
        lambda x, _=0: np.clip((x + 3) / 6, 0, 1),
        lambda y, _=0: ((y > 0) & (y < 1)) / 6,
    ),
    "hard_swish": (
        lambda x, _=0: x * np.clip((x + 3) / 6, 0, 1),
        lambda x, _=0: np.where(x < -3, 0, np.where(x > 3, 1, (2 * x + 3) / 6)),
    ),
}


def add(a, b, activation="identity", *option):
    """``activation(a + b)``, b broadcast to the shape of a."""
    return ACTIVATIONS[activation][0](a + b, *option)


def slope(x, activation, *option):
    """The derivative of an activation at x."""
    value, slope_of = ACTIVATIONS[activation]
    reads_input = tables.ACTIVATION_READS[activation] == "input"
    return slope_of(x if reads_input else value(x, *option), *option)


def add_adjoint(dy, a, b, activation):
    """Gradients of a and b: b's is summed over the axes that it was broadcast over."""
    da = dy * slope(a + b, activation)
    padded = (1,) * (da.ndim - b.ndim) + b.shape
    axes = tuple(i for i, n in enumerate(padded) if n == 1)
    return da, da.sum(axis=axes, keepdims=True).reshape(b.shape)


def run_add(walk, op, dim, a, b, *_):
    places = walk.numbers_at(op["input"][1], positions(dim, op["stride"]))
    b = 0 if b is None else b[places]
    name, option = tables.ACTIVATIONS[op["code"]], op["scalar"][0]
    return (add(a.reshape(dim), b, name, option),)


def run_add_gradient(walk, op, dim, dy, saved, *_):
    slope_of = ACTIVATIONS[tables.ACTIVATIONS[op["code"]]][1]
    da = dy if saved is None else dy * slope_of(saved, op["scalar"][0])
    places = walk.numbers_at(op["output"][1], positions(dim, op["stride"]))
    return da, np.bincount(places.ravel(), da)


OPS = {
    "add": run_add,
    "add_gradient": run_add_gradient,
}


def residual(tape, x):
    """The input itself is added, and one value for each position is broadcast."""
    y = ops.add(tape, dense(tape, x, "body", x.shape[-1], "relu"), x)
    gate = dense(tape, y, "gate", 1, "logistic")
    return ops.add(tape, y, gate, "tanh")


def broadcast_from(shape):
    def write(tape, x):
        kernel = parameter(tape, "kernel", (4, 4))
        y = ops.add(
            tape, ops.product(tape, x, kernel), parameter(tape, "b", shape), "tanh"
        )
        # A second use: the sums over the broadcast axes add up.
        return ops.add(tape, y, parameter(tape, "c", shape), "logistic")

    return write


BROADCASTS = [
    (4,),
    (3, 1),
    (1, 4),
    (3, 4),
    (2, 1, 1),
    (2, 1, 4),
    (1, 3, 1),
    (2, 3, 4),
    (1,),
    (),
]

CASES = {
    "residual": lambda: by_hand(residual),
    "residual_rank_3": lambda: by_hand(residual, (2, 3, 4)),
    "activation_layers": lambda: lower(
        Sequential(
            [
                Activation("silu"),
                Dense(6, "softmax"),
                *(Dense(5), LeakyReLU(0.3)),
                *(Dense(4), ELU(0.7)),
                *(Dense(4, "swish"), Activation("softmax")),
                Dense(2),
            ]
        ),
        input_shape=(5,),
        loss=SquaredError(),
    ),
    **{
        f"broadcast_{'x'.join(map(str, shape)) or 'scalar'}": (
            lambda shape=shape: by_hand(broadcast_from(shape), (2, 3, 4))
        )
        for shape in BROADCASTS
    },
}
