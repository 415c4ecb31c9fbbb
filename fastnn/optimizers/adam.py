"""Adam and its kin: steps scaled by running moments of the gradient."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fastnn.optimizers.base import NOT_NEGATIVE, POSITIVE, SHARE, SHARED, Optimizer


class _Moments(Optimizer):
    """Base class of the optimizers that keep both moments, corrected for their start.

    The correction of the second moment is moved to the learning rate and to epsilon,
    so that the compiled rows need none.
    """

    beta_1: float
    beta_2: float
    epsilon: float

    _parameter_constraints: ClassVar[dict] = {
        **SHARED,
        "beta_1": [SHARE],
        "beta_2": [SHARE],
        "epsilon": [POSITIVE],
    }

    def _fill(
        self, table: NDArray, step: NDArray, learning_rate: float | NDArray
    ) -> None:
        second = np.sqrt(1 - self.beta_2**step)
        table[:, 0] = learning_rate * second / (1 - self.beta_1**step)
        table[:, 1] = self.beta_1
        table[:, 2] = 1 - self.beta_1
        table[:, 3] = self.beta_2
        table[:, 4] = 1 - self.beta_2
        table[:, 5] = self.epsilon * second


class Adam(_Moments):
    """Adam: steps scaled by running moments of the gradient.

    With gradient ``g``, means ``m = beta_1 * m + (1 - beta_1) * g`` and ``v = beta_2 *
    v + (1 - beta_2) * g ** 2``, both divided by what they lack at step ``t``, ``1 -
    beta ** t``, a step is ``w -= learning_rate * m / (sqrt(v) + epsilon)``.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Learning rate that training starts with, > 0.
    beta_1 : float, default=0.9
        Decay rate of the mean of the gradient, in [0, 1).
    beta_2 : float, default=0.999
        Decay rate of the mean of the squared gradient, in [0, 1).
    epsilon : float, default=1e-8
        Added to the denominator, > 0.
    amsgrad : bool, default=False
        Whether ``v`` is the largest so far in the denominator.
    weight_decay : float, default=0.0
        Times the weight, added to the gradient; at least 0. Kernels decay, biases do
        not. See :class:`AdamW` for decay beside the step.
    clip_norm : float, default=None
        Largest norm of all gradients together, > 0; larger ones are scaled down.
    clip_value : float, default=None
        Largest absolute value of a gradient, > 0; larger ones are cut off.

    References
    ----------
    Kingma, D., and Ba, J. "Adam: a method for stochastic optimization". ICLR 2015.
    https://arxiv.org/abs/1412.6980
    Reddi, S. J., Kale, S., and Kumar, S. "On the convergence of Adam and beyond". ICLR
    2018, for ``amsgrad``.

    Examples
    --------
    >>> from fastnn.optimizers import Adam
    >>> Adam().rule, Adam(amsgrad=True).rule
    ('adam', 'amsgrad')
    """

    _parameter_constraints: ClassVar[dict] = {
        **_Moments._parameter_constraints,
        "amsgrad": ["boolean"],
    }

    def __init__(
        self,
        learning_rate: float = 0.001,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        amsgrad: bool = False,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ):
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.clip_value = clip_value

    @property
    def rule(self) -> str:
        """Name of the compiled update rule."""
        return "amsgrad" if self.amsgrad else "adam"


class AdamW(Adam):
    """Adam with decay beside the step: ``w -= learning_rate * weight_decay * w``.

    Decay then is the same for all weights, whatever their gradients were.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Learning rate that training starts with, > 0.
    beta_1 : float, default=0.9
        Decay rate of the mean of the gradient, in [0, 1).
    beta_2 : float, default=0.999
        Decay rate of the mean of the squared gradient, in [0, 1).
    epsilon : float, default=1e-8
        Added to the denominator, > 0.
    amsgrad : bool, default=False
        Whether ``v`` is the largest so far in the denominator; see :class:`Adam`.
    weight_decay : float, default=0.01
        At least 0. Kernels decay, biases do not.
    clip_norm : float, default=None
        Largest norm of all gradients together, > 0; larger ones are scaled down.
    clip_value : float, default=None
        Largest absolute value of a gradient, > 0; larger ones are cut off.

    References
    ----------
    Loshchilov, I., and Hutter, F. "Decoupled weight decay regularization". ICLR 2019.

    Examples
    --------
    >>> from fastnn.optimizers import AdamW
    >>> AdamW(3e-4, weight_decay=0.1)
    AdamW(learning_rate=0.0003, weight_decay=0.1)
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        amsgrad: bool = False,
        weight_decay: float = 0.01,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ):
        super().__init__(
            learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
            weight_decay=weight_decay,
            clip_norm=clip_norm,
            clip_value=clip_value,
        )

    @property
    def decay_is_decoupled(self) -> bool:
        """True: weight decay stands beside the step."""
        return True


