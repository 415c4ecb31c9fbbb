"""Schedules that change the learning rate at every step.

Lengths are in epochs, whole or not: what a schedule does hardly depends on the size of
the batches. Beyond their end schedules stay where they are. Each call of
``partial_fit`` counts as an epoch, whatever it is given; one that comes after the end
of a schedule that ends at 0, or next to it, warns.
"""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fastnn.schedules.base import Plateau, Schedule
from fastnn.utils.plain_numbers import Interval

_POSITIVE = Interval(Real, 0, None, closed="neither")
_SHARE = Interval(Real, 0, 1, closed="both")
_OPEN_SHARE = Interval(Real, 0, 1, closed="neither")


class StepDecay(Schedule):
    """Multiplies the learning rate by ``factor`` every so many epochs.

    Parameters
    ----------
    epochs : float, default=30
        Epochs between two drops, > 0.
    factor : float, default=0.1
        In (0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.schedules import StepDecay
    >>> StepDecay(epochs=2).factors(np.arange(4), steps_per_epoch=1, n_epochs=4)
    array([1. , 1. , 0.1, 0.1])
    """

    _parameter_constraints: ClassVar[dict] = {
        "epochs": [_POSITIVE],
        "factor": [Interval(Real, 0, 1, closed="right")],
    }

    def __init__(self, epochs: float = 30, factor: float = 0.1):
        self.epochs = epochs
        self.factor = factor

    def factors(
        self, step: NDArray[np.int_], steps_per_epoch: int, n_epochs: int
    ) -> NDArray[np.float64]:
        """Factors on the learning rate of steps; see :meth:`Schedule.factors`."""
        # A step at which a drop is due must not miss it by rounding.
        periods = step / (steps_per_epoch * self.epochs) * (1 + 1e-12)
        return self.factor ** np.floor(periods)


class ExponentialDecay(Schedule):
    """Multiplies the learning rate by ``factor`` over each epoch, a little every step.

    Parameters
    ----------
    factor : float, default=0.95
        In (0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.schedules import ExponentialDecay
    >>> ExponentialDecay(0.25).factors(np.arange(3), steps_per_epoch=2, n_epochs=4)
    array([1.  , 0.5 , 0.25])
    """

    _parameter_constraints: ClassVar[dict] = {
        "factor": [Interval(Real, 0, 1, closed="right")]
    }

    def __init__(self, factor: float = 0.95):
        self.factor = factor

    def factors(
        self, step: NDArray[np.int_], steps_per_epoch: int, n_epochs: int
    ) -> NDArray[np.float64]:
        """Factors on the learning rate of steps; see :meth:`Schedule.factors`."""
        return self.factor ** (step / steps_per_epoch)


class CosineDecay(Schedule):
    """Half a cosine: ``final + (1 - final) * (1 + cos(pi * e)) / 2``.

    ``e`` runs from 0 to 1 over the epochs.

    Parameters
    ----------
    epochs : float, default=None
        Length, > 0; None is the most epochs that the fit takes.
    final : float, default=0.0
        Factor at the end, in [0, 1].

    References
    ----------
    Loshchilov, I., and Hutter, F. "SGDR: stochastic gradient descent with warm
    restarts". ICLR 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.schedules import CosineDecay
    >>> CosineDecay().factors(np.arange(3), steps_per_epoch=1, n_epochs=2).round(12)
    array([1. , 0.5, 0. ])
    """

    _parameter_constraints: ClassVar[dict] = {
        "epochs": [_POSITIVE, None],
        "final": [_SHARE],
    }

    def __init__(self, epochs: float | None = None, final: float = 0.0):
        self.epochs = epochs
        self.final = final

    def factors(
        self, step: NDArray[np.int_], steps_per_epoch: int, n_epochs: int
    ) -> NDArray[np.float64]:
        """Factors on the learning rate of steps; see :meth:`Schedule.factors`."""
        length = steps_per_epoch * (n_epochs if self.epochs is None else self.epochs)
        return _cosine(1.0, self.final, np.minimum(step / length, 1))


class CosineDecayRestarts(Schedule):
    """Cosine decay that starts again and again, each time over a longer period.

    Parameters
    ----------
    epochs : float, default=10
        Length of the first period, > 0.
    multiplier : int, default=1
        How many times longer each period is than the one before, at least 1.
    final : float, default=0.0
        Factor at the end of a period, in [0, 1].

    References
    ----------
    Loshchilov, I., and Hutter, F. "SGDR: stochastic gradient descent with warm
    restarts". ICLR 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.schedules import CosineDecayRestarts
    >>> schedule = CosineDecayRestarts(epochs=2)
    >>> schedule.factors(np.arange(4), steps_per_epoch=1, n_epochs=4).round(12)
    array([1. , 0.5, 1. , 0.5])
    """

    _parameter_constraints: ClassVar[dict] = {
        "epochs": [_POSITIVE],
        "multiplier": [Interval(Integral, 1, None, closed="left")],
        "final": [_SHARE],
    }

    def __init__(self, epochs: float = 10, multiplier: int = 1, final: float = 0.0):
        self.epochs = epochs
        self.multiplier = multiplier
        self.final = final

    def factors(
        self, step: NDArray[np.int_], steps_per_epoch: int, n_epochs: int
    ) -> NDArray[np.float64]:
        """Factors on the learning rate of steps; see :meth:`Schedule.factors`."""
        # In units of the first period; a restart is not missed by rounding.
        at = step / (steps_per_epoch * self.epochs) * (1 + 1e-12)
        m = float(min(self.multiplier, 2**53))  # floats hold all integers up to that
        if m == 1:
            share = at % 1
        else:
            # Period i starts at 1 + m + ... + m^(i - 1) = (m^i - 1) / (m - 1).
            period = np.floor(np.log1p(at * (m - 1)) / np.log(m) * (1 + 1e-12))
            share = (at - (m**period - 1) / (m - 1)) / m**period
        return _cosine(1.0, self.final, np.clip(share, 0, 1))


