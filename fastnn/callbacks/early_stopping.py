"""Stopping when there is no more progress."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np

from fastnn.callbacks.base import Run
from fastnn.callbacks.watch import WatchingCallback
from fastnn.engine.mirrored import MirroredArray
from fastnn.utils.plain import PlainState
from fastnn.utils.plain_numbers import Interval


class EarlyStopping(WatchingCallback):
    """Ends training when a number stops improving, and goes back to the best epoch.

    The best epoch is that of the whole training. Where a warm-started ``fit`` goes on
    with an earlier one, it has to become better than that did, with new patience; for
    data on which it cannot, set another ``EarlyStopping``.

    ``partial_fit`` takes one epoch a call, and the loop around it is the user's:
    patience is counted over the calls, and the one in which it runs out sets
    ``stopped_epoch_``, which is None until then, and restores the best weights. Calls
    after it have new patience.

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
        Number of the best epoch, from 1, counted over all calls of the training; 0 if
        there was none.
    best_value_ : float or None
        What was measured in it; None if there was none.
    stopped_epoch_ : int or None
        Number of the epoch after which the last fit was ended; None if it was not. In a
        loop of ``partial_fit``, of the last epoch at which patience has run out.

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

    _memory_constraints: ClassVar[dict] = {
        **WatchingCallback._memory_constraints,
        "best_epoch_": [Interval(Integral, 0, None, closed="left")],
        "stopped_epoch_": [Interval(Integral, 0, None, closed="left"), None],
        "_best": [MirroredArray, None],
        "_layout": [list, None],
        "_at_best": ["boolean"],
        "_ended": ["boolean"],
        "_incremental": ["boolean"],
        "_n_stalled_epochs": [Interval(Integral, 0, None, closed="left")],
    }
    best_epoch_: int = 0
    stopped_epoch_: int | None = None
    # Weights of the best epoch, while the estimator has others, and which are which.
    _best: MirroredArray | None = None
    _layout: list | None = None
    _at_best: bool = False
    _ended: bool = False
    _incremental: bool = False
    _n_stalled_epochs: int = 0

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
        """Start or go on watching; see :meth:`Callback.on_fit_begin`."""
        self._validate_params()
        known = self._watch(run)
        if known and self.restore_best and self._best is None:
            # An earlier call may have put the best weights back, or ended with them.
            if self._at_best:
                self._keep_weights(run)
            else:
                self.best_value_, known = None, False
        if not (known and self.restore_best):
            self._forget_weights()
        if not known:
            self.best_epoch_ = 0
        if not (known and run.incremental and self._incremental):
            self._n_stalled_epochs = 0
            self.stopped_epoch_ = None
        self._incremental = run.incremental
        self._ended = False
        self._training = run.training

    def on_epoch_end(self, run: Run) -> bool:
        """Whether patience has come to its end; see :meth:`Callback.on_epoch_end`."""
        improved = self._improved(run, self.min_delta)
        if improved is None:
            return False
        if improved:
            self._n_stalled_epochs = 0
            self.best_epoch_ = run.epoch
            if self.restore_best:
                self._keep_weights(run)
            return False
        self._n_stalled_epochs += 1
        if self._n_stalled_epochs < self.patience:
            return False
        self._n_stalled_epochs = 0
        self._ended = True
        self.stopped_epoch_ = run.epoch
        run.say(
            f"{self._watched} did not improve for {self.patience} epochs. Stopping."
        )
        return True

    def on_fit_end(self, run: Run) -> None:
        """Restore the weights of the best epoch; see :meth:`Callback.on_fit_end`."""
        if self._training != run.training:
            return
        self._at_best = self.best_epoch_ == run.epoch
        if self._best is not None and (self._ended or not run.incremental):
            run.restore(self._best, self._layout)
            self._at_best = True
            self._forget_weights()

    def _keep_weights(self, run: Run) -> None:
        self._best, self._layout = run.keep(), run.layout

    def _forget_weights(self) -> None:
        # Nothing of them is to be saved with an estimator that has the same.
        for name in ("_best", "_layout"):
            self.__dict__.pop(name, None)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        if "_best" not in state:
            return state
        return {**state, "_best": state["_best"].saved()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        best = state.get("_best")
        if best is not None:
            saved = PlainState(type(self).__name__, state)
            best = MirroredArray(saved.array("_best", np.shape(best)))
            state = {**state, "_best": best}
        super().__setstate__(state)
