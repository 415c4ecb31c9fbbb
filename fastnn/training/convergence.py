"""When scikit-learn's perceptrons stop: at plateaus of the loss, or of the score."""

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from sklearn.exceptions import ConvergenceWarning

from fastnn.engine.mirrored import MirroredArray
from fastnn.engine.snapshot import Snapshot
from fastnn.schedules import Schedule
from fastnn.training.progress import Progress
from fastnn.training.state import TrainingState
from fastnn.utils.plain import PlainState

# Loss, without penalty, and score (higher is better) of the parameters that are being
# trained, on samples that they are not trained on.
Validate = Callable[[], tuple[float, float]]


@dataclass
class ConvergenceState(TrainingState):
    """The state of training, with the numbers that scikit-learn keeps.

    Its history has "loss" for each epoch, and "validation_loss" and "validation_score"
    for each that was validated.

    Parameters
    ----------
    n_stalled_epochs : int, default=0
        Number of consecutive epochs without an improvement of at least ``tol``.
    loss : float, default=nan
        Loss of the last finite epoch, or of the steps of one that was interrupted.
    best_loss, best_validation_score : float
        Lowest and highest value so far.
    """

    n_stalled_epochs: int = 0
    loss: float = math.nan
    best_loss: float = math.inf
    best_validation_score: float = -math.inf

    @classmethod
    def _fields(cls, saved: PlainState, n_parameters: int) -> dict[str, Any]:
        numbers = ("loss", "best_loss", "best_validation_score")
        return {
            **super()._fields(saved, n_parameters),
            "n_stalled_epochs": saved.count("n_stalled_epochs"),
            **{name: saved.number(name) for name in numbers},
        }


# Called at the end of each epoch with its number, from 1; true stops.
AfterEpoch = Callable[[int], bool]


class Convergence:
    """Keeps the curves of a fit, and ends it at a plateau.

    Parameters
    ----------
    schedule : Schedule
    state : ConvergenceState
        Changed in place.
    tol : float
        Improvement of the loss, or of the validation score, that counts as one.
    n_iter_no_change : int or inf
        Epochs without improvement that are accepted before a plateau is declared.
    early_stopping : bool
        Whether the validation score decides about plateaus, in place of the loss.
    progress : Progress
    validate : callable, default=None
        Called after each epoch; ``early_stopping`` needs it.
    after_epoch : callable, default=None
        Called after each epoch; training stops when it returns true.
    """

    def __init__(
        self,
        schedule: Schedule,
        state: ConvergenceState,
        *,
        tol: float,
        n_iter_no_change: float,
        early_stopping: bool,
        progress: Progress,
        validate: Validate | None = None,
        after_epoch: AfterEpoch | None = None,
    ):
        self._schedule = schedule
        self._state = state
        self._tol = tol
        self._n_iter_no_change = n_iter_no_change
        self._early_stopping = early_stopping
        self._progress = progress
        self._validate = validate
        self._after_epoch = after_epoch
        self._best: Snapshot | None = None

    def keep_best(self, parameters: MirroredArray) -> None:
        """With early stopping, end with the parameters that scored best.

        Those of now are the best so far, if there has been a score before.
        """
        if self._early_stopping:
            self._best = Snapshot(parameters)
            if self._state.best_validation_score > -math.inf:
                self._best.take()

    def __enter__(self) -> Self:
        self._progress.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.__exit__(kind, error, trace)

    def epoch_ended(
        self, epoch: int, loss: float, of_heads: Mapping[str, float]
    ) -> bool:
        """Record an epoch; True when training should stop."""
        measured, score = {"loss": loss}, None
        if self._validate is not None:
            val_loss, score = self._validate()
            measured |= {"validation_loss": val_loss, "validation_score": score}
        self._state.history.append(measured)
        self._note_loss(epoch, loss)
        if score is not None:
            self._note_score(score)
        ended = self._adjust()
        self._progress.epoch_done(epoch, loss, score)
        stopped = self._after_epoch is not None and self._after_epoch(epoch)
        return ended or stopped

    def interrupted(self, loss: float) -> None:
        """Take note of the loss of an epoch that has not come to its end."""
        if math.isnan(self._state.loss):
            self._state.loss = loss

    def diverged(self, epoch: int) -> None:
        """Record an epoch that was not finite."""
        names = ["loss"]
        if self._validate is not None:
            names += ["validation_loss", "validation_score"]
        self._state.history.append(dict.fromkeys(names, math.nan))
        self._progress.say(f"Iteration {epoch}, loss = {math.nan:.8f}")

    def finish(self, max_epochs: int, ended: bool) -> None:
        """Restore the best parameters; warn if nothing ended training.

        Warns
        -----
        ConvergenceWarning
            If ``ended`` is false.
        """
        if self._best is not None and self._best.taken:
            self._best.restore()
        if not ended:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({max_epochs}) "
                "reached and the optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=2,
            )

    def _note_loss(self, epoch: int, loss: float) -> None:
        state = self._state
        state.loss = loss
        self._progress.say(f"Iteration {epoch}, loss = {loss:.8f}")
        if not self._early_stopping:
            self._count(loss > state.best_loss - self._tol)
        state.best_loss = min(state.best_loss, loss)

    def _note_score(self, score: float) -> None:
        state = self._state
        self._progress.say(f"Validation score: {score:f}")
        if self._early_stopping:
            # A NaN is no improvement.
            self._count(not score >= state.best_validation_score + self._tol)
        if score > state.best_validation_score:
            state.best_validation_score = score
            if self._best is not None:
                self._best.take()

    def _count(self, stalled: bool) -> None:
        state = self._state
        state.n_stalled_epochs = state.n_stalled_epochs + 1 if stalled else 0

    def _adjust(self) -> bool:
        """Set the learning rate of the next epoch; True when training should stop."""
        state, optimizer = self._state, self._state.optimizer
        optimizer.learning_rate = self._schedule.after_epoch(
            optimizer.initial_learning_rate,
            optimizer.learning_rate,
            state.n_samples_seen,
        )
        if state.n_stalled_epochs <= self._n_iter_no_change:
            return False
        learning_rate = self._schedule.after_plateau(optimizer.learning_rate)
        measure = "Validation score" if self._early_stopping else "Training loss"
        if learning_rate is None:
            action = self._schedule.stop_message
        else:
            action = f"Setting learning rate to {learning_rate:f}"
        self._progress.say(
            f"{measure} did not improve more than tol={self._tol:f} for "
            f"{self._n_iter_no_change} consecutive epochs. {action}"
        )
        if learning_rate is None:
            return True
        optimizer.learning_rate = learning_rate
        state.n_stalled_epochs = 0
        return False
