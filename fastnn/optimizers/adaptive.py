"""Optimizers that scale each step by the size of past gradients."""

from typing import ClassVar

from numpy.typing import NDArray

from fastnn.optimizers.base import NOT_NEGATIVE, POSITIVE, SHARE, SHARED, Optimizer


class RMSprop(Optimizer):
    """Steps divided by the root of a running mean of the squared gradient.

    With gradient ``g`` and ``v = rho * v + (1 - rho) * g ** 2`` a step is ``w -=
    learning_rate * g / (sqrt(v) + epsilon)``. With momentum, these quotients add up:
    ``b = momentum * b + g / (sqrt(v) + epsilon)``, then ``w -= learning_rate * b``.

    Parameters
    ----------
    learning_rate : float, default=0.01
        Learning rate that training starts with, > 0.
    rho : float, default=0.99
        Decay rate of the mean of the squared gradient, in [0, 1).
    epsilon : float, default=1e-8
        Added to the denominator, > 0.
    momentum : float, default=0.0
        Share of the last step that the next one starts with, in [0, 1).
    centered : bool, default=False
        Whether to divide by the root of an estimate of the variance: the square of a
        running mean of the gradient is taken from ``v``.
    weight_decay : float, default=0.0
        Times the weight, added to the gradient; at least 0. Kernels decay, biases do
        not.
    clip_norm : float, default=None
        Largest norm of all gradients together, > 0; larger ones are scaled down.
    clip_value : float, default=None
        Largest absolute value of a gradient, > 0; larger ones are cut off.

    References
    ----------
    Tieleman, T., and Hinton, G. "Lecture 6.5: RMSProp". Neural networks for machine
    learning, 2012.
    Graves, A. "Generating sequences with recurrent neural networks". 2013,
    https://arxiv.org/abs/1308.0850, for ``centered``.

    Examples
    --------
    >>> from fastnn.optimizers import RMSprop
    >>> RMSprop(centered=True).rule
    'rmsprop_centered'
    """

    _parameter_constraints: ClassVar[dict] = {
        **SHARED,
        "rho": [SHARE],
        "epsilon": [POSITIVE],
        "momentum": [SHARE],
        "centered": ["boolean"],
    }

    def __init__(
        self,
        learning_rate: float = 0.01,
        *,
        rho: float = 0.99,
        epsilon: float = 1e-8,
        momentum: float = 0.0,
        centered: bool = False,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ):
        self.learning_rate = learning_rate
        self.rho = rho
        self.epsilon = epsilon
        self.momentum = momentum
        self.centered = centered
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.clip_value = clip_value

    @property
    def rule(self) -> str:
        """Name of the compiled update rule."""
        return "rmsprop_centered" if self.centered else "rmsprop"

    def _fill(
        self, table: NDArray, step: NDArray, learning_rate: float | NDArray
    ) -> None:
        table[:, 0] = learning_rate
        table[:, 1] = self.rho
        table[:, 2] = 1 - self.rho
        table[:, 3] = self.momentum
        table[:, 4] = self.epsilon


class Adagrad(Optimizer):
    """Steps divided by the root of the sum of all squared gradients.

    With gradient ``g`` and ``s += g ** 2`` a step is ``w -= rate * g / (sqrt(s) +
    epsilon)``, where in step ``t`` the rate is ``learning_rate / (1 + (t - 1) *
    learning_rate_decay)``.

    Parameters
    ----------
    learning_rate : float, default=0.01
        Learning rate that training starts with, > 0.
    learning_rate_decay : float, default=0.0
        How fast the learning rate falls, at least 0.
    initial_accumulator_value : float, default=0.0
        What ``s`` starts from, at least 0.
    epsilon : float, default=1e-10
        Added to the denominator, > 0.
    weight_decay : float, default=0.0
        Times the weight, added to the gradient; at least 0. Kernels decay, biases do
        not.
    clip_norm : float, default=None
        Largest norm of all gradients together, > 0; larger ones are scaled down.
    clip_value : float, default=None
        Largest absolute value of a gradient, > 0; larger ones are cut off.

    References
    ----------
    Duchi, J., Hazan, E., and Singer, Y. "Adaptive subgradient methods for online
    learning and stochastic optimization". JMLR 2011.

    Examples
    --------
    >>> from fastnn.optimizers import Adagrad
    >>> Adagrad(learning_rate_decay=1.0).table(1, 3, learning_rate=0.6)[:, 0]
    array([0.6, 0.3, 0.2])
    """

    rule = "adagrad"

    _parameter_constraints: ClassVar[dict] = {
        **SHARED,
        "learning_rate_decay": [NOT_NEGATIVE],
        "initial_accumulator_value": [NOT_NEGATIVE],
        "epsilon": [POSITIVE],
    }

    def __init__(
        self,
        learning_rate: float = 0.01,
        *,
        learning_rate_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        epsilon: float = 1e-10,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ):
        self.learning_rate = learning_rate
        self.learning_rate_decay = learning_rate_decay
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.clip_value = clip_value

    def _fill(
        self, table: NDArray, step: NDArray, learning_rate: float | NDArray
    ) -> None:
        table[:, 0] = learning_rate / (1 + (step - 1) * self.learning_rate_decay)
        table[:, 1] = self.epsilon
        table[:, 2] = self.initial_accumulator_value


class Adadelta(Optimizer):
    """Steps of the size that past steps had, for gradients of the size past ones had.

    With gradient ``g`` and ``v = rho * v + (1 - rho) * g ** 2`` the move is ``d =
    sqrt(u + epsilon) / sqrt(v + epsilon) * g``; then ``u = rho * u + (1 - rho) * d **
    2`` and ``w -= learning_rate * d``.

    Parameters
    ----------
    learning_rate : float, default=1.0
        Factor of the move, > 0.
    rho : float, default=0.9
        Decay rate of both means, in [0, 1).
    epsilon : float, default=1e-6
        What training starts with, > 0.
    weight_decay : float, default=0.0
        Times the weight, added to the gradient; at least 0. Kernels decay, biases do
        not.
    clip_norm : float, default=None
        Largest norm of all gradients together, > 0; larger ones are scaled down.
    clip_value : float, default=None
        Largest absolute value of a gradient, > 0; larger ones are cut off.

    References
    ----------
    Zeiler, M. D. "ADADELTA: an adaptive learning rate method". 2012,
    https://arxiv.org/abs/1212.5701.

    Examples
    --------
    >>> from fastnn.optimizers import Adadelta
    >>> Adadelta().n_slots
    2
    """

    rule = "adadelta"

    _parameter_constraints: ClassVar[dict] = {
        **SHARED,
        "rho": [SHARE],
        "epsilon": [POSITIVE],
    }

    def __init__(
        self,
        learning_rate: float = 1.0,
        *,
        rho: float = 0.9,
        epsilon: float = 1e-6,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ):
        self.learning_rate = learning_rate
        self.rho = rho
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.clip_value = clip_value

    def _fill(
        self, table: NDArray, step: NDArray, learning_rate: float | NDArray
    ) -> None:
        table[:, 0] = learning_rate
        table[:, 1] = self.rho
        table[:, 2] = 1 - self.rho
        table[:, 3] = self.epsilon
