"""What a verbose fit prints: lines that stay, and on a terminal one that lives."""

import sys
import time
from typing import Self

# Seconds after which a fit is long enough for a live line, and between two of them.
LONG_FIT = 2.0
REFRESH = 0.1

_ERASE_LINE = "\r\x1b[K"


class Progress:
    """Prints the lines of a verbose fit, and a live line under them on a terminal.

    The live line tells the epoch, the loss, the validation score, samples per second
    and the time left. It disappears when the fit ends.

    Parameters
    ----------
    verbose : bool
        Whether anything is printed.
    max_epochs : int
    n_samples : int
        Samples of an epoch.
    """

    def __init__(self, verbose: bool, max_epochs: int, n_samples: int):
        self._verbose = verbose
        self._live = verbose and sys.stdout.isatty()
        self._max_epochs = max_epochs
        self._n_samples = n_samples
        self._start = time.monotonic()
        self._shown_at = 0.0
        self._line = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._line:
            print(_ERASE_LINE, end="", flush=True)

    def say(self, line: str) -> None:
        """Print a line that stays."""
        if not self._verbose:
            return
        if self._line:
            print(_ERASE_LINE, end="")
        print(line)
        if self._line:
            print(self._line, end="", flush=True)

    def epoch_done(self, epoch: int, loss: float, score: float | None) -> None:
        """Refresh the live line.

        Parameters
        ----------
        epoch : int
            Number of epochs done.
        loss : float
        score : float or None
            Validation score, if there is one.
        """
        now = time.monotonic()
        elapsed = now - self._start
        if not self._live or elapsed < LONG_FIT or now - self._shown_at < REFRESH:
            return
        parts = [f"epoch {epoch}/{self._max_epochs}", f"loss {loss:.4g}"]
        if score is not None:
            parts.append(f"validation score {score:.4g}")
        parts.append(f"{epoch * self._n_samples / elapsed:,.0f} samples/s")
        parts.append(f"{_clock(elapsed / epoch * (self._max_epochs - epoch))} left")
        self._shown_at = now
        self._line = "  ".join(parts)
        print(_ERASE_LINE + self._line, end="", flush=True)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
