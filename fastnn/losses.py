"""Losses: what training minimises, computed from the raw outputs of a network.

Each loss merges the link, the function that turns raw outputs into predictions, into
its formula: the logarithm of a probability is exact where the probability itself would
round to 0 or 1.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from numbers import Real
from typing import ClassVar

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval

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

    _parameter_constraints: ClassVar[dict] = {}

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

    def _option(self) -> float:
        """The loss' own parameter, as its row of the table reads it."""
        return 0.0

    def lower(self, lowering: Lowering, z: Tensor) -> Tensor:
        """Write the loss of the raw outputs z; return the predictions."""
        target = lowering.target(z.shape)
        self._validate_params()
        report, option = self._report(z.size), self._option()
        lowering.loss(self.name, z, target, report=report, option=option)
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


class AbsoluteError(ElementwiseLoss):
    """The absolute error, ``|z - y|``: predicts the median.

    Minimised is the sum over outputs; reported is their mean.

    Examples
    --------
    >>> from fastnn.losses import AbsoluteError
    >>> AbsoluteError().link
    'identity'
    """

    name = "absolute_error"
    link = LOSS_LINKS[name]

    def _report(self, n_outputs: int) -> float:
        return 1 / n_outputs


class Huber(ElementwiseLoss):
    """Half the squared error up to ``delta``, and linear beyond: outliers pull less.

    Minimised is the sum over outputs; reported is their mean.

    Parameters
    ----------
    delta : float, default=1.0
        Largest error that is squared, > 0, in the units of y.

    References
    ----------
    Huber, P. J. "Robust estimation of a location parameter". Annals of Mathematical
    Statistics, 1964.

    Examples
    --------
    >>> from fastnn.losses import Huber
    >>> Huber(delta=2.0)
    Huber(delta=2.0)
    """

    name = "huber"
    link = LOSS_LINKS[name]

    _parameter_constraints: ClassVar[dict] = {
        "delta": [Interval(Real, 0, None, closed="neither")]
    }

    def __init__(self, delta: float = 1.0):
        self.delta = delta

    def _report(self, n_outputs: int) -> float:
        return 1 / n_outputs

    def _option(self) -> float:
        return float(self.delta)


class Quantile(ElementwiseLoss):
    """The pinball loss: predicts a quantile of y given X.

    ``quantile * (y - z)`` where the prediction is too low, ``(1 - quantile) * (z - y)``
    where it is too high. Minimised is the sum over outputs; reported is their mean.

    Parameters
    ----------
    quantile : float, default=0.5
        Which quantile, between 0 and 1.

    References
    ----------
    Koenker, R., and Bassett, G. "Regression quantiles". Econometrica, 1978.

    Examples
    --------
    >>> from fastnn.losses import Quantile
    >>> Quantile(0.9)
    Quantile(quantile=0.9)
    """

    name = "quantile"
    link = LOSS_LINKS[name]

    _parameter_constraints: ClassVar[dict] = {
        "quantile": [Interval(Real, 0, 1, closed="neither")]
    }

    def __init__(self, quantile: float = 0.5):
        self.quantile = quantile

    def _report(self, n_outputs: int) -> float:
        return 1 / n_outputs

    def _option(self) -> float:
        return float(self.quantile)


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
        target = lowering.target((*z.shape[:-1], 1), n_classes=z.shape[-1:])
        lowering.cross_entropy(z, target)
        return lowering.softmax(z, PREDICT)


class CrossEntropies(Loss):
    """The sum of several categorical cross-entropies, for several columns of classes.

    The raw outputs of the columns stand side by side, and each has its own softmax.
    Targets are class numbers, one column for each.

    Parameters
    ----------
    n_classes : list of int
        How many classes each column has.

    Examples
    --------
    >>> from fastnn.losses import CrossEntropies
    >>> CrossEntropies([3, 2])
    CrossEntropies(n_classes=[3, 2])
    """

    link = "softmax"

    _parameter_constraints: ClassVar[dict] = {"n_classes": ["array-like"]}

    def __init__(self, n_classes: Sequence[int]):
        self.n_classes = n_classes

    def lower(self, lowering: Lowering, z: Tensor) -> Tensor:
        """Write the losses of the raw outputs z; return the probabilities."""
        self._validate_params()
        heads = [int(n) for n in self.n_classes]
        if min(heads) < 1 or (sum(heads),) != z.shape:
            raise ValueError(
                f"n_classes={self.n_classes} must be positive and add up to the "
                f"network's outputs, which have shape {z.shape}"
            )
        target = lowering.target((len(heads),), n_classes=heads)
        lowering.cross_entropy(z, target, heads=heads)
        return lowering.softmax(z, PREDICT, heads)
