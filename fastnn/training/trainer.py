"""The trainer: epochs, what changes between them, and what becomes of one that fails.

Arithmetic on weights is the engine's: the trainer only copies them, to be able to
return to the start of an epoch. A supervisor decides when to stop and what to keep.
"""

import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from fastnn.averaging import Averaging
from fastnn.engine.backend import STEPS_AT_ONCE
from fastnn.engine.device import Device
from fastnn.engine.engine import Engine
from fastnn.engine.mirrored import MirroredArray
from fastnn.engine.predictor import Predictor
from fastnn.engine.snapshot import Snapshot
from fastnn.exceptions import NotFiniteError
from fastnn.mixing import Mixing
from fastnn.optimizers import Optimizer
from fastnn.plan.records import Plan
from fastnn.plan.tables import AVERAGE_RATE, MASK_SEED, MASK_STEP, MIXED_SHARE
from fastnn.schedules import Schedule
from fastnn.training.state import RunningAverage, TrainingState

# A factor on the learning rate with which no training gets anywhere.
_NEXT_TO_NOTHING = 1e-5


class Supervisor(Protocol):
    """Looks at each epoch, and decides whether there will be another.

    It is entered before the first epoch and left after the last.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def epoch_ended(
        self, epoch: int, loss: float, of_heads: Mapping[str, float]
    ) -> bool:
        """Judge an epoch, numbered from 1, that was finite; true ends training.

        The losses of heads are by name, where there are several.
        """

    def diverged(self, epoch: int) -> None:
        """Take note of an epoch that was not finite, and that is undone."""

    def interrupted(self, loss: float) -> None:
        """Take note of the mean loss of the steps of an epoch that was interrupted."""


class Outcome(NamedTuple):
    """How training came to its end.

    Parameters
    ----------
    n_epochs : int
        Number of epochs run.
    ended : bool
        Whether something ended training before the number of epochs that was asked for.
    diverged : bool
        Whether the last one was not finite, and is undone.
    """

    n_epochs: int
    ended: bool
    diverged: bool


@dataclass(frozen=True)
class Trainer:
    """Trains the parameters of a plan by stochastic optimization.

    Parameters
    ----------
    plan : Plan
    predictor : Predictor
        Of the same plan, on the device.
    optimizer : Optimizer
    schedule : Schedule
    batch_size : int
        Samples per step, at most the number of samples.
    max_epochs : int
        Most epochs that training is to take, for schedules that end with it.
    shuffle : bool
        Whether every epoch visits the samples in a new random order.
    n_threads : int or None
        See :class:`fastnn.engine.engine.Engine`.
    precision : {"bf16", "high", "tf32"} or None, default=None
        As :class:`fastnn.engine.engine.Engine`'s.
    averaging : Averaging, default=None
        How the weights along the way are averaged.
    mixing : Mixing, default=None
        How samples are mixed with one another.
    batch_by_length : bool, default=False
        Whether sequences of like length share a mini-batch, where they are shuffled.
    device : Device, default=None
        As :class:`fastnn.engine.engine.Engine`'s.
    """

    plan: Plan
    predictor: Predictor
    optimizer: Optimizer
    schedule: Schedule
    batch_size: int
    max_epochs: int
    shuffle: bool
    n_threads: int | None
    precision: str | None = None
    averaging: Averaging | None = None
    mixing: Mixing | None = None
    batch_by_length: bool = False
    device: Device | None = None

    def __post_init__(self) -> None:
        if self.averaging is not None:
            self.averaging.check()
        if self.mixing is not None:
            self.mixing.check()

    def train(
        self,
        parameters: MirroredArray,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None,
        state: TrainingState,
        supervisor: Supervisor,
        n_epochs: int | None = None,
        average: RunningAverage | None = None,
    ) -> Outcome:
        """Run epochs until the supervisor ends it, or for ``n_epochs``.

        Parameters
        ----------
        parameters : MirroredArray of shape (n_parameters,)
            Changed in place; on a device, they stay there.
        X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        y : ndarray of shape (n_samples, n_columns)
            Encoded targets, of the dtype of the parameters.
        sample_weight : ndarray of shape (n_samples,) or None
        state : TrainingState
            Changed in place.
        supervisor : Supervisor
        n_epochs : int, default=None
            None is ``max_epochs``.
        average : RunningAverage, default=None
            Changed in place; ``averaging`` needs it.

        Returns
        -------
        outcome : Outcome

        Raises
        ------
        NotFiniteError
            When the first epoch is not finite. ``parameters`` and ``state`` are then
            of no use.
        KeyboardInterrupt
            When the user interrupts before the first step.

        Warns
        -----
        ConvergenceWarning
            When a later epoch is not finite: its start is then restored.
        UserWarning
            When the user interrupts: training ends after the last full step. When all
            steps of a call come after the end of a schedule that ends at 0.
        """
        most = self.max_epochs if n_epochs is None else n_epochs
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
            average=None if average is None else average.values,
            mixing=self.mixing,
            batch_by_length=self.batch_by_length,
            device=self.device,
        )
        parts = engine.changing
        starts = [Snapshot(parameters, parts=parts) for _ in range(2)]
        others = [Snapshot(state.optimizer.slots, parts=parts)]
        if average is not None:  # of which every step may change all
            others.append(Snapshot(average.values))
        first_step, first_epoch = state.optimizer.step, state.history.n_epochs
        n_seen, n_samples = state.n_samples_seen, y.shape[0]
        started = average is not None and average.started
        epoch, ended, diverged, loss = 0, False, False, math.nan

        def is_usable(loss: float) -> bool:
            return self.predictor.is_usable(parameters, X, y, sample_weight, loss)

        def undo_epoch() -> None:
            """Go back to the start of the epoch, or to that of the one before.

            A step's loss is that before its update: the weights at the start of an
            epoch that was not finite may be those that make it so.
            """
            for other in others:
                if other.taken:
                    other.restore()
            if average is not None:
                average.started = started
            for start in starts:
                if start.taken:
                    start.restore()
                    if self.predictor.is_finite(parameters, X, y, sample_weight):
                        return
            raise NotFiniteError

        try:
            with engine, supervisor:
                while epoch < most and not ended:
                    if epoch:
                        starts.reverse()
                        starts[0].take()
                        for other in others:
                            other.take()
                        started = average is not None and average.started
                    if self.shuffle:
                        engine.shuffle(state.random_state)
                    tables = self._tables(engine.n_steps, state, average, epoch)
                    loss = engine.epoch(tables)
                    epoch += 1
                    finite = math.isfinite(loss) and engine.all_finite()
                    # The loss of the last step is that before its update.
                    if not finite or (epoch == most and not is_usable(loss)):
                        if epoch == 1:
                            raise NotFiniteError
                        undo_epoch()
                        supervisor.diverged(epoch)
                        _warn_of_divergence(epoch, state.optimizer.learning_rate)
                        ended = diverged = True
                        break
                    state.optimizer.step = first_step + epoch * engine.n_steps
                    state.n_samples_seen = n_seen + epoch * n_samples
                    of_heads: dict[str, float] = {}
                    if len(self.plan.losses) > 1:
                        of_heads = mean_losses(self.plan, engine.epoch_reports)
                    ended = supervisor.epoch_ended(epoch, loss, of_heads)
                if epoch < most and not diverged and not is_usable(loss):
                    undo_epoch()
                    _warn_of_divergence(epoch, state.optimizer.learning_rate)
                    state.optimizer.step -= engine.n_steps
                    state.n_samples_seen -= n_samples
                    ended = diverged = True
        except KeyboardInterrupt:
            n_steps = engine.n_steps_taken
            if not n_steps:
                raise
            loss = engine.mean_loss((n_steps - 1) % engine.n_steps + 1)
            if not (engine.all_finite() and is_usable(loss)):
                undo_epoch()
            state.optimizer.step = first_step + n_steps
            state.n_samples_seen = n_seen + n_steps // engine.n_steps * n_samples
            supervisor.interrupted(loss)
            warnings.warn("Training interrupted by user.", stacklevel=2)
            ended = True
        state.precision = engine.precision
        return Outcome(state.history.n_epochs - first_epoch, ended, diverged)

    def _tables(
        self,
        n_steps: int,
        state: TrainingState,
        average: RunningAverage | None,
        epoch: int,
    ) -> Iterator[NDArray[np.float64]]:
        """The scalars of an epoch that comes after so many of this call, in parts."""
        seed: Any = 0
        if self.plan.draws_masks or self.mixing is not None:
            # float64 holds all integers below 2 ** 53.
            seed = state.random_state.randint(2**53, dtype="i8")
        first, highest = state.optimizer.step, 0.0
        for at in range(0, n_steps, STEPS_AT_ONCE):
            steps = np.arange(first + at, first + min(at + STEPS_AT_ONCE, n_steps))
            factors = self.schedule.factors(steps, n_steps, self.max_epochs)
            highest = max(highest, float(np.max(factors)))
            table = self.optimizer.table(
                first + at + 1, len(steps), state.optimizer.learning_rate * factors
            )
            if self.averaging is not None:
                rates = self.averaging.rates(steps, n_steps, self.max_epochs)
                table[:, AVERAGE_RATE] = rates
            if self.plan.draws_masks:
                table[:, MASK_SEED] = seed
                table[:, MASK_STEP] = steps - first
            if self.mixing is not None:
                key = np.array([seed, at], np.uint64)
                rng = np.random.Generator(np.random.Philox(key=key))
                image = self.mixing.image(self.plan.inputs[0].shape)
                table[:, MIXED_SHARE:] = self.mixing.columns(rng, len(steps), image)
            yield table
            if average is not None and table[:, AVERAGE_RATE].any():
                average.started = True
        # Only partial_fit begins in the middle of a schedule.
        if not epoch and first and highest <= _NEXT_TO_NOTHING:
            last = np.array([first - 1])
            before = self.schedule.factors(last, n_steps, self.max_epochs)
            if not highest or np.max(before) <= _NEXT_TO_NOTHING:
                _warn_of_end(self.schedule, self.max_epochs)


def mean_losses(plan: Plan, reports: NDArray[np.float64]) -> dict[str, float]:
    """The mean of each of a plan's losses, by name; empty where there is one.

    Parameters
    ----------
    plan : Plan
    reports : ndarray of shape (n_losses, 2)
        What is reported of each, and the sum of its weights.
    """
    if len(plan.losses) < 2:
        return {}
    with np.errstate(invalid="ignore"):
        means = reports[:, 0] / reports[:, 1]
    return {term.name: float(m) for term, m in zip(plan.losses, means, strict=True)}


def _warn_of_end(schedule: Schedule, max_epochs: int) -> None:
    warnings.warn(
        f"The schedule {schedule} has brought the learning rate of all steps of this "
        "call to 0 or next to it: nothing is learned any more. It counts each call of "
        f"partial_fit as an epoch, of which this estimator takes {max_epochs}. Set "
        "schedule=None (of MLPClassifier and MLPRegressor, learning_rate='constant'), "
        "a schedule that does not end, such as CosineDecayRestarts(), or one with a "
        "longer `epochs` or a `final` factor above 0.",
        stacklevel=2,
    )


def _warn_of_divergence(epoch: int, learning_rate: float) -> None:
    warnings.warn(
        f"Training diverged: epoch {epoch} was not finite. The weights from the "
        "start of that epoch are restored and training stops. Lower the learning "
        f"rate (now {learning_rate:g}), scale X and y (for example "
        "with StandardScaler), or compute in float64.",
        ConvergenceWarning,
        stacklevel=2,
    )
