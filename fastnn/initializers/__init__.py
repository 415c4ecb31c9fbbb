"""Initial values of the parameters."""

from fastnn.initializers.base import Initializer
from fastnn.initializers.drawn import (
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
)
from fastnn.initializers.fixed import Constant, FromArray, Sinusoidal, Zeros
from fastnn.initializers.names import INITIALIZERS, as_initializer
from fastnn.initializers.scaled import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
)

__all__ = [
    "INITIALIZERS",
    "Constant",
    "FromArray",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "Sinusoidal",
    "TruncatedNormal",
    "Zeros",
    "as_initializer",
]
