"""Lion: steps of one size in the direction of a sign."""

from typing import ClassVar

from numpy.typing import NDArray

from fastnn.optimizers.base import SHARE, SHARED, Optimizer


class Lion(Optimizer):
    """Evolved sign momentum: every weight moves by the learning rate.

    With gradient ``g`` and mean ``m`` a step is ``w -= learning_rate * (sign(beta_1 * m
    + (1 - beta_1) * g) + weight_decay * w)``, then ``m = beta_2 * m + (1 - beta_2) *
    g``. Its learning rate is usually a third to a tenth of Adam's, and its weight decay
    as many times larger.

    Parameters
    ----------
    learning_rate : float, default=0.0001
        Learning rate that training starts with, > 0.
    beta_1 : float, default=0.9
        Share of the mean in the direction of the step, in [0, 1).
    beta_2 : float, default=0.99
        Decay rate of the mean of the gradient, in [0, 1).
    weight_decay : float, default=0.0
        At least 0; it stands beside the step. Kernels decay, biases do not.
    clip_norm : float, default=None
        Largest norm of all gradients together, > 0; larger ones are scaled down.
    clip_value : float, default=None
        Largest absolute value of a gradient, > 0; larger ones are cut off.

    References
    ----------
    Chen, X., et al. "Symbolic discovery of optimization algorithms". NeurIPS 2023.

    Examples
    --------
    >>> from fastnn.optimizers import Lion
    >>> Lion().n_slots
    1
    """

    rule = "lion"

    _parameter_constraints: ClassVar[dict] = {
        **SHARED,
        "beta_1": [SHARE],
        "beta_2": [SHARE],
    }

    def __init__(
        self,
        learning_rate: float = 0.0001,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ):
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.clip_value = clip_value

    @property
    def decay_is_decoupled(self) -> bool:
        """True: weight decay stands beside the step."""
        return True

    def _fill(
        self, table: NDArray, step: NDArray, learning_rate: float | NDArray
    ) -> None:
        table[:, 0] = learning_rate
        table[:, 1] = self.beta_1
        table[:, 2] = 1 - self.beta_1
        table[:, 3] = self.beta_2
        table[:, 4] = 1 - self.beta_2
