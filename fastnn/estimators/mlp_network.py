"""The layers that a multi-layer perceptron's parameters describe."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from fastnn.initializers import GlorotUniform
from fastnn.layers import Dense, Dropout, Layer
from fastnn.layers.activation import ACTIVATION_NAMES, activation_name
from fastnn.layers.kernel import MOST_UNITS
from fastnn.network import Sequential
from fastnn.regularizers import SklearnL2
from fastnn.utils.plain_numbers import Interval

# Shares of outputs that may be dropped.
SHARE = Interval(Real, 0, 1, closed="left")


def layers_of_parameters(
    hidden_layer_sizes: Any,
    activation: str | Sequence[str],
    dropout: float | Sequence[float],
    alpha: float,
    solver: Any,
    n_outputs: int,
) -> Sequential:
    """Dense layers and dropout, as scikit-learn initialises and penalises them.

    Parameters
    ----------
    hidden_layer_sizes, activation, dropout, alpha, solver
        Parameters of the estimator.
    n_outputs : int

    Raises
    ------
    ValueError
        If what one of them holds for a layer is not valid.
    """
    sizes = _hidden_sizes(hidden_layer_sizes)
    layers: list[Layer] = []
    activations = _activations(activation, len(sizes))
    rates = _rates(dropout, len(sizes), solver)
    for units, name, rate in zip(sizes, activations, rates, strict=True):
        layers.append(_dense(units, name, name, alpha))
        if rate:
            layers.append(Dropout(rate))
    # In scikit-learn the hidden activation sets the output layer's range as well.
    alone = activation if isinstance(activation, str) else "identity"
    last = activations[-1] if activations else alone
    return Sequential([*layers, _dense(n_outputs, "identity", last, alpha)])


def _dense(units: int, activation: str, initialized_for: str, alpha: float) -> Dense:
    # scikit-learn draws kernels and biases from one range, narrower for logistic.
    narrow = activation_name(initialized_for) == "logistic"
    glorot = GlorotUniform(2.0 if narrow else 6.0)
    return Dense(
        units,
        activation,
        kernel_initializer=glorot,
        bias_initializer=glorot,
        kernel_regularizer=SklearnL2(alpha),
    )


def _activations(activation: str | Sequence[str], n_hidden: int) -> list[str]:
    """Name of the activation of each hidden layer."""
    names = _one_per_layer("activation", activation, n_hidden)
    for position, name in enumerate(names):
        if name not in ACTIVATION_NAMES:
            raise ValueError(
                f"activation must hold names among {sorted(ACTIVATION_NAMES)}, got "
                f"{name!r} at position {position} of {activation!r}."
            )
    return names


def _rates(dropout: float | Sequence[float], n_hidden: int, solver: Any) -> list[float]:
    """Share of the outputs of each hidden layer that is dropped in training."""
    rates = _one_per_layer("dropout", dropout, n_hidden)
    for position, rate in enumerate(rates):
        if not SHARE.is_satisfied_by(rate):
            raise ValueError(
                f"dropout must hold numbers in [0, 1), got {rate!r} at position "
                f"{position} of {dropout!r}."
            )
    if solver == "lbfgs" and any(rates):
        raise ValueError(
            f"dropout={dropout!r} cannot be used with solver='lbfgs': its "
            "line search compares losses at different weights, and random masks "
            "would change them too. Set dropout=0.0, or solver to 'adam' or 'sgd'."
        )
    return [float(rate) for rate in rates]


def _hidden_sizes(sizes: Any) -> list[int]:
    if isinstance(sizes, Integral):
        sizes = [sizes]
    if np.ndim(sizes) == 0:
        raise ValueError(
            "hidden_layer_sizes must be an integer or hold one for each hidden "
            f"layer, got {sizes!r}."
        )
    for position, size in enumerate(sizes):
        if not isinstance(size, int | np.integer) or isinstance(size, bool):
            raise ValueError(
                "hidden_layer_sizes must hold one integer > 0 per hidden layer, "
                f"got {size!r} ({type(size).__name__}) at position {position}."
            )
        if size <= 0:
            raise ValueError(f"hidden_layer_sizes must be > 0, got {list(sizes)}.")
        if size > MOST_UNITS:
            raise ValueError(
                f"hidden_layer_sizes must be at most {MOST_UNITS}, got {size} at "
                f"position {position}."
            )
    return [int(size) for size in sizes]


def _one_per_layer(name: str, value: Any, n_hidden: int) -> list:
    """A parameter that is one value for all hidden layers, or one for each."""
    if not isinstance(value, list | tuple):
        return [value] * n_hidden
    if len(value) != n_hidden:
        raise ValueError(
            f"{name} must be one value or have as many as there are hidden layers: "
            f"got {len(value)} in {name}={value!r}, and hidden_layer_sizes asks for "
            f"{n_hidden}."
        )
    return list(value)
