"""What every schedule is, and the one that is a function of the user's."""

import math
from abc import ABC
from collections.abc import Callable
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from fastnn.utils.error_state import errors_of_the_user


class Plateau(NamedTuple):
    """When there is no more progress.

    Parameters
    ----------
    patience : int or None
        Epochs without improvement; None leaves that to the estimator.
    min_delta : float or None
        Change that counts as an improvement only if it is larger; None leaves that to
        the estimator.
    """

    patience: int | None
    min_delta: float | None


class Schedule(BaseEstimator, ABC):
    """Base class of the schedules.

    The learning rate of a step is one that changes between epochs, which starts as the
    optimizer's, times a factor that may change with every step. By itself this class
    changes neither; a subclass overrides the moments at which it acts.

    Attributes
    ----------
    stop_message : str
        What a verbose fit prints when the schedule stops training at a plateau.
    """

    stop_message: ClassVar[str] = "Stopping."

    _parameter_constraints: ClassVar[dict] = {}

    def check(self) -> None:
        """Check the parameters.

        Raises
        ------
        ValueError
            If one is not valid.
        """
        self._validate_params()

    def factors(
        self, step: NDArray[np.int_], steps_per_epoch: int, n_epochs: int
    ) -> float | NDArray[np.float64]:
        """Factors on the learning rate of steps.

        Parameters
        ----------
        step : ndarray of shape (n_steps,)
            Numbers of the steps, counted from 0 over all epochs.
        steps_per_epoch : int
        n_epochs : int
            Most epochs that training takes.

        Returns
        -------
        factors : float or ndarray of shape (n_steps,)
        """
        return 1.0

    def after_epoch(self, initial: float, current: float, n_samples_seen: int) -> float:
        """Learning rate of the next epoch.

        Parameters
        ----------
        initial : float
            Learning rate that training started with.
        current : float
            Learning rate of the epoch that has just ended.
        n_samples_seen : int
            Number of training samples seen so far, repetitions included.

        Returns
        -------
        learning_rate : float
        """
        return current

    def plateau(self) -> Plateau | None:
        """What a plateau is to a schedule that waits for one; None to all others."""
        return None

    def after_plateau(self, current: float) -> float | None:
        """Learning rate to go on with after a plateau.

        Parameters
        ----------
        current : float
            Learning rate that no longer brings progress.

        Returns
        -------
        learning_rate : float or None
            None when training should stop.
        """
        return None


class LambdaSchedule(Schedule):
    """A function of the user's from the number of a step to a factor.

    It is called once for each step, at most 8192 steps ahead.

    Parameters
    ----------
    function : callable
        Takes the number of a step, counted from 0 over all epochs, and returns the
        factor on the learning rate, a finite number of at least 0.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.schedules import LambdaSchedule
    >>> LambdaSchedule(lambda step: 0.5**step).factors(np.arange(3), 10, 1)
    array([1.  , 0.5 , 0.25])
    """

    _parameter_constraints: ClassVar[dict] = {"function": [callable]}

    def __init__(self, function: Callable[[int], float]):
        self.function = function

    def factors(
        self, step: NDArray[np.int_], steps_per_epoch: int, n_epochs: int
    ) -> NDArray[np.float64]:
        """Factors on the learning rate of steps; see :meth:`Schedule.factors`."""
        return np.array([self._factor(int(each)) for each in step])

    def _factor(self, step: int) -> float:
        with errors_of_the_user():
            returned = self.function(step)
        try:
            factor = float(returned)
        except (TypeError, ValueError, OverflowError):
            factor = math.nan
        if 0 <= factor < math.inf:
            return factor
        raise ValueError(
            "a schedule's function must return finite factors of at least 0, got "
            f"{returned!r} for step {step}."
        )


def as_schedule(value: Schedule | Callable[[int], float]) -> Schedule:
    """A schedule as it is, and a callable as a schedule.

    Parameters
    ----------
    value : Schedule or callable

    Returns
    -------
    schedule : Schedule

    Raises
    ------
    ValueError
        If it is a class, and not an object of it.
    """
    if isinstance(value, type):
        raise ValueError(
            f"a schedule must be an object, got the class {value.__name__}. Write "
            f"{value.__name__}()."
        )
    return value if isinstance(value, Schedule) else LambdaSchedule(value)
