"""What judges a network after each epoch, on samples that others train it with."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn.engine.device import Device, DeviceArray, downloaded, uploaded
from fastnn.estimators.data.head_weights import shown_weights
from fastnn.estimators.data.heads import HeadTargets, HeadValues, mean_score
from fastnn.estimators.data.samples import Samples
from fastnn.estimators.data.targets import Targets
from fastnn.estimators.fitted import FittedNetwork
from fastnn.estimators.metrics import measure
from fastnn.exceptions import NotFiniteError
from fastnn.utils.error_state import errors_of_the_user

# X of validation data takes at most one part in so many of a device's free memory.
SHARE = 2


class Judge:
    """Judges networks on samples, again and again while one is trained.

    Parameters
    ----------
    targets : ClassTargets, ColumnsOfClasses or RegressionTargets
    samples : Samples
    device : Device or None
        Where networks compute. Dense X that is not there is copied there once, unless
        it would take too much of the memory that training has left.
    score_is_loss : bool, default=False
        Whether the score of several heads is minus their loss, and not the mean of
        their scores.
    """

    def __init__(
        self,
        targets: Targets,
        samples: Samples,
        device: Device | None,
        *,
        score_is_loss: bool = False,
    ):
        self.samples = samples
        self._score_is_loss = score_is_loss
        self._targets = targets
        self._device = device
        self._X: Any = None
        self._X_on_host: Any = None

    def __call__(self, fitted: FittedNetwork) -> dict[str, float]:
        """Loss, without penalty, and score; NaN where it is not finite.

        Of several heads also the loss and the score of each.
        """
        samples = self.samples
        if self._X is None:
            self._X = self._brought(fitted.weights.dtype)
        outputs, loss, of_heads = fitted.judge(
            self._X, samples.encoded, samples.weight, self._device
        )
        found = {"loss": loss, "score": np.nan}
        found |= {f"loss_{name}": each for name, each in of_heads.items()}
        if not np.isfinite(outputs).all():
            return found
        targets, predictions = self._targets, self._targets.decode(outputs)
        if not isinstance(targets, HeadTargets):
            score = targets.score(samples.y, predictions, samples.weight)
            return found | {"score": score}
        scores = targets.scores(samples.y, predictions, samples.weight)
        found["score"] = -loss if self._score_is_loss else mean_score(scores)
        return found | {f"score_{name}": each for name, each in scores.items()}

    @property
    def X_on_host(self) -> Any:
        """X as scikit-learn's scorers need it."""
        if self._X_on_host is None:
            X = self.samples.X
            if isinstance(X, DeviceArray) and self._device is not None:
                X = downloaded(self._device, X)
            self._X_on_host = X
        return self._X_on_host

    def _brought(self, dtype: np.dtype) -> Any:
        """X, on the device if there is room; the first time that it is needed.

        Training has all its memory by then, except for copies of its parameters.
        """
        X, device = self.samples.X, self._device
        if device is None or not isinstance(X, np.ndarray):
            return X
        if X.size * dtype.itemsize > device.free_bytes() // SHARE:
            return X
        return uploaded(device, X, dtype)


class Measure:
    """Measures networks on a judge's samples: their loss, their score and metrics.

    Parameters
    ----------
    judge : Judge
    metrics : dict
        Scorers by name.
    stand_in : callable
        Makes an estimator of a network, which scorers are given.
    """

    def __init__(
        self,
        judge: Judge,
        metrics: dict[str, Callable],
        stand_in: Callable[[FittedNetwork], Any],
    ):
        self._judge, self._metrics, self._stand_in = judge, metrics, stand_in
        self._estimator: Any = None

    def __call__(self, fitted: FittedNetwork) -> dict[str, float]:
        """What has been measured, by the names of a history."""
        measured = self._judge(fitted)
        if self._metrics:
            measured |= self._found_by_metrics(fitted)
        return {f"validation_{name}": each for name, each in measured.items()}

    def _found_by_metrics(self, fitted: FittedNetwork) -> dict[str, float]:
        samples = self._judge.samples
        if self._estimator is None:
            self._estimator = self._stand_in(fitted)
            # What it is asked about is checked already, and has no names any more.
            if not isinstance(samples.X, dict):
                vars(self._estimator).pop("feature_names_in_", None)
        self._estimator._fitted = fitted
        y: Any = samples.y
        weight = samples.weight
        if isinstance(y, HeadValues):
            weight, y = shown_weights(weight, y), y.shown()
        X = self._judge.X_on_host
        with errors_of_the_user():
            return measure(self._estimator, self._metrics, X, y, weight)


def check_usable(
    fitted: FittedNetwork, samples: Samples, device: Device | None
) -> None:
    """Refuse weights that divergence has left, if nothing finite comes of them.

    Averages, or what a callback has put back, may be worse than the trainer's.
    """
    data = samples.X, samples.encoded, samples.weight
    if not fitted.is_finite(*data, device):
        raise NotFiniteError
