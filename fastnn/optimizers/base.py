"""What every optimizer is: a description that fills the engine's step table."""

from abc import ABC, abstractmethod
from numbers import Real
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from fastnn.plan.tables import (
    CLIP_NORM,
    CLIP_VALUE,
    COUPLED_DECAY,
    DECOUPLED_DECAY,
    N_SCALARS,
    OPTIMIZER_SLOTS,
)
from fastnn.utils.plain_numbers import Interval


class _Rates(Interval):
    """Learning rates: where one is as good as 0, weights stay as they are."""

    def demand(self, number: float, dtype: np.dtype) -> str | None:
        """None: schedules may make any rate as small, and divergence is noticed."""
        return None


RATE = _Rates(Real, 0, None, closed="neither")
POSITIVE = Interval(Real, 0, None, closed="neither")
NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
SHARE = Interval(Real, 0, 1, closed="left")

# Constraints of the parameters that all optimizers have.
SHARED: dict[str, list] = {
    "learning_rate": [RATE],
    "weight_decay": [NOT_NEGATIVE],
    "clip_norm": [POSITIVE, None],
    "clip_value": [POSITIVE, None],
}


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

    learning_rate: float
    # What an optimizer without these parameters does.
    weight_decay: float = 0.0
    clip_norm: float | None = None
    clip_value: float | None = None

    _parameter_constraints: ClassVar[dict] = {}

    @property
    @abstractmethod
    def rule(self) -> str:
        """Name of the compiled update rule."""

    @property
    def n_slots(self) -> int:
        """Number of values that the rule remembers for each parameter."""
        return OPTIMIZER_SLOTS[self.rule]

    @property
    def decay_is_decoupled(self) -> bool:
        """Whether weight decay stands beside the step, or is part of the gradient."""
        return False

    def check(self) -> None:
        """Check the parameters.

        Raises
        ------
        ValueError
            If one is not valid, or two contradict each other.
        """
        self._validate_params()
        if self.clip_norm is not None and self.clip_value is not None:
            raise ValueError(
                f"gradients are clipped by their norm or by value, got "
                f"clip_norm={self.clip_norm} and clip_value={self.clip_value}. Set one "
                "of them to None."
            )

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
            One row per step. Columns that are not read are zero.
        """
        table = np.zeros((n_steps, N_SCALARS))
        step = np.arange(first_step, first_step + n_steps, dtype=np.float64)
        self._fill(table, step, learning_rate)
        if self.decay_is_decoupled:
            table[:, DECOUPLED_DECAY] = learning_rate * np.float64(self.weight_decay)
        else:
            table[:, COUPLED_DECAY] = self.weight_decay
        table[:, CLIP_NORM] = self.clip_norm or 0.0
        table[:, CLIP_VALUE] = self.clip_value or 0.0
        return table

    @abstractmethod
    def _fill(
        self, table: NDArray, step: NDArray, learning_rate: float | NDArray
    ) -> None:
        """Write the columns that the rule reads, for steps of these numbers."""
