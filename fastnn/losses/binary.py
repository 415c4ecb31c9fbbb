"""Losses of yes and no: one output for two classes, or one for each label."""

from collections.abc import Sequence
from numbers import Real
from typing import ClassVar

from numpy.typing import NDArray

from fastnn.losses.base import ElementwiseLoss, require
from fastnn.plan import ops
from fastnn.plan.tables import LOSS_LINKS
from fastnn.plan.tape import PREDICT, Tape
from fastnn.plan.tensor import Tensor
from fastnn.utils.plain_numbers import Interval


class LogLoss(ElementwiseLoss):
    """Binary log loss of each output, ``-y log(p) - (1 - y) log(1 - p)``.

    ``p = logistic(z)``; targets are between 0 and 1, one column for each output.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        Share by which targets are drawn towards 1/2, in [0, 1).

    References
    ----------
    Szegedy, C., et al. "Rethinking the Inception architecture for computer vision".
    CVPR 2016, section 7.

    Examples
    --------
    >>> from fastnn.losses import LogLoss
    >>> LogLoss().link
    'logistic'
    """

    name = "log_loss"
    link = LOSS_LINKS[name]

    _parameter_constraints: ClassVar[dict] = {
        "label_smoothing": [Interval(Real, 0, 1, closed="left")]
    }

    def __init__(self, label_smoothing: float = 0.0):
        self.label_smoothing = label_smoothing

    def _options(self) -> Sequence[float]:
        return (float(self.label_smoothing),)

    def check_targets(self, y: NDArray) -> None:
        """Check that targets are from 0 to 1; see :meth:`Loss.check_targets`."""
        require(
            "the log loss needs 0 <= y <= 1",
            y,
            (y >= 0) & (y <= 1),
            "Encode two classes as 0 and 1.",
        )


class _OfZeroAndOne(ElementwiseLoss):
    """Base class of the losses whose targets are nothing but 0 and 1."""

    def check_targets(self, y: NDArray) -> None:
        """Check that targets are 0 or 1; see :meth:`Loss.check_targets`."""
        require(
            f"{type(self).__name__} needs targets of 0 and 1",
            y,
            (y == 0) | (y == 1),
            "Encode two classes as 0 and 1.",
        )


class BinaryFocal(_OfZeroAndOne):
    """The log loss, weighed down where the output is right: ``-(1 - q)^gamma log(q)``.

    ``q`` is the probability of the right label, ``p = logistic(z)`` or ``1 - p``. Easy
    samples then do not drown the hard ones. Targets are 0 or 1, one column for each
    output.

    Parameters
    ----------
    gamma : float, default=2.0
        How much easy samples are weighed down, at least 0; 0 is the log loss.
    alpha : float, default=None
        Weight of the label 1, between 0 and 1; that of 0 is ``1 - alpha``. None weighs
        both as 1.

    References
    ----------
    Lin, T.-Y., Goyal, P., Girshick, R., He, K., and Dollar, P. "Focal loss for dense
    object detection". ICCV 2017.

    Examples
    --------
    >>> from fastnn.losses import BinaryFocal
    >>> BinaryFocal(gamma=1.0, alpha=0.25)
    BinaryFocal(alpha=0.25, gamma=1.0)
    """

    name = "binary_focal"
    link = LOSS_LINKS[name]

    _parameter_constraints: ClassVar[dict] = {
        "gamma": [Interval(Real, 0, None, closed="left")],
        "alpha": [Interval(Real, 0, 1, closed="neither"), None],
    }

    def __init__(self, gamma: float = 2.0, alpha: float | None = None):
        self.gamma = gamma
        self.alpha = alpha

    def lower(self, tape: Tape, z: Tensor) -> Tensor:
        """Write the loss of the raw outputs z; return the predictions."""
        self._validate_params()
        weights = (1.0, float(self.alpha)) if self.alpha is not None else (2.0, 0.5)
        ops.loss(
            tape,
            self.name,
            z,
            tape.target(z.shape),
            weight=weights[0],
            options=(float(self.gamma), weights[1]),
        )
        return ops.add(tape, z, None, self.link, PREDICT)


class Hinge(_OfZeroAndOne):
    """``max(0, 1 - s z)`` with ``s`` 1 for the target 1 and -1 for 0.

    Outputs of more than 0 speak for 1; they are no probabilities.

    References
    ----------
    Cortes, C., and Vapnik, V. "Support-vector networks". Machine Learning, 1995.

    Examples
    --------
    >>> from fastnn.losses import Hinge
    >>> Hinge().link
    'identity'
    """

    name = "hinge"
    link = LOSS_LINKS[name]


class SquaredHinge(_OfZeroAndOne):
    """``max(0, 1 - s z) ** 2`` with ``s`` 1 for the target 1 and -1 for 0.

    Outputs of more than 0 speak for 1; they are no probabilities.

    Examples
    --------
    >>> from fastnn.losses import SquaredHinge
    >>> SquaredHinge().link
    'identity'
    """

    name = "squared_hinge"
    link = LOSS_LINKS[name]
