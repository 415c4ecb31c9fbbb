"""Stopping when there is no more progress."""

from numbers import Integral, Real
from typing import ClassVar

from fastnn.callbacks.base import Callback, Run
from fastnn.callbacks.watch import Watch
from fastnn.mirrored import MirroredArray
from fastnn.plain_numbers import Interval


class EarlyStopping(Callback):
    """Ends training when a number stops improving, and goes back to the best epoch.

    Parameters
    ----------
    monitor : str, default="auto"
        Name in ``history_``: "validation_loss", "validation_score", "loss" or a metric,
        as "validation_roc_auc". Losses are to fall, scores to rise. "auto" is
        "validation_loss" where there is validation data, else "loss".
    patience : int, default=10
        Epochs without improvement after which training ends, at least 1.
    min_delta : float, default=0.0
        By how much a value must be better than the best one to count, at least 0.
    restore_best : bool, default=True
        Whether the estimator keeps the weights of the best epoch, or those of the last.

    Attributes
    ----------
    best_epoch_ : int
        Number of the best epoch of the last fit, from 1.
    stopped_epoch_ : int or None
        Number of the epoch after which it was ended; None if it was not.

    References
    ----------
    Prechelt, L. "Early stopping - but when?" Neural Networks: Tricks of the Trade,
    1998.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fastnn import NeuralNetClassifier
    >>> from fastnn.callbacks import EarlyStopping
    >>> X, y = load_digits(return_X_y=True)
    >>> stop = EarlyStopping(patience=3)
    >>> model = NeuralNetClassifier(
    ...     epochs=200, validation=0.2, early_stopping=stop, random_state=0
    ... ).fit(X, y)
    >>> stop.stopped_epoch_ == stop.best_epoch_ + 3 == len(model.history_["loss"])
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        "monitor": [str],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "min_delta": [Interval(Real, 0, None, closed="left")],
        "restore_best": ["boolean"],
    }

    def __init__(
        self,
        monitor: str = "auto",
        patience: int = 10,
        min_delta: float = 0.0,
        restore_best: bool = True,
    ):
        self.monitor = monitor
        self.patience = patience
        self.min_delta = min_delta
        self.restore_best = restore_best

    def on_fit_begin(self, run: Run) -> None:
        """Start watching; see :meth:`Callback.on_fit_begin`."""
        self._validate_params()
        self._watch = Watch(run.history, self.monitor, float(self.min_delta))
        self._best: MirroredArray | None = None
        self.best_epoch_ = 0
        self.stopped_epoch_: int | None = None

    def on_epoch_end(self, run: Run) -> bool:
        """Whether patience has come to its end; see :meth:`Callback.on_epoch_end`."""
        if self._watch.improved():
            self.best_epoch_ = run.epoch
            if self.restore_best:
                self._best = run.keep()
            return False
        if run.epoch - self.best_epoch_ < self.patience:
            return False
        self.stopped_epoch_ = run.epoch
        run.say(
            f"{self._watch.name} did not improve for {self.patience} epochs. Stopping."
        )
        return True

    def on_fit_end(self, run: Run) -> None:
        """Restore the weights of the best epoch; see :meth:`Callback.on_fit_end`."""
        if self._best is not None:
            run.restore(self._best)
        del self._watch, self._best
