"""Losses of exclusive classes: one output for each class."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import ClassVar

from numpy.typing import NDArray

from fastnn.losses.base import Loss, require
from fastnn.plan import ops
from fastnn.plan.ops import Head
from fastnn.plan.tables import LOSS_LINKS
from fastnn.plan.tape import PREDICT, Tape
from fastnn.plan.tensor import Tensor
from fastnn.utils.plain_numbers import Interval, plain_number

_SHARE = Interval(Real, 0, 1, closed="left")


class _OfClassNumbers(Loss):
    """Base class of the losses whose targets are class numbers, 0 to n_classes - 1."""

    name: ClassVar[str]
    reads_class_numbers = True

    def _options(self) -> Sequence[float]:
        """The loss' own parameters, as its row of the table reads them."""
        return ()

    def lower(self, tape: Tape, z: Tensor) -> Tensor:
        """Write the loss of the raw outputs z; return the predictions."""
        self._validate_params()
        _check_classes(self, z)
        target = tape.target((*z.shape[:-1], 1), n_classes=z.shape[-1:])
        ops.loss(tape, self.name, z, target, options=self._options())
        return z if self.link == "identity" else ops.softmax(tape, z, PREDICT)


class CrossEntropy(_OfClassNumbers):
    """Categorical cross-entropy, ``-log(p[label])`` with ``p = softmax(z)``.

    Targets are class numbers, one column that holds 0 to n_classes - 1.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        Share of the label that is spread over all classes alike, in [0, 1).

    References
    ----------
    Szegedy, C., et al. "Rethinking the Inception architecture for computer vision".
    CVPR 2016, section 7.

    Examples
    --------
    >>> from fastnn.losses import CrossEntropy
    >>> CrossEntropy().link
    'softmax'
    """

    name = "cross_entropy"
    link = LOSS_LINKS[name]

    _parameter_constraints: ClassVar[dict] = {"label_smoothing": [_SHARE]}

    def __init__(self, label_smoothing: float = 0.0):
        self.label_smoothing = label_smoothing

    def _options(self) -> Sequence[float]:
        return (float(self.label_smoothing),)


class CrossEntropies(Loss):
    """The sum of several categorical cross-entropies, for several columns of classes.

    The raw outputs of the columns stand side by side, and each has its own softmax.
    Targets are class numbers, one column for each.

    Parameters
    ----------
    n_classes : list of int
        How many classes each column has.
    label_smoothing : float, default=0.0
        As that of :class:`CrossEntropy`.

    Examples
    --------
    >>> from fastnn.losses import CrossEntropies
    >>> CrossEntropies([3, 2])
    CrossEntropies(n_classes=[3, 2])
    """

    link = "softmax"

    _parameter_constraints: ClassVar[dict] = {
        "n_classes": ["array-like"],
        "label_smoothing": [_SHARE],
    }

    def __init__(self, n_classes: Sequence[int], label_smoothing: float = 0.0):
        self.n_classes = n_classes
        self.label_smoothing = label_smoothing

    def lower(self, tape: Tape, z: Tensor) -> Tensor:
        """Write the losses of the raw outputs z; return the probabilities."""
        self._validate_params()
        widths = [plain_number(n) for n in self.n_classes]
        whole = all(isinstance(n, int) and n >= 1 for n in widths)
        if not whole or (sum(widths),) != z.shape:
            raise ValueError(
                f"n_classes={self.n_classes} must be integers of 1 or more and add up "
                f"to the network's outputs, which have shape {z.shape}"
            )
        target = tape.target((len(widths),), n_classes=widths)
        options = (float(self.label_smoothing),)
        heads = [
            Head(sum(widths[:i]), width, i, options) for i, width in enumerate(widths)
        ]
        ops.loss(tape, "cross_entropy", z, target, heads)
        return ops.softmax(tape, z, PREDICT, widths)


class Focal(_OfClassNumbers):
    """The cross-entropy, weighed down where the output is right.

    ``-(1 - q)^gamma log(q)`` with ``q = softmax(z)[label]``. Targets are class numbers.

    Parameters
    ----------
    gamma : float, default=2.0
        How much easy samples are weighed down, at least 0; 0 is the cross-entropy.

    References
    ----------
    Lin, T.-Y., Goyal, P., Girshick, R., He, K., and Dollar, P. "Focal loss for dense
    object detection". ICCV 2017.

    Examples
    --------
    >>> from fastnn.losses import Focal
    >>> Focal(gamma=1.0)
    Focal(gamma=1.0)
    """

    name = "focal"
    link = LOSS_LINKS[name]

    _parameter_constraints: ClassVar[dict] = {
        "gamma": [Interval(Real, 0, None, closed="left")]
    }

    def __init__(self, gamma: float = 2.0):
        self.gamma = gamma

    def _options(self) -> Sequence[float]:
        return (float(self.gamma),)


