"""Stopping when something that is measured is no number any more."""

import math
import warnings

from sklearn.exceptions import ConvergenceWarning

from fastnn.callbacks.base import Callback, Run


class TerminateOnNaN(Callback):
    """Ends training, with a warning, when anything in the history is not finite.

    Epochs whose loss or weights are not finite are undone and end training anyway. This
    callback looks at the validation data and the metrics too, and stops after an epoch
    that left the network finite but its judgement not.

    Examples
    --------
    >>> from fastnn import NeuralNetRegressor
    >>> from fastnn.callbacks import TerminateOnNaN
    >>> model = NeuralNetRegressor(callbacks=[TerminateOnNaN()])
    """

    def on_epoch_end(self, run: Run) -> bool:
        """Whether a number is not finite; see :meth:`Callback.on_epoch_end`."""
        wrong = {k: v for k, v in run.latest.items() if not math.isfinite(v)}
        if wrong:
            warnings.warn(
                f"Training ends after epoch {run.epoch}: not finite are {wrong}. Lower "
                "the learning rate, or look for extreme values in the validation data.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return bool(wrong)
