"""Watching one number of the history for the best value so far."""

import math
from numbers import Real
from typing import ClassVar

from fastnn.callbacks.base import Callback, Run

# Everything else in a history is a score, by scikit-learn's convention.
_LOWER_IS_BETTER = ("loss", "validation_loss", "learning_rate", "seconds")


def watched_name(run: Run, monitor: str, before: str | None = None) -> str:
    """Name in the history of the number to watch.

    Parameters
    ----------
    run : Run
    monitor : str
        Name in the history. "auto" is "validation_loss" where there is one, else
        "loss".
    before : str, default=None
        Name that an earlier call of the same training has watched. After
        "validation_loss", a call of ``partial_fit`` without validation data is none to
        judge training by: the number is then not among those that are measured.

    Returns
    -------
    name : str

    Raises
    ------
    ValueError
        If the history has no such name.
    """
    if monitor == "auto":
        validated = "validation_loss" in run.history
        waits = run.incremental and before == "validation_loss"
        return "validation_loss" if validated or waits else "loss"
    if monitor not in run.history:
        raise ValueError(
            f"monitor={monitor!r} is not measured in this fit, which has "
            f"{sorted(run.history)}. Choose one of these, or pass validation data, "
            "validation=0.1 or metrics=[...]."
        )
    return monitor


def is_better(
    name: str, value: float, best: float | None, min_delta: float = 0.0
) -> bool:
    """Whether a value is better than the best so far; NaN never is.

    Parameters
    ----------
    name : str
        Name of the number in the history.
    value : float
    best : float or None
        None if there is none yet.
    min_delta : float, default=0.0
        Change that counts as an improvement only if it is larger.

    Returns
    -------
    better : bool
    """
    sign = 1.0 if name in _LOWER_IS_BETTER else -1.0
    best = sign * math.inf if best is None else best
    return sign * (best - value) > min_delta


class WatchingCallback(Callback):
    """A callback that knows the best value so far of one number of the history.

    It goes on knowing it in later calls of the same training, until another begins.
    What it remembers are plain values: a copy of it is independent.
    """

    monitor: str

    _memory_constraints: ClassVar[dict] = {
        "_training": [str, None],
        "_watched": [str],
        "best_value_": [Real, None],
    }
    _training: str | None = None
    _watched: str = ""
    best_value_: float | None = None

    def _watch(self, run: Run) -> bool:
        """Find what to watch; whether the best so far still counts.

        Who calls it notes the training when all else is ready for it.
        """
        known = self._training == run.training
        name = watched_name(run, self.monitor, self._watched if known else None)
        known = known and name == self._watched
        if not known:
            self.best_value_ = None
        self._watched = name
        return known

    def _improved(self, run: Run, min_delta: float = 0.0) -> bool | None:
        """Whether the last epoch is the best so far; None if it was not judged."""
        value = run.latest.get(self._watched)
        if value is None:
            return None
        better = is_better(self._watched, value, self.best_value_, min_delta)
        if better:
            self.best_value_ = value
        return better
