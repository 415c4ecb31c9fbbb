"""Losses: what training minimises, computed from the raw outputs of a network.

Each loss merges the link, the function that turns raw outputs into predictions, into
its formula: the logarithm of a probability is exact where the probability itself would
round to 0 or 1.
"""

from fastnn.losses.base import ElementwiseLoss, Loss
from fastnn.losses.binary import BinaryFocal, Hinge, LogLoss, SquaredHinge
from fastnn.losses.categorical import (
    CrossEntropies,
    CrossEntropy,
    Focal,
    KLDivergence,
    MultiMargin,
    SoftCrossEntropy,
)
from fastnn.losses.custom import CustomLoss
from fastnn.losses.regression import (
    AbsoluteError,
    CosineSimilarity,
    Gamma,
    Huber,
    LogCosh,
    Poisson,
    Quantile,
    SquaredError,
    Tweedie,
)

__all__ = [
    "AbsoluteError",
    "BinaryFocal",
    "CosineSimilarity",
    "CrossEntropies",
    "CrossEntropy",
    "CustomLoss",
    "ElementwiseLoss",
    "Focal",
    "Gamma",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "LogLoss",
    "Loss",
    "MultiMargin",
    "Poisson",
    "Quantile",
    "SoftCrossEntropy",
    "SquaredError",
    "SquaredHinge",
    "Tweedie",
]