class LinearWarmup(Schedule):
    """Starts small and rises to the full learning rate; then another schedule follows.

    Parameters
    ----------
    epochs : float, default=5
        Length of the rise, > 0.
    start : float, default=1/3
        Factor of the first step, in [0, 1].
    then : Schedule, default=None
        What follows; its epochs are counted from the end of the rise. None is the full
        learning rate.

    References
    ----------
    Goyal, P., et al. "Accurate, large minibatch SGD: training ImageNet in 1 hour".
    2017, https://arxiv.org/abs/1706.02677.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.schedules import CosineDecay, LinearWarmup
    >>> schedule = LinearWarmup(epochs=2, start=0.0, then=CosineDecay())
    >>> schedule.factors(np.arange(5), steps_per_epoch=1, n_epochs=4).round(12)
    array([0. , 0.5, 1. , 0.5, 0. ])
    """

    _parameter_constraints: ClassVar[dict] = {
        "epochs": [_POSITIVE],
        "start": [_SHARE],
        "then": [Schedule, None],
    }

    def __init__(
        self, epochs: float = 5, start: float = 1 / 3, then: Schedule | None = None
    ):
        self.epochs = epochs
        self.start = start
        self.then = then

    @property
    def _following(self) -> Schedule:
        return self.then if self.then is not None else Schedule()

    def plateau(self) -> Plateau | None:
        """What a plateau is to what follows; see :meth:`Schedule.plateau`."""
        return self._following.plateau()

    def check(self) -> None:
        """Check the parameters; see :meth:`Schedule.check`."""
        super().check()
        self._following.check()

    def factors(
        self, step: NDArray[np.int_], steps_per_epoch: int, n_epochs: int
    ) -> NDArray[np.float64]:
        """Factors on the learning rate of steps; see :meth:`Schedule.factors`."""
        rise = min(steps_per_epoch * float(self.epochs), 2.0**53)
        rising = self.start + (1 - self.start) * np.minimum(step / rise, 1)
        after = np.maximum(step - int(np.ceil(rise)), 0)
        remaining = max(1, int(np.ceil(n_epochs - self.epochs)))
        return rising * self._following.factors(after, steps_per_epoch, remaining)

    def after_epoch(self, initial: float, current: float, n_samples_seen: int) -> float:
        """Learning rate of the next epoch; see :meth:`Schedule.after_epoch`."""
        return self._following.after_epoch(initial, current, n_samples_seen)

    def after_plateau(self, current: float) -> float | None:
        """Learning rate to go on with; see :meth:`Schedule.after_plateau`."""
        return self._following.after_plateau(current)


class OneCycle(Schedule):
    """Rises to the full learning rate and falls to almost nothing, by half cosines.

    The momentum stays as it is.

    Parameters
    ----------
    epochs : float, default=None
        Length of both, > 0; None is the most epochs that the fit takes.
    rising : float, default=0.3
        Share of the steps in which it rises, between 0 and 1.
    divisor : float, default=25.0
        The first factor is ``1 / divisor``, >= 1.
    final_divisor : float, default=10000.0
        The last factor is ``1 / (divisor * final_divisor)``, >= 1.

    References
    ----------
    Smith, L. N., and Topin, N. "Super-convergence: very fast training of neural
    networks using large learning rates". 2018, https://arxiv.org/abs/1708.07120.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.schedules import OneCycle
    >>> schedule = OneCycle(rising=0.5, divisor=10, final_divisor=10)
    >>> schedule.factors(np.arange(6), steps_per_epoch=6, n_epochs=1).round(3)
    array([0.1  , 0.55 , 1.   , 0.752, 0.258, 0.01 ])
    """

    _parameter_constraints: ClassVar[dict] = {
        "epochs": [_POSITIVE, None],
        "rising": [_OPEN_SHARE],
        "divisor": [Interval(Real, 1, None, closed="left")],
        "final_divisor": [Interval(Real, 1, None, closed="left")],
    }

    def __init__(
        self,
        epochs: float | None = None,
        rising: float = 0.3,
        divisor: float = 25.0,
        final_divisor: float = 1e4,
    ):
        self.epochs = epochs
        self.rising = rising
        self.divisor = divisor
        self.final_divisor = final_divisor

    def factors(
        self, step: NDArray[np.int_], steps_per_epoch: int, n_epochs: int
    ) -> NDArray[np.float64]:
        """Factors on the learning rate of steps; see :meth:`Schedule.factors`."""
        n_steps = steps_per_epoch * (n_epochs if self.epochs is None else self.epochs)
        # The steps with the highest and with the lowest factor.
        top = max(self.rising * n_steps - 1, 0.0)
        end = max(n_steps - 1.0, top + 1)
        first = 1 / self.divisor
        rising = _cosine(first, 1.0, np.minimum(step / max(top, 1e-9), 1))
        share = np.clip((step - top) / (end - top), 0, 1)
        falling = _cosine(1.0, first / self.final_divisor, share)
        return np.where(step <= top, rising, falling)


def _cosine(
    start: float, end: float, share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """From start to end along half a cosine, of which a share is done."""
    return end + (start - end) / 2 * (1 + np.cos(np.pi * share))