class NAdam(_Moments):
    """Adam with Nesterov's look-ahead.

    With the means ``m`` and ``v`` of :class:`Adam` and the momentum of step ``t``, ``u
    = beta_1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))``, a step is ``w -=
    learning_rate * ((1 - u) * g / (1 - U) + u' * m / (1 - U')) / (sqrt(v) + epsilon)``.
    ``U`` is the product of all ``u`` so far; ``u'`` and ``U'`` are those of the next
    step.

    Parameters
    ----------
    learning_rate : float, default=0.002
        Learning rate that training starts with, > 0.
    beta_1 : float, default=0.9
        Decay rate of the mean of the gradient, in [0, 1).
    beta_2 : float, default=0.999
        Decay rate of the mean of the squared gradient, in [0, 1).
    epsilon : float, default=1e-8
        Added to the denominator, > 0.
    momentum_decay : float, default=0.004
        How fast the momentum rises from half of ``beta_1``, at least 0.
    weight_decay : float, default=0.0
        At least 0. Kernels decay, biases do not.
    decoupled_weight_decay : bool, default=False
        Whether decay stands beside the step, as in :class:`AdamW`, or is part of the
        gradient.
    clip_norm : float, default=None
        Largest norm of all gradients together, > 0; larger ones are scaled down.
    clip_value : float, default=None
        Largest absolute value of a gradient, > 0; larger ones are cut off.

    References
    ----------
    Dozat, T. "Incorporating Nesterov momentum into Adam". ICLR workshop 2016.

    Examples
    --------
    >>> from fastnn.optimizers import NAdam
    >>> NAdam().rule
    'nadam'
    """

    rule = "nadam"

    _parameter_constraints: ClassVar[dict] = {
        **_Moments._parameter_constraints,
        "momentum_decay": [NOT_NEGATIVE],
        "decoupled_weight_decay": ["boolean"],
    }

    def __init__(
        self,
        learning_rate: float = 0.002,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        momentum_decay: float = 0.004,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ):
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.momentum_decay = momentum_decay
        self.weight_decay = weight_decay
        self.decoupled_weight_decay = decoupled_weight_decay
        self.clip_norm = clip_norm
        self.clip_value = clip_value

    @property
    def decay_is_decoupled(self) -> bool:
        """Whether weight decay stands beside the step, or is part of the gradient."""
        return self.decoupled_weight_decay

    def _momentum(self, step: NDArray) -> NDArray[np.float64]:
        return self.beta_1 * (1 - 0.5 * 0.96 ** (step * self.momentum_decay))

    def _fill(
        self, table: NDArray, step: NDArray, learning_rate: float | NDArray
    ) -> None:
        super()._fill(table, step, learning_rate)
        # The products of all momenta up to each step, and to the one after the last.
        # They are below powers of beta_1, and soon nothing beside 1.
        first, last = int(step[0]), int(step[-1])
        lasting = 1 + int(np.log(1e-17) / np.log(max(self.beta_1, 1e-17)))
        products = np.zeros(last + 1 - (first - 1))
        known = np.cumprod(self._momentum(np.arange(1.0, min(lasting, last + 1) + 1)))
        products[: max(0, len(known) - (first - 1))] = known[first - 1 :]
        following = self._momentum(step + 1)
        table[:, 0] = learning_rate * np.sqrt(1 - self.beta_2**step)
        table[:, 6] = (1 - self._momentum(step)) / (1 - products[:-1])
        table[:, 7] = following / (1 - products[1:])
