"""Finding a learning rate by a short test before training."""

import math
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import _num_samples, check_is_fitted

from fastnn.exceptions import NotFiniteError
from fastnn.utils.plain_numbers import Interval

# Parameters that would end the test, or change its learning rates.
_SWITCHED_OFF = {
    "schedule": None,
    "early_stopping": None,
    "validation": None,
    "metrics": (),
    "callbacks": (),
    "warm_start": False,
    "verbose": False,
}


class LearningRateFinder(BaseEstimator):
    """Trains for some steps with a rising learning rate, and tells the losses.

    The best learning rate lies where the loss falls fastest, some way before it begins
    to rise. The estimator itself is not trained: a clone is.

    Parameters
    ----------
    estimator : NeuralNetClassifier or NeuralNetRegressor
    minimum, maximum : float, default=1e-6 and 10.0
        Learning rates of the first and the last step, > 0. Those between them grow by
        equal factors.
    n_steps : int, default=100
        Steps of one mini-batch each, at least 2.
    smoothing : float, default=0.9
        Weight of the losses so far in their running mean, in [0, 1).
    patience : float, default=4.0
        The test ends when the running mean exceeds its least value so many times, > 1.
    random_state : int, RandomState instance or None, default=None
        Draws the order of the samples; that of the estimator draws its weights.

    Attributes
    ----------
    learning_rates_ : ndarray of shape (n,)
        Learning rates of the steps that were taken.
    losses_ : ndarray of shape (n,)
        Loss of the mini-batch of each, before the step.
    smoothed_losses_ : ndarray of shape (n,)
        Their running mean, corrected for its start.
    learning_rate_ : float
        Where the running mean falls fastest.

    References
    ----------
    Smith, L. N. "Cyclical learning rates for training neural networks". WACV 2017,
    section 3.3.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fastnn import NeuralNetClassifier
    >>> from fastnn.callbacks import LearningRateFinder
    >>> X, y = load_digits(return_X_y=True)
    >>> model = NeuralNetClassifier(random_state=0)
    >>> finder = LearningRateFinder(model, random_state=0).fit(X / 16, y)
    >>> 1e-4 < finder.learning_rate_ < 1
    True
    >>> model.set_params(optimizer__learning_rate=finder.learning_rate_)
    NeuralNetClassifier(optimizer=Adam(learning_rate=...), random_state=0)
    """

    _parameter_constraints: ClassVar[dict] = {
        "minimum": [Interval(Real, 0, None, closed="neither")],
        "maximum": [Interval(Real, 0, None, closed="neither")],
        "n_steps": [Interval(Integral, 2, None, closed="left")],
        "smoothing": [Interval(Real, 0, 1, closed="left")],
        "patience": [Interval(Real, 1, None, closed="neither")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        minimum: float = 1e-6,
        maximum: float = 10.0,
        n_steps: int = 100,
        smoothing: float = 0.9,
        patience: float = 4.0,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.estimator = estimator
        self.minimum = minimum
        self.maximum = maximum
        self.n_steps = n_steps
        self.smoothing = smoothing
        self.patience = patience
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Run the test.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.

        Returns
        -------
        self : LearningRateFinder

        Raises
        ------
        ValueError
            If a parameter is not valid, or what the estimator raises at the first step.
        """
        self._validate_params()
        if self.minimum >= self.maximum:
            raise ValueError(
                f"minimum must be less than maximum, got {self.minimum} and "
                f"{self.maximum}."
            )
        params = self.estimator.get_params(deep=False)
        if "batch_size" not in params or "optimizer" not in params:
            raise ValueError(
                "estimator must be a NeuralNetClassifier or a NeuralNetRegressor, got "
                f"{type(self.estimator).__name__}."
            )
        off = {k: v for k, v in _SWITCHED_OFF.items() if k in params}
        model = clone(self.estimator).set_params(**off)
        y = np.asarray(y)
        minimum, maximum = float(self.minimum), float(self.maximum)
        smoothing, patience = float(self.smoothing), float(self.patience)
        rates = np.geomspace(minimum, maximum, int(self.n_steps))
        batches = _batches(_num_samples(X), params["batch_size"], self.random_state)
        losses: list[float] = []
        smoothed: list[float] = []
        mean = 0.0
        for rate, rows in zip(rates, batches, strict=False):
            model.set_params(optimizer__learning_rate=float(rate))
            try:
                model.partial_fit(
                    _safe_indexing(X, rows), y[rows], **_classes(model, y)
                )
            except NotFiniteError:
                if not losses:
                    raise
                break
            losses.append(model.history_["loss"][-1])
            mean = smoothing * mean + (1 - smoothing) * losses[-1]
            smoothed.append(mean / (1 - smoothing ** len(losses)))
            least = min(smoothed)
            if smoothed[-1] - least > (patience - 1) * abs(least):
                break
        self.losses_ = np.array(losses)
        self.smoothed_losses_ = np.array(smoothed)
        self.learning_rates_ = rates[: len(losses)]
        self.learning_rate_ = _steepest(self.learning_rates_, self.smoothed_losses_)
        return self

    def plot(self, ax: Any = None, **kwargs: Any) -> "LearningRateDisplay":
        """Draw the losses over the learning rates.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        **kwargs
            Passed to matplotlib's ``plot`` for the running mean.

        Returns
        -------
        display : LearningRateDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the test has not been run.
        """
        check_is_fitted(self)
        return LearningRateDisplay(
            learning_rates=self.learning_rates_,
            losses=self.losses_,
            smoothed_losses=self.smoothed_losses_,
            learning_rate=self.learning_rate_,
        ).plot(ax, **kwargs)


class LearningRateDisplay:
    """Losses over a rising learning rate; see :meth:`LearningRateFinder.plot`.

    It needs matplotlib.

    Parameters
    ----------
    learning_rates, losses, smoothed_losses : array-like of shape (n_steps,)
    learning_rate : float
        The one to mark.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(
        self,
        *,
        learning_rates: ArrayLike,
        losses: ArrayLike,
        smoothed_losses: ArrayLike,
        learning_rate: float,
    ):
        self.learning_rates = learning_rates
        self.losses = losses
        self.smoothed_losses = smoothed_losses
        self.learning_rate = learning_rate

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        **kwargs
            Passed to matplotlib's ``plot`` for the running mean.

        Returns
        -------
        display : LearningRateDisplay
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        if ax is None:
            # An optional package that is slow to import: not for those who do not plot.
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        ax.plot(self.learning_rates, self.losses, ".", color="0.7", label="mini-batch")
        ax.plot(
            self.learning_rates,
            self.smoothed_losses,
            **({"color": "C0", "label": "running mean"} | kwargs),
        )
        ax.axvline(
            self.learning_rate,
            color="C1",
            linestyle="--",
            label=f"steepest fall: {self.learning_rate:.2g}",
        )
        # What the loss becomes behind its rise would flatten all the rest.
        low, high = np.min(self.smoothed_losses), np.max(self.smoothed_losses)
        ax.set_ylim(low - 0.1 * (high - low), high + 0.1 * (high - low))
        ax.set(xscale="log", xlabel="Learning rate", ylabel="Loss")
        ax.legend()
        return self


def _batches(n_samples: int, batch_size: int, random_state: Any) -> Any:
    """Rows of one mini-batch after another, shuffled anew in each pass."""
    random_state = check_random_state(random_state)
    size = min(batch_size, n_samples)
    while True:
        order = random_state.permutation(n_samples)
        for first in range(0, n_samples - size + 1, size):
            yield order[first : first + size]


def _classes(model: Any, y: NDArray) -> dict[str, Any]:
    """What the first call of a classifier's ``partial_fit`` needs to know."""
    if not is_classifier(model) or hasattr(model, "classes_"):
        return {}
    if y.ndim == 1 or y.shape[1] == 1:
        return {"classes": np.unique(y)}
    if y.dtype.kind in "biuf" and np.isin(y, (0, 1)).all():
        return {"classes": np.arange(y.shape[1])}
    return {"classes": [np.unique(column) for column in y.T]}


def _steepest(rates: NDArray, losses: NDArray) -> float:
    """Where losses fall fastest over the logarithm of the rate."""
    if len(losses) < 2:
        return float(rates[0])
    slope = np.gradient(losses, np.log(rates))
    best = int(np.argmin(slope))
    return float(rates[best]) if math.isfinite(slope[best]) else float(rates[0])
