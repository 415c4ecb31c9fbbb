"""Learning-rate schedules: pure functions of how far training has come.

A schedule holds its constructor arguments only. The current learning rate and the
counts of steps and samples belong to the training state, which asks the schedule at
three moments: before every epoch, for a factor for each of its steps; after it; and
when the loss or the validation score has stopped improving.
"""

from fastnn.schedules.base import LambdaSchedule, Schedule, as_schedule
from fastnn.schedules.by_epoch import Constant, InverseScaling, ReduceOnPlateau
from fastnn.schedules.by_step import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    LinearWarmup,
    OneCycle,
    StepDecay,
)

__all__ = [
    "Constant",
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseScaling",
    "LambdaSchedule",
    "LinearWarmup",
    "OneCycle",
    "ReduceOnPlateau",
    "Schedule",
    "StepDecay",
    "as_schedule",
]
