"""Losses: what training minimises, computed from the raw outputs of a network.

Each loss merges the link, the function that turns raw outputs into predictions, into
its formula: the logarithm of a probability is exact where the probability itself would
round to 0 or 1.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

from sklearn.base import BaseEstimator

from fastnn._core.tables import LOSS_LINKS
from fastnn.lowering import PREDICT, Lowering, Tensor


class Loss(BaseEstimator, ABC):
    """Base class of the losses.

    Attributes
    ----------
    link : str
        Name of the function from raw outputs to predictions.
    """

    link: ClassVar[str]

    @abstractmethod
    def lower(self, lowering: Lowering, z: Tensor) -> Tensor:
        """Write the loss of the raw outputs z; return the predictions.

        Parameters
        ----------
        lowering : Lowering
        z : Tensor

        Returns
        -------
        prediction : Tensor
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

    def lower(self, lowering: Lowering, z: Tensor) -> Tensor:
        """Write the loss of the raw outputs z; return the predictions."""
        target = lowering.target(z.shape)
        lowering.loss(self.name, z, target, report=self._report(z.size))
        return lowering.add(z, None, LOSS_LINKS[self.name], PREDICT)


class SquaredError(ElementwiseLoss):
    """Half the squared error, ``(z - y) ** 2 / 2``.

    Minimised is the sum over outputs; reported, as scikit-learn does, is their mean.

    Examples
    --------
    >>> from fastnn.losses import SquaredError
    >>> SquaredError().link
    'identity'
    """

    name = "squared_error"
    link = LOSS_LINKS[name]

    def _report(self, n_outputs: int) -> float:
        return 1 / n_outputs


class Poisson(ElementwiseLoss):
    """Half the Poisson deviance, ``y log(y / p) - y + p`` with ``p = exp(z)``.

    Targets are at least 0.

    Examples
    --------
    >>> from fastnn.losses import Poisson
    >>> Poisson().link
    'exponential'
    """

    name = "poisson"
    link = LOSS_LINKS[name]


class LogLoss(ElementwiseLoss):
    """Binary log loss of each output, ``-y log(p) - (1 - y) log(1 - p)``.

    ``p = logistic(z)``; targets are between 0 and 1, one column for each output.

    Examples
    --------
    >>> from fastnn.losses import LogLoss
    >>> LogLoss().link
    'logistic'
    """

    name = "log_loss"
    link = LOSS_LINKS[name]


class CrossEntropy(Loss):
    """Categorical cross-entropy, ``-log(p[label])`` with ``p = softmax(z)``.

    Targets are class numbers, one column that holds 0 to n_classes - 1.

    Examples
    --------
    >>> from fastnn.losses import CrossEntropy
    >>> CrossEntropy().link
    'softmax'
    """

    link = "softmax"

    def lower(self, lowering: Lowering, z: Tensor) -> Tensor:
        """Write the loss of the raw outputs z; return the probabilities."""
        target = lowering.target((*z.shape[:-1], 1), n_classes=z.shape[-1])
        lowering.cross_entropy(z, target)
        return lowering.softmax(z, PREDICT)
