"""Callbacks: what happens after each epoch of a fit, beside the training itself.

An estimator takes them as ``callbacks=[...]``. They see the fit as a :class:`Run`,
may end it, and are called in the order of the list.
"""

from fastnn.callbacks.base import Callback, Run
from fastnn.callbacks.csv_logger import CSVLogger
from fastnn.callbacks.early_stopping import EarlyStopping
from fastnn.callbacks.learning_rate_finder import (
    LearningRateDisplay,
    LearningRateFinder,
)
from fastnn.callbacks.model_checkpoint import ModelCheckpoint
from fastnn.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "LearningRateDisplay",
    "LearningRateFinder",
    "ModelCheckpoint",
    "Run",
    "TerminateOnNaN",
]
