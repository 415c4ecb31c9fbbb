"""What judges a network after each epoch, on samples that others train it with."""

from typing import Any

import numpy as np

from fastnn.engine.device import Device, DeviceArray, downloaded, uploaded
from fastnn.estimators.data.samples import Samples
from fastnn.estimators.data.targets import Targets
from fastnn.estimators.fitted import FittedNetwork
from fastnn.exceptions import NotFiniteError

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

    Attributes
    ----------
    estimator : object or None
        An estimator that stands for the networks where metrics are asked for.
    """

    def __init__(
        self,
        targets: Targets,
        samples: Samples,
        device: Device | None,
    ):
        self.samples = samples
        self._targets = targets
        self._device = device
        self._X: Any = None
        self._X_on_host: Any = None
        self.estimator: Any = None

    def __call__(self, fitted: FittedNetwork) -> tuple[float, float]:
        """Loss, without penalty, and score; NaN where it is not finite."""
        samples = self.samples
        if self._X is None:
            self._X = self._brought(fitted.weights.dtype)
        outputs, loss = fitted.judge(
            self._X, samples.encoded, samples.weight, self._device
        )
        if not np.isfinite(outputs).all():
            return loss, np.nan
        predictions = self._targets.decode(outputs)
        return loss, self._targets.score(samples.y, predictions, samples.weight)

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


def check_usable(
    fitted: FittedNetwork, samples: Samples, device: Device | None
) -> None:
    """Refuse weights that divergence has left, if nothing finite comes of them.

    Averages, or what a callback has put back, may be worse than the trainer's.
    """
    data = samples.X, samples.encoded, samples.weight
    if not fitted.is_finite(*data, device):
        raise NotFiniteError
