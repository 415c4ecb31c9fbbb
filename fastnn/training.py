"""The trainer: epochs, validation, schedules, stopping.

It decides when to go on and what to keep. Arithmetic on weights is the engine's: the
trainer only copies them, to be able to return to the start of an epoch or to the best
one.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from fastnn._core.tables import MASK_SEED, MASK_STEP
from fastnn.engine import Engine
from fastnn.optimizers import Optimizer
from fastnn.plan import Plan
from fastnn.progress import Progress
from fastnn.schedules import Schedule
from fastnn.training_state import TrainingState

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large "
    "values and need to be preprocessed. Scale X and y (for example with "
    "StandardScaler), lower the learning rate, or compute in float64."
)


# Loss, without penalty, and score (higher is better) of the parameters that are being
# trained, on samples that they are not trained on.
Validate = Callable[[], tuple[float, float]]

# Called at the end of each epoch with its number, from 1, and the state; true stops.
AfterEpoch = Callable[[int, TrainingState], bool]


def all_finite(array: NDArray) -> bool:
    """Whether no number is an infinity or a NaN."""
    # A NaN is the minimum of what it stands in. Looking at each number by itself would
    # take a copy as large as a quarter of the parameters.
    return bool(np.isfinite(array.min()) and np.isfinite(array.max()))


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
    early_stopping : bool
        Whether the validation score decides about plateaus, in place of the loss, and
        ``fit`` keeps the parameters that scored best.
    verbose : bool
        Whether to print a line per epoch.
    n_threads : int or None
        See :class:`fastnn.engine.Engine`.
    precision : {"bf16", "high"} or None, default=None
        As :class:`fastnn.engine.Engine`'s.
    """

    plan: Plan
    optimizer: Optimizer
    schedule: Schedule
    batch_size: int
    max_epochs: int
    shuffle: bool
    tol: float
    n_iter_no_change: float
    early_stopping: bool
    verbose: bool
    n_threads: int | None
    precision: str | None = None

    def __post_init__(self) -> None:
        self.schedule.check()

    def fit(
        self,
        parameters: NDArray,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None,
        state: TrainingState,
        validate: Validate | None = None,
        after_epoch: AfterEpoch | None = None,
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
        validate : callable, default=None
            Gives the loss and the score of ``parameters`` on validation data; called
            after each epoch. ``early_stopping`` needs it.
        after_epoch : callable, default=None
            Called after each epoch; training stops when it returns true.

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
        best = _Snapshot(parameters) if self.early_stopping else None
        if best is not None and state.validation_scores:
            best.take()
        n_epochs, ended = self._run(
            parameters,
            X,
            y,
            sample_weight,
            state,
            validate,
            after_epoch,
            best,
            self.max_epochs,
        )
        if best is not None and best.taken:
            best.restore()
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
        validate: Validate | None = None,
    ) -> int:
        """Train for one epoch. The parameters are those of ``fit``.

        Later calls go on from the end of the epoch, whatever its validation score.
        """
        n_epochs, _ = self._run(
            parameters, X, y, sample_weight, state, validate, None, None, 1
        )
        return n_epochs

    def _run(
        self,
        parameters: NDArray,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None,
        state: TrainingState,
        validate: Validate | None,
        after_epoch: AfterEpoch | None,
        best: _Snapshot | None,
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
            precision=self.precision,
        )
        epoch_start = _Snapshot(parameters, state.optimizer.slots)
        progress = Progress(self.verbose, max_epochs, y.shape[0])
        n_epochs, ended = 0, False
        try:
            with engine, progress:
                while n_epochs < max_epochs and not ended:
                    if n_epochs:
                        epoch_start.take()
                    loss = self._epoch(engine, state)
                    n_epochs += 1
                    if not (math.isfinite(loss) and all_finite(parameters)):
                        if n_epochs == 1:
                            raise ValueError(NOT_FINITE)
                        epoch_start.restore()
                        self._diverged(n_epochs, state, validate is not None, progress)
                        ended = True
                        break
                    state.optimizer.step += engine.n_steps
                    state.n_samples_seen += y.shape[0]
                    self._record_loss(n_epochs, loss, state, progress)
                    score = None
                    if validate is not None:
                        val_loss, score = validate()
                        self._record_validation(val_loss, score, state, best, progress)
                    ended = self._adjust(state, progress)
                    progress.epoch_done(n_epochs, loss, score)
                    if after_epoch is not None and after_epoch(n_epochs, state):
                        ended = True
        except KeyboardInterrupt:
            if not all_finite(parameters):
                if not epoch_start.taken:
                    raise ValueError(NOT_FINITE) from None
                epoch_start.restore()
            warnings.warn("Training interrupted by user.", stacklevel=2)
            ended = True
        state.precision = engine.precision
        return n_epochs, ended

    def _epoch(self, engine: Engine, state: TrainingState) -> float:
        if self.shuffle:
            engine.shuffle(state.random_state)
        first, n_steps = state.optimizer.step, engine.n_steps
        factors = self.schedule.factors(
            np.arange(first, first + n_steps), n_steps, self.max_epochs
        )
        table = self.optimizer.table(
            first + 1, n_steps, state.optimizer.learning_rate * factors
        )
        if self.plan.draws_masks:
            # float64 holds all integers below 2 ** 53.
            table[:, MASK_SEED] = state.random_state.randint(2**53, dtype="i8")
            table[:, MASK_STEP] = np.arange(engine.n_steps)
        return engine.epoch(table)

    def _record_loss(
        self, epoch: int, loss: float, state: TrainingState, progress: Progress
    ) -> None:
        state.loss = loss
        state.loss_curve.append(loss)
        progress.say(f"Iteration {epoch}, loss = {loss:.8f}")
        if not self.early_stopping:
            stalled = loss > state.best_loss - self.tol
            state.n_stalled_epochs = state.n_stalled_epochs + 1 if stalled else 0
        state.best_loss = min(state.best_loss, loss)

    def _record_validation(
        self,
        loss: float,
        score: float,
        state: TrainingState,
        best: _Snapshot | None,
        progress: Progress,
    ) -> None:
        state.validation_loss_curve.append(loss)
        state.validation_scores.append(score)
        progress.say(f"Validation score: {score:f}")
        if self.early_stopping:
            stalled = score < state.best_validation_score + self.tol
            state.n_stalled_epochs = state.n_stalled_epochs + 1 if stalled else 0
        if score > state.best_validation_score:
            state.best_validation_score = score
            if best is not None:
                best.take()

    def _adjust(self, state: TrainingState, progress: Progress) -> bool:
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
        measure = "Validation score" if self.early_stopping else "Training loss"
        if learning_rate is None:
            action = self.schedule.stop_message
        else:
            action = f"Setting learning rate to {learning_rate:f}"
        progress.say(
            f"{measure} did not improve more than tol={self.tol:f} for "
            f"{self.n_iter_no_change} consecutive epochs. {action}"
        )
        if learning_rate is None:
            return True
        optimizer.learning_rate = learning_rate
        state.n_stalled_epochs = 0
        return False

    def _diverged(
        self, epoch: int, state: TrainingState, validated: bool, progress: Progress
    ) -> None:
        state.loss_curve.append(math.nan)
        if validated:
            state.validation_loss_curve.append(math.nan)
            state.validation_scores.append(math.nan)
        progress.say(f"Iteration {epoch}, loss = {math.nan:.8f}")
        warnings.warn(
            f"Training diverged: epoch {epoch} was not finite. The weights from the "
            "start of that epoch are restored and training stops. Lower the learning "
            f"rate (now {state.optimizer.learning_rate:g}), scale X and y (for example "
            "with StandardScaler), or compute in float64.",
            ConvergenceWarning,
            stacklevel=2,
        )
