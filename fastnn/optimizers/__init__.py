"""Optimizers: what the user chooses, and the step table that the engine reads.

An optimizer here is a description: its constructor arguments and nothing else. The
arithmetic lives in the compiled row named by ``rule``; the running moments and the
number of steps taken belong to the training state. One object can therefore serve
several fits at once, and ``clone`` and grid search reach inside.
"""

from fastnn.optimizers.adam import Adam, AdamW, NAdam
from fastnn.optimizers.adaptive import Adadelta, Adagrad, RMSprop
from fastnn.optimizers.base import Optimizer
from fastnn.optimizers.drop_in import SklearnAdam, SklearnSGD
from fastnn.optimizers.lion import Lion
from fastnn.optimizers.sgd import SGD

# Optimizers with their default options, by name.
OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "adam": Adam,
    "adamw": AdamW,
    "nadam": NAdam,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "lion": Lion,
}


def optimizer_of_name(name: str) -> Optimizer:
    """The optimizer of a name, with its default options.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    if name not in OPTIMIZERS:
        raise ValueError(
            f"optimizer must be one of {sorted(OPTIMIZERS)} or an object of "
            f"fastnn.optimizers, got {name!r}."
        )
    return OPTIMIZERS[name]()


__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Lion",
    "NAdam",
    "Optimizer",
    "RMSprop",
    "SklearnAdam",
    "SklearnSGD",
]
