"""Stochastic gradient descent."""

from typing import ClassVar

from numpy.typing import NDArray

from fastnn.optimizers.base import SHARE, SHARED, Optimizer


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if you like.

    With gradient ``g``, velocity ``v``, learning rate ``r`` and momentum ``m`` a step
    is ``v = m * v + (1 - dampening) * g``, then ``w -= r * v``, or with Nesterov's
    look-ahead ``w -= r * (g + m * v)``. The first gradient is not dampened.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Learning rate that training starts with, > 0.
    momentum : float, default=0.0
        Share of the velocity that survives a step, in [0, 1).
    dampening : float, default=0.0
        Share of the gradient that is kept out of the velocity, in [0, 1).
    nesterov : bool, default=False
        Whether to use Nesterov's momentum, which needs ``momentum > 0`` and
        ``dampening=0``.
    weight_decay : float, default=0.0
        Times the weight, added to the gradient; at least 0. Kernels decay, biases do
        not.
    clip_norm : float, default=None
        Largest norm of all gradients together, > 0; larger ones are scaled down.
    clip_value : float, default=None
        Largest absolute value of a gradient, > 0; larger ones are cut off.

    References
    ----------
    Sutskever, I., Martens, J., Dahl, G., and Hinton, G. "On the importance of
    initialization and momentum in deep learning". ICML 2013.
    Pascanu, R., Mikolov, T., and Bengio, Y. "On the difficulty of training recurrent
    neural networks". ICML 2013, for clipping by norm.

    Examples
    --------
    >>> from fastnn.optimizers import SGD
    >>> SGD(momentum=0.9, nesterov=True).rule
    'sgd'
    """

    rule = "sgd"

    _parameter_constraints: ClassVar[dict] = {
        **SHARED,
        "momentum": [SHARE],
        "dampening": [SHARE],
        "nesterov": ["boolean"],
    }

    def __init__(
        self,
        learning_rate: float = 0.001,
        *,
        momentum: float = 0.0,
        dampening: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ):
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.dampening = dampening
        self.nesterov = nesterov
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.clip_value = clip_value

    def check(self) -> None:
        """Check the parameters; see :meth:`Optimizer.check`."""
        super().check()
        if self.nesterov and not (self.momentum > 0 and self.dampening == 0):
            raise ValueError(
                f"nesterov=True needs momentum > 0 and dampening=0, got "
                f"momentum={self.momentum} and dampening={self.dampening}."
            )

    def _fill(
        self, table: NDArray, step: NDArray, learning_rate: float | NDArray
    ) -> None:
        table[:, 0] = learning_rate
        table[:, 1] = self.momentum
        table[:, 4] = 1 - self.dampening * (step > 1)
        table[:, 3] = 1.0 if self.nesterov else 0.0
        table[:, 6] = self.momentum if self.nesterov else 1.0
