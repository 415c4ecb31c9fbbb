"""Optimizers: what the user chooses, and the step table that the engine reads.

An optimizer here is a description: its constructor arguments and nothing else. The
arithmetic lives in the compiled row named by ``rule``; the running moments and the
number of steps taken belong to the training state. One object can therefore serve
several fits at once, and ``clone`` and grid search reach inside.
"""

from abc import ABC, abstractmethod
from numbers import Real
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval

from fastnn._core.tables import N_SCALARS, OPTIMIZER_SLOTS

_POSITIVE = Interval(Real, 0, None, closed="neither")
_DECAY = Interval(Real, 0, 1, closed="left")


class Optimizer(BaseEstimator, ABC):
    """Base class of the optimizers.

    A subclass names the compiled update in ``rule`` and computes, for a run of steps,
    the scalars which that update reads.

    Attributes
    ----------
    rule : str
        Name of the compiled update rule.
    n_slots : int
        Number of values that the rule remembers for each parameter.
    """

    rule: ClassVar[str]
    learning_rate: float

    @property
    def n_slots(self) -> int:
        return OPTIMIZER_SLOTS[self.rule]

    @abstractmethod
    def table(
        self, first_step: int, n_steps: int, learning_rate: float | NDArray
    ) -> NDArray[np.float64]:
        """Scalars of consecutive update steps.

        Parameters
        ----------
        first_step : int
            Number of the first step, counted from 1 since the moments were zero.
        n_steps : int
            Number of rows to compute.
        learning_rate : float or ndarray of shape (n_steps,)
            Learning rate of the steps, as the schedule left it.

        Returns
        -------
        table : ndarray of shape (n_steps, n_scalars), dtype float64
            One row per step. Columns that the rule does not read are zero.
        """


class SGD(Optimizer):
    """Stochastic gradient descent with momentum.

    With gradient ``g``, velocity ``v``, learning rate ``r`` and momentum ``m`` a step
    is ``v = m * v - r * g``, then ``w += v``, or ``w += m * v - r * g`` with
    Nesterov's look-ahead.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Learning rate that training starts with.
    momentum : float, default=0.9
        Share of the velocity that survives a step, in [0, 1].
    nesterov : bool, default=True
        Whether to use Nesterov's momentum.

    References
    ----------
    Sutskever, I., Martens, J., Dahl, G., and Hinton, G. "On the importance of
    initialization and momentum in deep learning". ICML 2013.

    Examples
    --------
    >>> from fastnn.optimizers import SGD
    >>> SGD(momentum=0.5, nesterov=False).table(1, 2, learning_rate=0.1)[:, :4]
    array([[0.1, 0.5, 1. , 0. ],
           [0.1, 0.5, 1. , 0. ]])
    """

    rule = "sgd"

    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": [_POSITIVE],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterov": ["boolean"],
    }

    def __init__(
        self,
        learning_rate: float = 0.001,
        *,
        momentum: float = 0.9,
        nesterov: bool = True,
    ):
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.nesterov = nesterov

    def table(
        self, first_step: int, n_steps: int, learning_rate: float | NDArray
    ) -> NDArray[np.float64]:
        table = np.zeros((n_steps, N_SCALARS))
        table[:, 0] = learning_rate
        table[:, 1] = self.momentum
        table[:, 2] = self.momentum if self.nesterov else 1.0
        table[:, 3] = 1.0 if self.nesterov else 0.0
        return table


class Adam(Optimizer):
    """Adam: steps scaled by running moments of the gradient.

    Epsilon is added to the square root of the uncorrected second moment and both bias
    corrections are folded into the learning rate, the order of computation that
    section 2 of the paper recommends and scikit-learn uses.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Learning rate that training starts with.
    beta_1 : float, default=0.9
        Decay rate of the mean of the gradient, in [0, 1).
    beta_2 : float, default=0.999
        Decay rate of the mean of the squared gradient, in [0, 1).
    epsilon : float, default=1e-8
        Added to the denominator, > 0.

    References
    ----------
    Kingma, D., and Ba, J. "Adam: a method for stochastic optimization". ICLR 2015.
    https://arxiv.org/abs/1412.6980

    Examples
    --------
    >>> from fastnn.optimizers import Adam
    >>> Adam(beta_1=0.5, beta_2=0.75).table(1, 2, learning_rate=0.1)[:, 0]
    array([0.1       , 0.08819171])
    """

    rule = "adam"

    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": [_POSITIVE],
        "beta_1": [_DECAY],
        "beta_2": [_DECAY],
        "epsilon": [_POSITIVE],
    }

    def __init__(
        self,
        learning_rate: float = 0.001,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
    ):
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def table(
        self, first_step: int, n_steps: int, learning_rate: float | NDArray
    ) -> NDArray[np.float64]:
        step = np.arange(first_step, first_step + n_steps, dtype=np.float64)
        correction = np.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        table = np.zeros((n_steps, N_SCALARS))
        table[:, 0] = learning_rate * correction
        table[:, 1] = self.beta_1
        table[:, 2] = 1 - self.beta_1
        table[:, 3] = self.beta_2
        table[:, 4] = 1 - self.beta_2
        table[:, 5] = self.epsilon
        return table
