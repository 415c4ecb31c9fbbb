"""The trainer: epochs, validation, schedules, stopping, and the state between calls.

It decides when to go on and what to keep. Arithmetic on weights is the engine's: the
trainer only copies them, to be able to return to the start of an epoch or to the best
one.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from fastnn.engine import Engine
from fastnn.optimizers import Optimizer
from fastnn.plan import Plan
from fastnn.schedules import Schedule

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large "
    "values and need to be preprocessed. Scale X and y (for example with "
    "StandardScaler), lower the learning rate, or compute in float64."
)


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
        slots = np.zeros((optimizer.n_slots, parameters.size), parameters.dtype)
        return cls(
            optimizer.rule, slots, optimizer.learning_rate, optimizer.learning_rate
        )

    def resume(self, optimizer: Optimizer, parameters: NDArray) -> "OptimizerState":
        """Copy to go on with, which follows a change of the optimizer's options.

        Another rule or another dtype starts afresh; another learning rate is scaled
        by what the schedule has made of the old one.
        """
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
        Source of the seeds that shuffle the epochs.
    n_samples_seen : int, default=0
        Number of training samples seen, repetitions included.
    n_stalled_epochs : int, default=0
        Number of consecutive epochs without an improvement of at least ``tol``.
    loss : float, default=nan
        Loss of the last finite epoch.
    loss_curve, validation_scores : list of float
        One value per epoch.
    best_loss, best_validation_score : float
        Lowest and highest value so far.
    """

    optimizer: OptimizerState
    random_state: np.random.RandomState
    n_samples_seen: int = 0
    n_stalled_epochs: int = 0
    loss: float = math.nan
    loss_curve: list[float] = field(default_factory=list)
    best_loss: float = math.inf
    validation_scores: list[float] = field(default_factory=list)
    best_validation_score: float = -math.inf

    def resume(
        self, optimizer: OptimizerState, random_state: np.random.RandomState
    ) -> "TrainingState":
        """Copy to go on with, under another optimizer state and source of seeds."""
        return replace(
            self,
            optimizer=optimizer,
            random_state=random_state,
            loss_curve=list(self.loss_curve),
            validation_scores=list(self.validation_scores),
        )


class _Snapshot:
    """A copy of arrays at one moment, to which they can be set back."""

    def __init__(self, *arrays: NDArray):
        self._arrays = arrays
        self._copies: list[NDArray] = []

    @property
    def taken(self) -> bool:
        return bool(self._copies)

    def take(self) -> None:
        if not self._copies:
            self._copies = [np.empty_like(array) for array in self._arrays]
        for copy, array in zip(self._copies, self._arrays, strict=True):
            np.copyto(copy, array)

    def restore(self) -> None:
        for copy, array in zip(self._copies, self._arrays, strict=True):
            np.copyto(array, copy)


