"""Losses of real numbers: means, medians, quantiles, directions."""

from collections.abc import Sequence
from numbers import Real
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.losses.base import ElementwiseLoss, Loss, require
from fastnn.plan import ops
from fastnn.plan.ops import Head
from fastnn.plan.tables import LOSS_LINKS
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor
from fastnn.utils.plain_numbers import Interval

_BETWEEN = Interval(Real, 0, 1, closed="neither")


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

    def _options(self) -> Sequence[float]:
        return (float(self.delta),)


class LogCosh(ElementwiseLoss):
    """``log(cosh(z - y))``: half the squared error of a small error, linear beyond.

    Minimised is the sum over outputs; reported is their mean.

    Examples
    --------
    >>> from fastnn.losses import LogCosh
    >>> LogCosh().link
    'identity'
    """

    name = "log_cosh"
    link = LOSS_LINKS[name]

    def _report(self, n_outputs: int) -> float:
        return 1 / n_outputs


class Quantile(Loss):
    """The pinball loss: predicts a quantile of y given X, or several of them.

    ``quantile * (y - z)`` where the prediction is too low, ``(1 - quantile) * (z - y)``
    where it is too high. Minimised is the sum over outputs; reported is their mean.

    Parameters
    ----------
    quantile : float or array-like of shape (n_quantiles,), default=0.5
        Which quantile, between 0 and 1. Several ask for one output each: those of the
        first target stand in front of those of the second.

    References
    ----------
    Koenker, R., and Bassett, G. "Regression quantiles". Econometrica, 1978.

    Examples
    --------
    >>> from fastnn.losses import Quantile
    >>> Quantile(0.9)
    Quantile(quantile=0.9)
    >>> Quantile([0.1, 0.5, 0.9]).n_quantiles
    3
    """

    name = "quantile"
    link = LOSS_LINKS[name]

    _parameter_constraints: ClassVar[dict] = {"quantile": [_BETWEEN, "array-like"]}

    def __init__(self, quantile: float | ArrayLike = 0.5):
        self.quantile = quantile

    @property
    def n_quantiles(self) -> int:
        """Outputs for each target."""
        return len(self.levels())

    def levels(self) -> NDArray:
        """All quantiles, of whatever they are; ValueError if they are no sequence."""
        try:
            return np.ravel(self.quantile)
        except ValueError as error:  # rows of different lengths
            raise ValueError(
                "quantile must be a number or a sequence of numbers, got "
                f"{self.quantile!r}."
            ) from error

    def lower(self, tape: Tape, z: Tensor) -> Tensor:
        """Write the loss of the raw outputs z; return the predictions."""
        self._validate_params()
        if isinstance(self.quantile, np.ndarray) and self.quantile.ndim == 0:
            raise ValueError(
                f"quantile must be a number or a sequence of numbers, got "
                f"{self.quantile!r}. Write quantile={self.quantile.item()!r}."
            )
        quantiles = self.levels()
        for quantile in quantiles:
            if not _BETWEEN.is_satisfied_by(quantile):
                raise ValueError(
                    f"quantile must hold numbers between 0 and 1, got {quantile!r} in "
                    f"quantile={self.quantile!r}."
                )
        if not self.n_quantiles or z.shape[-1] % self.n_quantiles:
            raise ValueError(
                f"quantile={self.quantile!r} needs one output for each quantile of "
                f"each target, got outputs of shape {z.shape}."
            )
        columns = z.shape[-1] // self.n_quantiles
        target = tape.target((*z.shape[:-1], columns))
        heads = [
            Head(i, 1, i // self.n_quantiles, (float(quantiles[i % self.n_quantiles]),))
            for i in range(z.shape[-1])
        ]
        if self.n_quantiles == 1:  # one loop over all
            heads = [Head(0, z.shape[-1], 0, (float(quantiles[0]),))]
        ops.loss(tape, self.name, z, target, heads, report=1 / z.size)
        return z


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

    def check_targets(self, y: NDArray) -> None:
        """Check that no target is negative; see :meth:`Loss.check_targets`."""
        require(
            "loss='poisson' needs y >= 0",
            y,
            y >= 0,
            "Use loss='squared_error' for targets of any sign.",
        )


class Gamma(ElementwiseLoss):
    """Half the gamma deviance, ``log(p / y) + y / p - 1`` with ``p = exp(z)``.

    For positive targets whose standard deviation grows with their mean. Targets are
    above 0.

    References
    ----------
    McCullagh, P., and Nelder, J. A. "Generalized linear models". 1989, chapter 8.

    Examples
    --------
    >>> from fastnn.losses import Gamma
    >>> Gamma().link
    'exponential'
    """

    name = "gamma"
    link = LOSS_LINKS[name]

    def check_targets(self, y: NDArray) -> None:
        """Check that all targets are positive; see :meth:`Loss.check_targets`."""
        require(
            "the gamma loss needs y > 0",
            y,
            y > 0,
            "Use Poisson() or Tweedie() where y may be 0.",
        )


class _Powers(Interval):
    """Powers of Tweedie's deviance, whose terms cancel out close to 1 and 2."""

    def demand(self, number: float, dtype: np.dtype) -> str | None:
        """What a power must do for more than two digits to be left, or None."""
        least = 256 * float(np.finfo(dtype).eps)
        if 0 < min(abs(number - 1), abs(number - 2)) < least:
            return f"be 1, 2, or at least {least:.3g} away from both"
        return super().demand(number, dtype)


class Tweedie(ElementwiseLoss):
    """Half the Tweedie deviance, with ``p = exp(z)`` and the variance ``p ** power``.

    ``p ** (2 - power) / (2 - power) - y * p ** (1 - power) / (1 - power) + y ** (2 -
    power) / ((1 - power) * (2 - power))``; at 1 and 2, where that has no value, its
    limits are the losses :class:`Poisson` and :class:`Gamma`.

    Parameters
    ----------
    power : float, default=1.5
        At least 1. Between 1 and 2 targets are sums of a random number of gamma
        variables, zero among them; from 2 on they are above 0. Powers closer to 1 or 2
        than 3.1e-5 in float32, 5.7e-14 in float64, but neither, are refused in fit:
        the formula has too few digits left there.

    References
    ----------
    Jorgensen, B. "Exponential dispersion models". Journal of the Royal Statistical
    Society B, 1987.

    Examples
    --------
    >>> from fastnn.losses import Tweedie
    >>> Tweedie(power=1.9)
    Tweedie(power=1.9)
    """

    name = "tweedie"
    link = LOSS_LINKS[name]

    _parameter_constraints: ClassVar[dict] = {
        "power": [_Powers(Real, 1, None, closed="left")]
    }

    def __init__(self, power: float = 1.5):
        self.power = power

    def _options(self) -> Sequence[float]:
        return (float(self.power),)

    def lower(self, tape: Tape, z: Tensor) -> Tensor:
        """Write the loss of the raw outputs z; return the predictions."""
        self._validate_params()
        limits: dict[float, ElementwiseLoss] = {1: Poisson(), 2: Gamma()}
        if self.power in limits:
            return limits[self.power].lower(tape, z)
        return super().lower(tape, z)

    def check_targets(self, y: NDArray) -> None:
        """Check that no target is negative, or 0; see :meth:`Loss.check_targets`."""
        if self.power >= 2:
            what, valid = f"Tweedie(power={self.power:g}) needs y > 0", y > 0
        else:
            what, valid = f"Tweedie(power={self.power:g}) needs y >= 0", y >= 0
        require(what, y, valid, "Choose another power or loss.")


class CosineSimilarity(Loss):
    """``1 - z y / (|z| |y|)``: how much the directions of outputs and targets differ.

    Norms are at least 1e-8. A sample's outputs are one vector.

    Examples
    --------
    >>> from fastnn.losses import CosineSimilarity
    >>> CosineSimilarity().link
    'identity'
    """

    name = "cosine_similarity"
    link = LOSS_LINKS[name]

    def lower(self, tape: Tape, z: Tensor) -> Tensor:
        """Write the loss of the raw outputs z; return the predictions."""
        ops.loss(tape, self.name, z, tape.target(z.shape))
        return z
