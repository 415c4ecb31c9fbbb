"""The state of training: what one call leaves to the next."""

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fastnn.optimizers import Optimizer


@dataclass
class OptimizerState:
    """What an optimizer remembers from step to step.

    Parameters
    ----------
    rule : str
        The update rule that wrote ``slots``.
    slots : ndarray of shape (n_slots, n_parameters)
        Running moments, of the dtype of the parameters.
    initial_learning_rate, learning_rate : float
        Learning rate at the first step and now.
    step : int, default=0
        Number of steps taken.
    """

    rule: str
    slots: NDArray
    initial_learning_rate: float
    learning_rate: float
    step: int = 0

    @classmethod
    def start(cls, optimizer: Optimizer, parameters: NDArray) -> "OptimizerState":
        """State before the first step: moments of zero."""
        optimizer.check()
        slots = np.zeros((optimizer.n_slots, parameters.size), parameters.dtype)
        return cls(
            optimizer.rule, slots, optimizer.learning_rate, optimizer.learning_rate
        )

    def resume(self, optimizer: Optimizer, parameters: NDArray) -> "OptimizerState":
        """Copy to go on with, which follows a change of the optimizer's options.

        Another rule or another dtype starts afresh; another learning rate is scaled
        by what the schedule has made of the old one.
        """
        optimizer.check()
        if self.rule != optimizer.rule or self.slots.dtype != parameters.dtype:
            return OptimizerState.start(optimizer, parameters)
        change = optimizer.learning_rate / self.initial_learning_rate
        return replace(
            self,
            slots=np.array(self.slots),
            initial_learning_rate=optimizer.learning_rate,
            learning_rate=self.learning_rate * change,
        )


@dataclass
class TrainingState:
    """Everything that a later call needs to train on as if it had never paused.

    Parameters
    ----------
    optimizer : OptimizerState
    random_state : RandomState
        Source of the orders of the epochs and of the seeds of random masks.
    n_samples_seen : int, default=0
        Number of training samples seen, repetitions included.
    n_stalled_epochs : int, default=0
        Number of consecutive epochs without an improvement of at least ``tol``.
    loss : float, default=nan
        Loss of the last finite epoch.
    loss_curve : list of float
        One value per epoch.
    validation_loss_curve, validation_scores : list of float
        One value per epoch that was validated.
    best_loss, best_validation_score : float
        Lowest and highest value so far.
    precision : str, default="float32"
        :attr:`fastnn.engine.Engine.precision` of the last call.
    """

    optimizer: OptimizerState
    random_state: np.random.RandomState
    n_samples_seen: int = 0
    n_stalled_epochs: int = 0
    loss: float = math.nan
    loss_curve: list[float] = field(default_factory=list)
    best_loss: float = math.inf
    validation_loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    best_validation_score: float = -math.inf
    precision: str = "float32"

    def resume(
        self, optimizer: OptimizerState, random_state: np.random.RandomState
    ) -> "TrainingState":
        """Copy to go on with, under another optimizer state and source of seeds."""
        return replace(
            self,
            optimizer=optimizer,
            random_state=random_state,
            loss_curve=list(self.loss_curve),
            validation_loss_curve=list(self.validation_loss_curve),
            validation_scores=list(self.validation_scores),
        )