class MultiMargin(_OfClassNumbers):
    """The hinge loss of several classes, or its square.

    The mean over the classes of ``max(0, margin - z[label] + z) ** power``, without the
    label's own. Targets are class numbers; predictions are no probabilities.

    Parameters
    ----------
    power : {1, 2}, default=1
        2 squares it.
    margin : float, default=1.0
        By how much the label's output is to exceed the others, > 0.

    References
    ----------
    Weston, J., and Watkins, C. "Support vector machines for multi-class pattern
    recognition". ESANN 1999.

    Examples
    --------
    >>> from fastnn.losses import MultiMargin
    >>> MultiMargin(power=2).link
    'identity'
    """

    name = "multi_margin"
    link = LOSS_LINKS[name]

    _parameter_constraints: ClassVar[dict] = {
        "power": [Interval(Integral, 1, 2, closed="both")],
        "margin": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, power: int = 1, margin: float = 1.0):
        self.power = power
        self.margin = margin

    def _options(self) -> Sequence[float]:
        return (float(self.power), float(self.margin))


class _OfShares(Loss):
    """Base class of the losses whose targets are shares, a column for each class."""

    name: ClassVar[str]

    def _options(self) -> Sequence[float]:
        """The loss' own parameters, as its row of the table reads them."""
        return ()

    def lower(self, tape: Tape, z: Tensor) -> Tensor:
        """Write the loss of the raw outputs z; return the probabilities."""
        self._validate_params()
        _check_classes(self, z)
        target = tape.target(z.shape)
        ops.loss(tape, self.name, z, target, options=self._options())
        return ops.softmax(tape, z, PREDICT)

    def check_targets(self, y: NDArray) -> None:
        """Check that no share is negative; see :meth:`Loss.check_targets`."""
        require(
            f"{type(self).__name__} needs y >= 0",
            y,
            y >= 0,
            "Pass a row of shares for each sample, which usually sum to 1.",
        )


class SoftCrossEntropy(_OfShares):
    """Categorical cross-entropy of shares, ``-sum(y log(p))`` with ``p = softmax(z)``.

    Targets are one-hot rows or probabilities, a column for each class.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        Share of the target that is spread over all classes alike, in [0, 1).

    References
    ----------
    Szegedy, C., et al. "Rethinking the Inception architecture for computer vision".
    CVPR 2016, section 7.

    Examples
    --------
    >>> from fastnn.losses import SoftCrossEntropy
    >>> SoftCrossEntropy(label_smoothing=0.1)
    SoftCrossEntropy(label_smoothing=0.1)
    """

    name = "soft_cross_entropy"
    link = LOSS_LINKS[name]

    _parameter_constraints: ClassVar[dict] = {"label_smoothing": [_SHARE]}

    def __init__(self, label_smoothing: float = 0.0):
        self.label_smoothing = label_smoothing

    def _options(self) -> Sequence[float]:
        return (float(self.label_smoothing),)


class KLDivergence(_OfShares):
    """How far probabilities are from the targets, ``sum(y log(y / p))``.

    ``p = softmax(z)``. It is 0 where they agree, and differs from the cross-entropy by
    what no output changes. Targets are probabilities, a column for each class.

    References
    ----------
    Kullback, S., and Leibler, R. A. "On information and sufficiency". Annals of
    Mathematical Statistics, 1951.

    Examples
    --------
    >>> from fastnn.losses import KLDivergence
    >>> KLDivergence().link
    'softmax'
    """

    name = "kl_divergence"
    link = LOSS_LINKS[name]


def _check_classes(loss: Loss, z: Tensor) -> None:
    if z.shape[-1] < 2:
        raise ValueError(
            f"{type(loss).__name__} compares classes and needs at least 2 outputs, got "
            f"{z.shape[-1]}. With one output for two classes use LogLoss, BinaryFocal "
            "or Hinge."
        )
