"""Schedules that act between epochs: those of scikit-learn's perceptron."""

from numbers import Integral, Real
from typing import ClassVar

from fastnn.schedules.base import Plateau, Schedule
from fastnn.utils.plain_numbers import Interval


class Constant(Schedule):
    """The same learning rate throughout; training stops at a plateau.

    Examples
    --------
    >>> from fastnn.schedules import Constant
    >>> Constant().after_epoch(initial=0.1, current=0.1, n_samples_seen=1000)
    0.1
    """


class InverseScaling(Schedule):
    """Learning rate ``initial / (n_samples_seen + 1) ** power``, set after every epoch.

    Training stops at a plateau.

    Parameters
    ----------
    power : float, default=0.5
        Exponent, at least 0.

    Examples
    --------
    >>> from fastnn.schedules import InverseScaling
    >>> InverseScaling(0.5).after_epoch(initial=0.1, current=0.1, n_samples_seen=99)
    0.01
    """

    _parameter_constraints: ClassVar[dict] = {
        "power": [Interval(Real, 0, None, closed="left")]
    }

    def __init__(self, power: float = 0.5):
        self.power = power

    def after_epoch(self, initial: float, current: float, n_samples_seen: int) -> float:
        """Learning rate of the next epoch; see :meth:`Schedule.after_epoch`."""
        try:
            return initial / float(n_samples_seen + 1) ** float(self.power)
        except OverflowError:
            return 0.0


class ReduceOnPlateau(Schedule):
    """Divide the learning rate at each plateau; stop when it has become too small.

    Parameters
    ----------
    divisor : float, default=5.0
        What the learning rate is divided by, > 1.
    minimum : float, default=1e-6
        Training stops at the first plateau whose learning rate is not above this.
    patience : int, default=None
        Epochs without improvement that make a plateau, at least 1. None is 10, or the
        estimator's ``n_iter_no_change`` where it has one.
    min_delta : float, default=None
        Change of the loss, or of the score where the estimator watches that, which is
        an improvement only if it is larger; at least 0. None is 1e-4, or the
        estimator's ``tol`` where it has one.

    Examples
    --------
    >>> from fastnn.schedules import ReduceOnPlateau
    >>> schedule = ReduceOnPlateau()
    >>> schedule.after_plateau(0.1)
    0.02
    >>> schedule.after_plateau(1e-7) is None
    True
    """

    stop_message = "Learning rate too small. Stopping."

    _parameter_constraints: ClassVar[dict] = {
        "divisor": [Interval(Real, 1, None, closed="neither")],
        "minimum": [Interval(Real, 0, None, closed="left")],
        "patience": [Interval(Integral, 1, None, closed="left"), None],
        "min_delta": [Interval(Real, 0, None, closed="left"), None],
    }

    def __init__(
        self,
        divisor: float = 5.0,
        minimum: float = 1e-6,
        *,
        patience: int | None = None,
        min_delta: float | None = None,
    ):
        self.divisor = divisor
        self.minimum = minimum
        self.patience = patience
        self.min_delta = min_delta

    def plateau(self) -> Plateau:
        """What a plateau is; see :meth:`Schedule.plateau`."""
        return Plateau(self.patience, self.min_delta)

    def after_plateau(self, current: float) -> float | None:
        """Learning rate to go on with; see :meth:`Schedule.after_plateau`."""
        return current / self.divisor if current > self.minimum else None
