"""The formulas of scikit-learn's perceptron, where they are not the usual ones.

They read the same compiled rows through other step tables.
"""

from numbers import Real
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fastnn.optimizers.base import POSITIVE, RATE, SHARE, Optimizer
from fastnn.utils.plain_numbers import Interval


class SklearnSGD(Optimizer):
    """SGD whose velocity adds up steps, and not gradients.

    With gradient ``g``, velocity ``v``, learning rate ``r`` and momentum ``m`` a step
    is ``v = m * v - r * g``, then ``w += v``, or ``w += m * v - r * g`` with
    Nesterov's look-ahead. It differs from :class:`SGD` where the learning rate changes.

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
    >>> from fastnn.optimizers import SklearnSGD
    >>> SklearnSGD(momentum=0.5, nesterov=False).table(1, 1, learning_rate=0.1)[:, :6]
    array([[0.1, 0.5, 1. , 0. , 0. , 1. ]])
    """

    rule = "sgd"

    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": [RATE],
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

    def _fill(
        self, table: NDArray, step: NDArray, learning_rate: float | NDArray
    ) -> None:
        table[:, 0] = learning_rate
        table[:, 1] = self.momentum
        table[:, 2] = self.momentum if self.nesterov else 1.0
        table[:, 3] = 1.0 if self.nesterov else 0.0
        table[:, 5] = 1.0


class SklearnAdam(Optimizer):
    """Adam whose epsilon is added before the bias correction.

    Epsilon is added to the square root of the uncorrected second moment and both bias
    corrections are folded into the learning rate, the order of computation that
    section 2 of the paper recommends.

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
    >>> from fastnn.optimizers import SklearnAdam
    >>> SklearnAdam(beta_1=0.5, beta_2=0.75).table(1, 2, learning_rate=0.1)[:, 0]
    array([0.1       , 0.08819171])
    """

    rule = "adam"

    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": [RATE],
        "beta_1": [SHARE],
        "beta_2": [SHARE],
        "epsilon": [POSITIVE],
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

    def _fill(
        self, table: NDArray, step: NDArray, learning_rate: float | NDArray
    ) -> None:
        correction = np.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        table[:, 0] = learning_rate * correction
        table[:, 1] = self.beta_1
        table[:, 2] = 1 - self.beta_1
        table[:, 3] = self.beta_2
        table[:, 4] = 1 - self.beta_2
        table[:, 5] = self.epsilon
