"""What the engine and the predictor ask of a backend: the seam to compiled code.

``cpu/engine.pyx`` and ``cuda/engine.py`` train, ``cpu/predict.pyx`` predicts. They
trust what they are given: arguments are checked before.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

# Steps whose scalars are handed over at once, and are on a device at once.
STEPS_AT_ONCE = 8192


class Backend(Protocol):
    """A plan with its parameters, data set and buffers, where they are computed."""

    @property
    def n_rows(self) -> int:
        """Samples of the data set."""

    @property
    def gradients(self) -> NDArray:
        """What the last :meth:`gradient` summed up, on the host."""

    @property
    def reports(self) -> NDArray[np.float64]:
        """Of each loss, what the last :meth:`gradient` reports, and its weights."""

    @property
    def epoch_reports(self) -> NDArray[np.float64]:
        """The same over the steps of the present epoch."""

    @property
    def total(self) -> float:
        """Rows times mean loss over the steps of the present epoch."""

    @property
    def n_taken(self) -> int:
        """Steps in all epochs."""

    def shuffle(self, bit_generator: Any) -> None:
        """Shuffle the order of the rows with NumPy's bit generator."""

    def gradient(
        self, rows: NDArray[np.intp], scalars: NDArray[np.float64]
    ) -> tuple[float, float, float]:
        """Sums over these rows: loss, reported loss and weights; and the gradients."""

    def row_gradients(self) -> dict[int, tuple[NDArray[np.intp], NDArray]]:
        """Of each table whose gradient is rows, by its block: which rows, and these."""

    def partial_loss(self) -> tuple[float, float]:
        """Reported loss and weights of the rows that :meth:`gradient` has come to."""

    def update(self, scalars: NDArray[np.float64], weight_sum: float) -> float:
        """Take a step along the gradients; return the penalty before it."""

    def penalty(self, weight_sum: float) -> float:
        """The penalty of all parameters, as it is part of a sum of losses."""

    def steps(self, scalars: NDArray[np.float64], first: int) -> None:
        """Take the mini-batches numbered from first on, one for each row of scalars."""

    def reduced_products(self) -> int:
        """How many products were taken in the precision that was asked for."""

    def rest(self) -> None:
        """Send the other threads home, until there is more to do."""


class Forward(Protocol):
    """The forward ops of a plan on the CPU, for any number of callers at a time.

    That of a device takes parameters that it may have there already.
    """

    def accepts(self, X: Any) -> bool:
        """Whether X is all that is read: plain numbers of its shape, with rows."""

    def predict(
        self,
        parameters: NDArray,
        tables: tuple[Any, ...],
        n_threads: int = 1,
        *,
        check_input: bool = False,
        strict: bool = True,
    ) -> NDArray | None:
        """Predictions for every row; None if it is strict, and one not finite."""

    def evaluate(
        self,
        parameters: NDArray,
        tables: tuple[Any, ...],
        y: NDArray,
        sample_weight: NDArray | None,
    ) -> tuple[float, NDArray[np.float64]]:
        """Sums over all rows: loss, and what is reported of each one of the plan."""

    def judge(
        self,
        parameters: NDArray,
        tables: tuple[Any, ...],
        y: NDArray,
        sample_weight: NDArray | None,
        *,
        strict: bool = True,
    ) -> tuple[NDArray | None, tuple[float, NDArray[np.float64]]]:
        """What :meth:`predict` returns, and what :meth:`evaluate` does."""
