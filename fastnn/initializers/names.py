"""What stands for an initializer: a name, or the values themselves."""

from numpy.typing import ArrayLike

from fastnn.initializers.base import Initializer
from fastnn.initializers.drawn import (
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
)
from fastnn.initializers.fixed import FromArray, Sinusoidal, Zeros
from fastnn.initializers.scaled import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
)

# What stands for an initializer with its default options.
INITIALIZERS: dict[str, type[Initializer]] = {
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LecunUniform,
    "lecun_normal": LecunNormal,
    "orthogonal": Orthogonal,
    "normal": RandomNormal,
    "uniform": RandomUniform,
    "truncated_normal": TruncatedNormal,
    "sinusoidal": Sinusoidal,
    "zeros": Zeros,
}


def as_initializer(
    value: Initializer | str | ArrayLike | None, default: Initializer
) -> Initializer:
    """The initializer that a parameter of a layer stands for, checked.

    Parameters
    ----------
    value : Initializer, str, array-like or None
        A name is one of ``INITIALIZERS``; an array holds the values.
    default : Initializer
        What None stands for.

    Returns
    -------
    initializer : Initializer
    """
    if value is None:
        return default
    if isinstance(value, str):
        if value not in INITIALIZERS:
            raise ValueError(
                f"an initializer must be one of {sorted(INITIALIZERS)}, an object of "
                f"fastnn.initializers or an array, got {value!r}."
            )
        return INITIALIZERS[value]()
    chosen = value if isinstance(value, Initializer) else FromArray(value)
    chosen._validate_params()
    return chosen
