"""Averages of the weights along the path of training.

The average of many steps lies nearer to the middle of a minimum than the last of them,
and often predicts better. Like a schedule, an averaging is a description: the weight
that each step gets is a function of its number, and the average itself belongs to the
training state.
"""

from abc import ABC, abstractmethod
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from fastnn.utils.plain_numbers import Interval

# An epoch, or so many of them, that no training comes to: int64 holds their sums.
_NEVER = 2**62


class Averaging(BaseEstimator, ABC):
    """Base class of the averages of weights.

    After each step of training, ``average += rate * (w - average)``.

    References
    ----------
    Polyak, B. T., and Juditsky, A. B. "Acceleration of stochastic approximation by
    averaging". SIAM Journal on Control and Optimization, 1992.
    """

    # Whether the weights it averages lie so far apart that the running statistics of
    # their average have to be taken anew.
    refreshes_statistics: ClassVar[bool] = False

    _parameter_constraints: ClassVar[dict] = {}

    def check(self) -> None:
        """Check the parameters.

        Raises
        ------
        ValueError
            If one is not valid.
        """
        self._validate_params()

    @abstractmethod
    def rates(
        self, step: NDArray[np.int_], steps_per_epoch: int, n_epochs: int
    ) -> NDArray[np.float64]:
        """Weights that the parameters after steps get in their average.

        Parameters
        ----------
        step : ndarray of shape (n_steps,)
            Numbers of the steps, counted from 0 over all epochs.
        steps_per_epoch : int
        n_epochs : int
            Most epochs that training takes.

        Returns
        -------
        rates : ndarray of shape (n_steps,), dtype float64
            In [0, 1]: 1 starts the average, 0 leaves it alone.
        """


class EMA(Averaging):
    """Exponential moving average of the weights after every step.

    It starts as the weights after the first step. After ``t`` earlier steps it is
    ``decay * average + (1 - decay) * w``, where with ``warmup`` ``min(decay, (1 + t) /
    (10 + t))`` stands for ``decay``: young averages then forget the start of training
    sooner. Without, the first step has a share of ``decay ** t``.

    Parameters
    ----------
    decay : float, default=0.999
        Share of the average that survives a step, in [0, 1). It is about the average of
        the last ``1 / (1 - decay)`` steps.
    warmup : bool, default=True
        Whether the decay rises to its value: that of
        ``tf.train.ExponentialMovingAverage`` which is told the number of the step.
        False is PyTorch's ``get_ema_multi_avg_fn``.

    References
    ----------
    Tarvainen, A., and Valpola, H. "Mean teachers are better role models". NIPS 2017.
    Morales-Brotons, D., Vogels, T., and Hendrikx, H. "Exponential moving average of
    weights in deep learning: dynamics and benefits". TMLR 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.averaging import EMA
    >>> EMA(0.75).rates(np.array([0, 1, 8, 1000]), steps_per_epoch=10, n_epochs=200)
    array([1.        , 0.81818182, 0.5       , 0.25      ])
    """

    _parameter_constraints: ClassVar[dict] = {
        "decay": [Interval(Real, 0, 1, closed="left")],
        "warmup": ["boolean"],
    }

    def __init__(self, decay: float = 0.999, *, warmup: bool = True):
        self.decay = decay
        self.warmup = warmup

    def rates(
        self, step: NDArray[np.int_], steps_per_epoch: int, n_epochs: int
    ) -> NDArray[np.float64]:
        """Weights of the parameters after steps; see :meth:`Averaging.rates`."""
        rates = np.full(step.shape, 1.0 - self.decay)
        if self.warmup:
            rates = np.maximum(rates, 9 / (10 + step))
        return np.where(step == 0, 1.0, rates)


class SWA(Averaging):
    """Stochastic weight averaging: the mean of the weights at the ends of epochs.

    Those of the last epochs count alike. A learning rate that stays high, or rises
    again in every period, leads to weights that differ enough to gain by it. At the end
    of training a pass over the samples gives layers such as BatchNorm the statistics
    that they have under the mean.

    Parameters
    ----------
    start : float, default=0.75
        Share of the epochs that training is to take after which the first weights are
        averaged, in [0, 1); at the earliest those at the end of the first epoch.
    period : int, default=1
        Epochs from one to the next, at least 1.

    References
    ----------
    Izmailov, P., Podoprikhin, D., Garipov, T., Vetrov, D., and Wilson, A. G. "Averaging
    weights leads to wider optima and better generalization". UAI 2018, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.averaging import SWA
    >>> SWA(0.5).rates(np.arange(8), steps_per_epoch=2, n_epochs=4)
    array([0.  , 0.  , 0.  , 1.  , 0.  , 0.5 , 0.  , 0.33333333])
    """

    refreshes_statistics = True

    _parameter_constraints: ClassVar[dict] = {
        "start": [Interval(Real, 0, 1, closed="left")],
        "period": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, start: float = 0.75, *, period: int = 1):
        self.start = start
        self.period = period

    def rates(
        self, step: NDArray[np.int_], steps_per_epoch: int, n_epochs: int
    ) -> NDArray[np.float64]:
        """Weights of the parameters after steps; see :meth:`Averaging.rates`."""
        epoch, rest = np.divmod(step + 1, steps_per_epoch)
        # An epoch at which averaging is due must not be missed by rounding.
        first = max(1, int(np.ceil(self.start * n_epochs * (1 - 1e-12))))
        first, period = min(first, _NEVER), min(self.period, _NEVER)
        number, between = np.divmod(epoch - first, period)
        averaged = (rest == 0) & (between == 0) & (number >= 0)
        return np.where(averaged, 1 / np.maximum(number + 1, 1), 0.0)
