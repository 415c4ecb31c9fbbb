"""The state of training: what one call leaves to the next."""

import copy
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from fastnn.engine.cpu.shuffle import copy_source
from fastnn.engine.mirrored import MirroredArray
from fastnn.optimizers import Optimizer
from fastnn.plan.layout import Move
from fastnn.plan.tables import OPTIMIZER_SLOTS
from fastnn.training.history import History
from fastnn.utils.cache_lines import aligned_zeros
from fastnn.utils.plain import PlainState
from fastnn.utils.plain_numbers import check_held


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
        check_held(optimizer, parameters.dtype)
        slots = aligned_zeros((optimizer.n_slots, parameters.size), parameters.dtype)
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
        by what the schedule has made of the old one. Whoever calls it has checked the
        optimizer: that would take longer than a small step.
        """
        if self.rule != optimizer.rule or self.slots.dtype != parameters.dtype:
            return OptimizerState.start(optimizer, parameters)
        check_held(optimizer, parameters.dtype)
        change = optimizer.learning_rate / self.initial_learning_rate
        return replace(
            self,
            slots=self.slots.copy(),
            initial_learning_rate=optimizer.learning_rate,
            learning_rate=self.learning_rate * change,
        )

    def to_plain(self) -> dict[str, Any]:
        """What is saved of it."""
        return {**vars(self), "slots": self.slots.saved()}

    @classmethod
    def from_plain(cls, state: Any, n_parameters: int) -> "OptimizerState":
        """The same from what was saved; ValueError if that is damaged."""
        saved = PlainState("the state of the optimizer", state)
        rule = saved.get("rule", str)
        if rule not in OPTIMIZER_SLOTS:
            raise saved.damaged("rule", f"one of {sorted(OPTIMIZER_SLOTS)}", repr(rule))
        slots = saved.array("slots", (OPTIMIZER_SLOTS[rule], n_parameters))
        return cls(
            rule,
            MirroredArray(slots),
            saved.finite("initial_learning_rate", above_0=True),
            saved.finite("learning_rate"),
            saved.count("step"),
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

    def to_plain(self) -> dict[str, Any]:
        """What is saved of it."""
        return {"values": self.values.saved(), "started": self.started}

    @classmethod
    def from_plain(cls, state: Any, n_parameters: int) -> "RunningAverage":
        """The same from what was saved; ValueError if that is damaged."""
        saved = PlainState("the average of the weights", state)
        values = MirroredArray(saved.array("values", (n_parameters,)))
        return cls(values, bool(saved.get("started", bool, np.bool_)))


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
        :attr:`fastnn.engine.engine.Engine.precision` of the last call.
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

    def moved(self, move: Move | None) -> Self:
        """The same for a network whose parameters lie elsewhere; see ``Layout``."""
        if move is None:
            return self
        slots = MirroredArray(move(self.optimizer.slots.saved()))
        return replace(self, optimizer=replace(self.optimizer, slots=slots))

    def to_plain(self) -> dict[str, Any]:
        """What is saved of it."""
        state = {
            **vars(self),
            "optimizer": self.optimizer.to_plain(),
            "history": self.history.to_plain(),
        }
        del state["spare"]
        return state

    @classmethod
    def from_plain(cls, state: Any, n_parameters: int) -> Self:
        """The same from what was saved.

        Parameters
        ----------
        state : dict
            What :meth:`to_plain` returned, as it was loaded.
        n_parameters : int
            Length of the network's flat buffer.

        Raises
        ------
        ValueError
            If it is damaged.
        """
        saved = PlainState("the state of training", state)
        return cls(**cls._fields(saved, n_parameters))

    @classmethod
    def _fields(cls, saved: PlainState, n_parameters: int) -> dict[str, Any]:
        """The arguments of this class, from what was saved."""
        optimizer = saved.get("optimizer", dict)
        history = History.from_plain(saved.get("history", dict))
        if history.n_epochs and "loss" not in history:
            raise saved.damaged("history", "that of the loss, too", list(history))
        return {
            "optimizer": OptimizerState.from_plain(optimizer, n_parameters),
            "random_state": saved.get("random_state", np.random.RandomState),
            "n_samples_seen": saved.count("n_samples_seen"),
            "precision": saved.get("precision", str),
            "history": history,
        }

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
