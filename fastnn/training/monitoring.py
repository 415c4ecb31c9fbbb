"""How the estimators of networks follow a fit: history, schedule and callbacks."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import numpy as np

from fastnn.callbacks import Callback, Run
from fastnn.callbacks.watch import is_better, watched_name
from fastnn.engine.mirrored import MirroredArray
from fastnn.plan.layout import Move
from fastnn.schedules import Schedule
from fastnn.training.progress import Progress
from fastnn.training.state import OptimizerState, RunningAverage, TrainingState
from fastnn.utils.error_state import errors_of_the_user
from fastnn.utils.plain import PlainState

# When a schedule that waits for plateaus sees one, unless it says otherwise.
PATIENCE = 10
MIN_DELTA = 1e-4

# What validation data tell of the network, by the names of the history.
Validate = Callable[[], dict[str, float]]


@dataclass
class MonitoredState(TrainingState):
    """The state of training, with its history.

    Parameters
    ----------
    training : str
        Names the training, by all calls of which the state is handed on.
    n_stalled_epochs : int, default=0
        Epochs since the schedule last saw an improvement, or a plateau.
    watched : str, default=""
        Name of the number that the schedule watches.
    best : float or None, default=None
        Best value of it that the schedule has seen.
    average : RunningAverage or None, default=None
        Average of the weights, which is what is judged and kept.
    live : MirroredArray of shape (n_parameters,) or None, default=None
        The weights that were averaged last, from which training goes on.
    """

    training: str = field(default_factory=lambda: uuid4().hex)
    n_stalled_epochs: int = 0
    watched: str = ""
    best: float | None = None
    average: RunningAverage | None = None
    live: MirroredArray | None = None

    def resume(
        self, optimizer: OptimizerState, random_state: np.random.RandomState
    ) -> Self:
        """See :meth:`TrainingState.resume`."""
        other = super().resume(optimizer, random_state)
        if self.average is not None:
            other.average = replace(self.average, values=self.average.values.copy())
        return other

    def moved(self, move: Move | None) -> Self:
        """See :meth:`TrainingState.moved`."""
        other = super().moved(move)
        if move is not None and self.average is not None:
            values = MirroredArray(move(self.average.values.saved()))
            other.average = replace(self.average, values=values)
        if move is not None and self.live is not None:
            other.live = MirroredArray(move(self.live.saved()))
        return other

    def to_plain(self) -> dict[str, Any]:
        """What is saved of it."""
        average, live = self.average, self.live
        return {
            **super().to_plain(),
            "average": None if average is None else average.to_plain(),
            "live": None if live is None else live.saved(),
        }

    @classmethod
    def _fields(cls, saved: PlainState, n_parameters: int) -> dict[str, Any]:
        nothing = type(None)
        average = saved.get("average", dict, nothing)
        if average is not None:
            average = RunningAverage.from_plain(average, n_parameters)
        live = saved.get("live", np.ndarray, nothing)
        if live is not None:
            live = MirroredArray(saved.array("live", (n_parameters,)))
        best = saved.get("best", Real, nothing)
        return {
            **super()._fields(saved, n_parameters),
            "training": saved.get("training", str),
            "n_stalled_epochs": saved.count("n_stalled_epochs"),
            "watched": saved.get("watched", str),
            "best": None if best is None else float(best),
            "average": average,
            "live": live,
        }

    def resume_averaging(
        self, parameters: MirroredArray, *, averaged: bool, frozen: Sequence[slice]
    ) -> None:
        """Prepare for more training, with an average or without.

        Where the parameters are the average that an earlier call has kept, they become
        the weights that it was taken of, but for those that are frozen meanwhile.
        """
        average, live = self.average, self.live
        is_average = (
            average is not None
            and average.started
            and np.array_equal(average.values.host, parameters.host)
        )
        if is_average and live is not None:
            held = [parameters.host[at].copy() for at in frozen]
            parameters.assign(live)
            for at, values in zip(frozen, held, strict=True):
                parameters.host[at] = values
        self.live = None
        if not averaged:
            self.average = None
        elif average is None or average.values.dtype != parameters.dtype:
            self.average = RunningAverage(parameters.copy())
        elif average.started and not is_average:
            average.values.assign(parameters)

    def model_weights(self, parameters: MirroredArray) -> MirroredArray:
        """The weights that make the model: their average, once there is one."""
        average = self.average
        return average.values if average is not None and average.started else parameters


class Monitor:
    """Writes the history of a fit, and lets schedule and callbacks react to it.

    Parameters
    ----------
    schedule : Schedule
    state : MonitoredState
        Changed in place; its history has the names of all that is measured.
    run : Run
        The fit, as callbacks see it.
    callbacks : sequence of Callback
    progress : Progress
    validate : callable, default=None
        Called after each epoch.
    after_epoch : callable, default=None
        Called after each epoch with its number; training stops when it returns true.
    """

    def __init__(
        self,
        schedule: Schedule,
        state: MonitoredState,
        run: Run,
        callbacks: Sequence[Callback],
        progress: Progress,
        validate: Validate | None = None,
        after_epoch: Callable[[int], bool] | None = None,
    ):
        self._schedule = schedule
        self._state = state
        self._run = run
        self._callbacks = callbacks
        self._progress = progress
        self._validate = validate
        self._after_epoch = after_epoch
        self._plateau = schedule.plateau()
        self._n_epochs_before = run.epoch
        watched = watched_name(run, "auto", state.watched)
        if watched != state.watched:
            state.watched, state.best = watched, None
        if not run.incremental:
            state.n_stalled_epochs = 0
        self._start = time.perf_counter()

    def __enter__(self) -> Self:
        self._progress.__enter__()
        with errors_of_the_user():
            for callback in self._callbacks:
                callback.on_fit_begin(self._run)
        self._start = time.perf_counter()
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
        self._run.epoch = self._n_epochs_before + epoch
        measured = {} if self._validate is None else self._validate()
        losses = {f"loss_{name}": each for name, each in of_heads.items()}
        self._record(loss, losses | measured)
        self._say(self._run.epoch)
        stop = self._adjust()
        with errors_of_the_user():
            for callback in self._callbacks:
                stop = bool(callback.on_epoch_end(self._run)) or stop
        score = measured.get("validation_score")
        self._progress.epoch_done(epoch, loss, score)
        if self._after_epoch is not None:
            stop = self._after_epoch(epoch) or stop
        self._start = time.perf_counter()
        return stop

    def diverged(self, epoch: int) -> None:
        """Record an epoch that was not finite."""
        self._record(math.nan, {})
        self._say(self._n_epochs_before + epoch)

    def interrupted(self, loss: float) -> None:
        """An epoch that has not come to its end is none of the history."""

    def finish(self) -> None:
        """Let the callbacks have the last word."""
        with errors_of_the_user():
            for callback in self._callbacks:
                callback.on_fit_end(self._run)

    def _record(self, loss: float, measured: dict[str, float]) -> None:
        self._state.history.append(
            {
                "loss": loss,
                **measured,
                "learning_rate": self._state.optimizer.learning_rate,
                "seconds": time.perf_counter() - self._start,
            }
        )

    def _say(self, epoch: int) -> None:
        width = len(str(self._run.n_epochs))
        numbers = "  ".join(
            f"{name} {value:.4g}" for name, value in self._run.latest.items()
        )
        self._progress.say(f"epoch {epoch:{width}}/{self._run.n_epochs}  {numbers}")

    def _adjust(self) -> bool:
        """Set the learning rate of the next epoch; True when training should stop."""
        state, optimizer = self._state, self._state.optimizer
        optimizer.learning_rate = self._schedule.after_epoch(
            optimizer.initial_learning_rate,
            optimizer.learning_rate,
            state.n_samples_seen,
        )
        if self._plateau is None:
            return False
        value = self._run.latest.get(state.watched)
        if value is None:
            return False
        patience = self._plateau.patience or PATIENCE
        min_delta = self._plateau.min_delta
        min_delta = MIN_DELTA if min_delta is None else min_delta
        state.n_stalled_epochs += 1
        if is_better(state.watched, value, state.best, min_delta):
            state.n_stalled_epochs = 0
            state.best = value
        if state.n_stalled_epochs < patience:
            return False
        state.n_stalled_epochs = 0
        learning_rate = self._schedule.after_plateau(optimizer.learning_rate)
        told = f"{state.watched} did not improve for {patience} epochs."
        if learning_rate is None:
            self._progress.say(f"{told} {self._schedule.stop_message}")
            return True
        self._progress.say(f"{told} Setting learning rate to {learning_rate:g}.")
        optimizer.learning_rate = learning_rate
        return False
