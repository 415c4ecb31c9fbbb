"""What every loss is: a description that can write itself down as ops."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from fastnn.plan import ops
from fastnn.plan.tables import LOSS_LINKS
from fastnn.plan.tape import PREDICT, Tape
from fastnn.plan.tensor import Tensor


class Loss(BaseEstimator, ABC):
    """Base class of the losses.

    Attributes
    ----------
    link : str
        Name of the function from raw outputs to predictions.
    """

    link: str

    _parameter_constraints: ClassVar[dict] = {}

    @property
    def reads_class_numbers(self) -> bool:
        """Whether a target is the number of a class, each of which has an output."""
        return False

    @abstractmethod
    def lower(self, tape: Tape, z: Tensor) -> Tensor:
        """Write the loss of the raw outputs z; return the predictions.

        Parameters
        ----------
        tape : Tape
        z : Tensor

        Returns
        -------
        prediction : Tensor
        """

    def check_targets(self, y: NDArray) -> None:
        """Check that the loss is defined for these targets.

        Parameters
        ----------
        y : ndarray
            Encoded targets, of any shape.

        Raises
        ------
        ValueError
            If it is not; the message says what would do.
        """


class ElementwiseLoss(Loss):
    """Base class of the losses that are a sum over samples and outputs.

    Attributes
    ----------
    name : str
        Row of the compiled table of losses.
    """

    name: ClassVar[str]

    def _report(self, n_outputs: int) -> float:
        """Factor from the minimised sum over outputs to the loss that is reported."""
        return 1.0

    def _options(self) -> Sequence[float]:
        """The loss' own parameters, as its row of the table reads them."""
        return ()

    def lower(self, tape: Tape, z: Tensor) -> Tensor:
        """Write the loss of the raw outputs z; return the predictions."""
        self._validate_params()
        ops.loss(
            tape,
            self.name,
            z,
            tape.target(z.shape),
            report=self._report(z.size),
            options=self._options(),
        )
        return ops.add(tape, z, None, LOSS_LINKS[self.name], PREDICT)


def require(what: str, y: NDArray, valid: NDArray | np.bool_, otherwise: str) -> None:
    """Raise where targets are not valid, and name one of these."""
    if not np.all(valid):
        wrong = y[~np.broadcast_to(valid, y.shape)]
        raise ValueError(f"{what}, got {wrong[abs(wrong).argmax()]:g}. {otherwise}")
