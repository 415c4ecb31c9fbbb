"""What layers of several kinds are told, at random: names, rates, regularizers."""

from typing import Any

import numpy as np
from numpy.random import Generator

from fastnn import constraints, initializers, regularizers
from fastnn.initializers import INITIALIZERS
from fastnn.layers.activation import ACTIVATION_NAMES
from fuzz.drawing import count, pick

ACTIVATIONS = sorted(ACTIVATION_NAMES)


def activation(rng: Generator) -> str:
    return pick(rng, ACTIVATIONS)


def rate(rng: Generator) -> Any:
    return pick(rng, (0.0, 0.1, 0.5, 0.9, 0.999, np.float32(0.25)))


def learning_rate(rng: Generator) -> float:
    return pick(rng, (1e-3, 1e-2, 1e-2, 0.1, 1.0, 1e-8, 1e3, 1e-30, 1e30))


# ---------------------------------------------------------------------------- weights


def initializer(rng: Generator, shape: tuple[int, ...] | None = None) -> Any:
    kind = count(rng, 0, 9)
    if kind == 0:
        return initializers.Constant(pick(rng, (0.0, 1.0, -3.5, 1e30, 1e-40)))
    if kind == 1:
        return initializers.TruncatedNormal(0.1, pick(rng, (1e-3, 1.0)))
    if kind == 2:
        return initializers.Orthogonal(pick(rng, (1.0, 0.1, 2.0)))
    if kind == 3 and shape is not None:
        values = rng.standard_normal(shape).astype(pick(rng, ("f4", "f8", ">f4", "O")))
        return pick(rng, (values, initializers.FromArray(values), values.tolist()))
    if kind < 7:
        return pick(rng, sorted(INITIALIZERS))
    return None


def regularizer(rng: Generator) -> Any:
    strength = pick(rng, (0.0, 1e-3, 0.1, 10.0))
    return pick(
        rng,
        (
            *(None, "l1", "l2", "l1_l2", regularizers.L1(strength)),
            *(regularizers.L2(strength), regularizers.L1L2(strength, 0.1)),
            regularizers.SklearnL2(strength),
        ),
    )


def constraint(rng: Generator) -> Any:
    return constraints.MaxNorm(pick(rng, (2.0, 0.1, 1e-3, 100.0)))


# ----------------------------------------------------------------------------- layers
