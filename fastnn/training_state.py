"""The state of training: what one call leaves to the next."""

import copy
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from fastnn._core.shuffle import copy_source
from fastnn.history import History
from fastnn.mirrored import MirroredArray
from fastnn.optimizers import Optimizer


@dataclass
class OptimizerState:
    """What an optimizer remembers from step to step.

    Parameters
    ----------
    rule : str
        The update rule that wrote ``slots``.
    slots : MirroredArray of shape (n_slots, n_parameters)
        Running moments, of the dtype of the parameters.
    initial_learning_rate, learning_rate : float
        Learning rate at the first step and now.
    step : int, default=0
        Number of steps taken.
    """

    rule: str
    slots: MirroredArray
    initial_learning_rate: float
    learning_rate: float
    step: int = 0

    @classmethod
    def start(cls, optimizer: Optimizer, parameters: MirroredArray) -> "OptimizerState":
        """State before the first step: moments of zero."""
        optimizer.check()
        slots = np.zeros((optimizer.n_slots, parameters.size), parameters.dtype)
        return cls(
            optimizer.rule,
            MirroredArray(slots),
            optimizer.learning_rate,
            optimizer.learning_rate,
        )

    def resume(
        self, optimizer: Optimizer, parameters: MirroredArray
    ) -> "OptimizerState":
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
            slots=self.slots.copy(),
            initial_learning_rate=optimizer.learning_rate,
            learning_rate=self.learning_rate * change,
        )


@dataclass
class RunningAverage:
    """Average of the weights along the way.

    Parameters
    ----------
    values : MirroredArray of shape (n_parameters,)
        Of no meaning before it has started.
    started : bool, default=False
        Whether weights have been averaged.
    """

    values: MirroredArray
    started: bool = False


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
    precision : str, default="float32"
        :attr:`fastnn.engine.Engine.precision` of the last call.
    history : History
        What was measured of each epoch.
    spare : RandomState or None, default=None
        An object that the next call may make a copy of ``random_state`` of.
    """

    optimizer: OptimizerState
    random_state: np.random.RandomState
    n_samples_seen: int = 0
    precision: str = "float32"
    history: History = field(default_factory=History)
    spare: np.random.RandomState | None = None

    def resume(
        self, optimizer: OptimizerState, random_state: np.random.RandomState
    ) -> Self:
        """Copy to go on with, under another optimizer state and source of seeds."""
        return replace(
            self,
            optimizer=optimizer,
            random_state=random_state,
            history=self.history.copy(),
            spare=None,
        )

    def continued(self, optimizer: OptimizerState) -> Self:
        """Copy to go on with, which draws what this one would, from its own source.

        The two take turns with two objects: making one takes longer than a small step.
        """
        other = self.spare
        if other is None or not copy_source(self.random_state, other):
            other = copy.deepcopy(self.random_state)
        resumed = self.resume(optimizer, other)
        resumed.spare = self.random_state
        return resumed

    def fork(self, optimizer: Optimizer, parameters: MirroredArray) -> Self:
        """Copy that shares nothing which training changes."""
        return self.resume(
            self.optimizer.resume(optimizer, parameters),
            copy.deepcopy(self.random_state),
        )