@dataclass(frozen=True)
class Trainer:
    """Trains the parameters of a plan by stochastic optimization.

    Parameters
    ----------
    plan : Plan
    optimizer : Optimizer
    schedule : Schedule
    batch_size : int
        Samples per step, at most the number of samples.
    max_epochs : int
        Most epochs that ``fit`` runs.
    shuffle : bool
        Whether every epoch visits the samples in a new random order.
    tol : float
        Improvement of the loss, or of the validation score, that counts as one.
    n_iter_no_change : int or inf
        Epochs without improvement that are accepted before a plateau is declared.
    verbose : bool
        Whether to print a line per epoch.
    n_threads : int
    """

    plan: Plan
    optimizer: Optimizer
    schedule: Schedule
    batch_size: int
    max_epochs: int
    shuffle: bool
    tol: float
    n_iter_no_change: float
    verbose: bool
    n_threads: int

    def fit(
        self,
        parameters: NDArray,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None,
        state: TrainingState,
        score: Callable[[], float] | None = None,
    ) -> int:
        """Train until a plateau, or for ``max_epochs`` epochs.

        Parameters
        ----------
        parameters : ndarray of shape (n_parameters,)
            Changed in place.
        X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        y : ndarray of shape (n_samples, n_columns)
            Encoded targets, of the dtype of the parameters.
        sample_weight : ndarray of shape (n_samples,) or None
        state : TrainingState
            Changed in place.
        score : callable, default=None
            Validation score of ``parameters``, higher is better. When given, it
            decides about plateaus in place of the loss and the best parameters are
            kept.

        Returns
        -------
        n_epochs : int
            Number of epochs run.

        Raises
        ------
        ValueError
            When the first epoch is not finite. ``parameters`` and ``state`` are then
            of no use.

        Warns
        -----
        ConvergenceWarning
            When ``max_epochs`` is reached, or when a later epoch is not finite: its
            start is then restored.
        UserWarning
            When the user interrupts: training ends after the last full step.
        """
        n_epochs, ended = self._run(
            parameters, X, y, sample_weight, state, score, self.max_epochs
        )
        if not ended:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_epochs}) "
                "reached and the optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return n_epochs

    def partial_fit(
        self,
        parameters: NDArray,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None,
        state: TrainingState,
    ) -> int:
        """Train for one epoch. The parameters are those of ``fit``."""
        n_epochs, _ = self._run(parameters, X, y, sample_weight, state, None, 1)
        return n_epochs

    def _run(
        self,
        parameters: NDArray,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None,
        state: TrainingState,
        score: Callable[[], float] | None,
        max_epochs: int,
    ) -> tuple[int, bool]:
        """Number of epochs run, and whether they ended before ``max_epochs``."""
        engine = Engine(
            self.plan,
            parameters,
            X,
            y,
            sample_weight,
            batch_size=self.batch_size,
            optimizer=self.optimizer,
            state=state.optimizer.slots,
            n_threads=self.n_threads,
        )
        epoch_start = _Snapshot(parameters, state.optimizer.slots)
        best = _Snapshot(parameters)
        if score is not None and state.validation_scores:
            best.take()
        n_epochs, ended = 0, False
        try:
            with engine:
                while n_epochs < max_epochs and not ended:
                    if n_epochs:
                        epoch_start.take()
                    loss = self._epoch(engine, state)
                    n_epochs += 1
                    if not (math.isfinite(loss) and np.isfinite(parameters).all()):
                        if n_epochs == 1:
                            raise ValueError(NOT_FINITE)
                        epoch_start.restore()
                        self._diverged(n_epochs, state, score is not None)
                        ended = True
                        break
                    state.optimizer.step += engine.n_steps
                    state.n_samples_seen += y.shape[0]
                    self._record_loss(n_epochs, loss, state, count=score is None)
                    if score is not None:
                        self._record_score(score(), state, best)
                    ended = self._adjust(state, score is not None)
        except KeyboardInterrupt:
            if not np.isfinite(parameters).all():
                if not epoch_start.taken:
                    raise ValueError(NOT_FINITE) from None
                epoch_start.restore()
            warnings.warn("Training interrupted by user.", stacklevel=2)
            ended = True
        if best.taken:
            best.restore()
        return n_epochs, ended

    def _epoch(self, engine: Engine, state: TrainingState) -> float:
        seed = None
        if self.shuffle:
            seed = int(state.random_state.randint(np.iinfo(np.int64).max, dtype="i8"))
        optimizer = state.optimizer
        table = self.optimizer.table(
            optimizer.step + 1, engine.n_steps, optimizer.learning_rate
        )
        return engine.epoch(table, seed=seed)

    def _record_loss(
        self, epoch: int, loss: float, state: TrainingState, *, count: bool
    ) -> None:
        state.loss = loss
        state.loss_curve.append(loss)
        if self.verbose:
            print(f"Iteration {epoch}, loss = {loss:.8f}")
        if count:
            stalled = loss > state.best_loss - self.tol
            state.n_stalled_epochs = state.n_stalled_epochs + 1 if stalled else 0
        state.best_loss = min(state.best_loss, loss)

    def _record_score(
        self, value: float, state: TrainingState, best: _Snapshot
    ) -> None:
        state.validation_scores.append(value)
        if self.verbose:
            print(f"Validation score: {value:f}")
        stalled = value < state.best_validation_score + self.tol
        state.n_stalled_epochs = state.n_stalled_epochs + 1 if stalled else 0
        if value > state.best_validation_score:
            state.best_validation_score = value
            best.take()

    def _adjust(self, state: TrainingState, validated: bool) -> bool:
        """Set the learning rate of the next epoch; True when training should stop."""
        optimizer = state.optimizer
        optimizer.learning_rate = self.schedule.after_epoch(
            optimizer.initial_learning_rate,
            optimizer.learning_rate,
            state.n_samples_seen,
        )
        if state.n_stalled_epochs <= self.n_iter_no_change:
            return False
        learning_rate = self.schedule.after_plateau(optimizer.learning_rate)
        if self.verbose:
            measure = "Validation score" if validated else "Training loss"
            if learning_rate is None:
                action = self.schedule.stop_message
            else:
                action = f"Setting learning rate to {learning_rate:f}"
            print(
                f"{measure} did not improve more than tol={self.tol:f} for "
                f"{self.n_iter_no_change} consecutive epochs. {action}"
            )
        if learning_rate is None:
            return True
        optimizer.learning_rate = learning_rate
        state.n_stalled_epochs = 0
        return False

    def _diverged(self, epoch: int, state: TrainingState, validated: bool) -> None:
        state.loss_curve.append(math.nan)
        if validated:
            state.validation_scores.append(math.nan)
        if self.verbose:
            print(f"Iteration {epoch}, loss = {math.nan:.8f}")
        warnings.warn(
            f"Training diverged: epoch {epoch} was not finite. The weights from the "
            "start of that epoch are restored and training stops. Lower the learning "
            f"rate (now {state.optimizer.learning_rate:g}), scale X and y (for example "
            "with StandardScaler), or compute in float64.",
            ConvergenceWarning,
            stacklevel=2,
        )
