"""The kernel and the bias that layers have in common, and how their arguments look."""

from math import prod
from typing import Any

from sklearn.utils._param_validation import StrOptions

from fastnn.constraints import MaxNorm
from fastnn.initializers import (
    INITIALIZERS,
    GlorotUniform,
    Initializer,
    Zeros,
    as_initializer,
)
from fastnn.layers.activation import ACTIVATION_NAMES, activate
from fastnn.layers.base import Layer
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor
from fastnn.regularizers import REGULARIZERS, Regularizer

# What the integers of any BLAS hold.
MOST_UNITS = 2**31 - 1

INITIALIZER = [Initializer, StrOptions(set(INITIALIZERS)), "array-like", None]
REGULARIZER = [Regularizer, StrOptions(set(REGULARIZERS)), None]

KERNEL_CONSTRAINTS: dict = {
    "activation": [StrOptions(set(ACTIVATION_NAMES))],
    "use_bias": ["boolean"],
    "kernel_initializer": INITIALIZER,
    "bias_initializer": INITIALIZER,
    "kernel_regularizer": REGULARIZER,
    "bias_regularizer": REGULARIZER,
    **Layer._of_training,
}


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many numbers lead to one of the output, and the other way round.

    The last two axes are inputs and outputs, those before them the places that a window
    reads.
    """
    places = prod(shape[:-2])
    return places * shape[-2], places * shape[-1]


def kernel_of(
    layer: Any,
    tape: Tape,
    name: str,
    shape: tuple[int, ...],
    constraint: MaxNorm | None = None,
) -> Tensor:
    """The parameter that a layer multiplies by, as its arguments say."""
    fan_in, fan_out = fans(shape)
    return tape.parameter(
        f"{name}/kernel",
        shape,
        as_initializer(layer.kernel_initializer, GlorotUniform()),
        fan_in=fan_in,
        fan_out=fan_out,
        regularizer=layer.kernel_regularizer,
        constraint=constraint,
    )


def biased(
    layer: Any, tape: Tape, y: Tensor, name: str, shape: tuple[int, ...]
) -> Tensor:
    """Write ``activation(y + bias)`` for a layer whose kernel has this shape."""
    bias = bias_of(layer, tape, name, y.shape[-1:], shape) if layer.use_bias else None
    return activate(tape, y, bias, layer.activation)


def bias_of(
    layer: Any,
    tape: Tape,
    name: str,
    shape: tuple[int, ...],
    kernel_shape: tuple[int, ...],
    initializer: Initializer | None = None,
) -> Tensor:
    """The parameter that a layer adds, as its arguments and an initializer say."""
    fan_in, fan_out = fans(kernel_shape)
    return tape.parameter(
        f"{name}/bias",
        shape,
        initializer or as_initializer(layer.bias_initializer, Zeros()),
        fan_in=fan_in,
        fan_out=fan_out,
        regularizer=layer.bias_regularizer,
        weight_decay=0.0,
    )
