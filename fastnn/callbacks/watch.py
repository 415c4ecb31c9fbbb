"""Watching one number of the history for the best value so far."""

import math
from collections.abc import Mapping

# Everything else in a history is a score, by scikit-learn's convention.
_LOWER_IS_BETTER = ("loss", "validation_loss", "learning_rate", "seconds")


class Watch:
    """The best value so far of one number of the history.

    Parameters
    ----------
    history : mapping of str to list of float
    monitor : str
        Name in the history. "auto" is "validation_loss" where there is one, else
        "loss".
    min_delta : float, default=0.0
        Change that counts as an improvement only if it is larger.

    Attributes
    ----------
    name : str
        Name that is watched.
    best : float
        Best value so far.

    Raises
    ------
    ValueError
        If the history has no such name.
    """

    def __init__(
        self, history: Mapping[str, list[float]], monitor: str, min_delta: float = 0.0
    ):
        if monitor == "auto":
            monitor = "validation_loss" if "validation_loss" in history else "loss"
        if monitor not in history:
            raise ValueError(
                f"monitor={monitor!r} is not measured in this fit, which has "
                f"{sorted(history)}. Choose one of these, or pass validation data, "
                "validation=0.1 or metrics=[...]."
            )
        self.name = monitor
        self._history = history
        self._min_delta = min_delta
        self._sign = 1.0 if monitor in _LOWER_IS_BETTER else -1.0
        self.best = self._sign * math.inf

    def improved(self) -> bool:
        """Whether the last epoch is the best so far; NaN never is."""
        value = self._history[self.name][-1]
        if self._sign * (self.best - value) > self._min_delta:
            self.best = value
            return True
        return False
