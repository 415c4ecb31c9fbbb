"""A series as windows, and what follows each of them."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from fastnn.utils.plain_numbers import is_integer


def sliding_windows(
    X: Any,
    length: int,
    horizon: int = 1,
    *,
    y: Any = None,
    gap: int = 0,
    stride: int = 1,
) -> tuple[NDArray, NDArray]:
    """Cut a series into windows and what is to be forecast from each.

    Window i holds the steps from ``i * stride`` on, ``length`` of them, and its targets
    are the ``horizon`` steps behind it, after a gap. Windows and targets are read-only
    views of the series, which take no memory of their own; what trains on them may
    copy. They are in order of time, as ``TimeSeriesSplit`` needs it, and every target
    lies behind its window.

    Where targets reach further than the next step, those of the last windows to train
    on reach into what is forecast first: leave windows out between the two by
    ``TimeSeriesSplit(gap=g)``, where g is ``ceil((gap + horizon) / stride) - 1``.

    Parameters
    ----------
    X : array-like of shape (n_steps,) or (n_steps, ...)
        The series in order of time: a number, or several, at each step.
    length : int
        Steps of a window.
    horizon : int, default=1
        Steps to forecast.
    y : array-like of shape (n_steps,) or (n_steps, ...) or None, default=None
        The series of the targets, step by step beside X. None is X itself.
    gap : int, default=0
        Steps between a window and its first target: ``gap=23`` and ``horizon=1``
        forecast the hour that is a day ahead.
    stride : int, default=1
        Steps from a window to the next one.

    Returns
    -------
    windows : ndarray of shape (n_windows, length) or (n_windows, length, ...)
        Of a number at each step a row, which is a sample of a table;
        ``X[:, np.newaxis]`` makes it a sequence of steps with a feature each.
    targets : ndarray of shape (n_windows, horizon) or (n_windows, horizon, ...)
        Without the axis of the horizon if that is 1: of a number at each step a number
        for each window.

    Raises
    ------
    ValueError
        If the series is too short for a window and its targets, or an argument is not
        valid.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.preprocessing import sliding_windows
    >>> windows, targets = sliding_windows(np.arange(6), 3)
    >>> windows
    array([[0, 1, 2],
           [1, 2, 3],
           [2, 3, 4]])
    >>> targets
    array([3, 4, 5])

    The steps that are forecast, by their numbers:

    >>> _, steps = sliding_windows(np.arange(6), 2, 2, stride=2)
    >>> steps
    array([[2, 3],
           [4, 5]])
    """
    for name, value, least in [
        *(("length", length, 1), ("horizon", horizon, 1)),
        *(("gap", gap, 0), ("stride", stride, 1)),
    ]:
        if not is_integer(value, least):
            raise ValueError(
                f"{name} must be an integer from {least} on, got {value!r}."
            )
    series = _as_series(X, "X")
    aims = series if y is None else _as_series(y, "y")
    if len(aims) != len(series):
        raise ValueError(
            f"y must have as many steps as X, {len(series)}, got {len(aims)}."
        )
    ahead = length + gap
    if len(series) < ahead + horizon:
        raise ValueError(
            f"X must have at least length + gap + horizon = {ahead + horizon} steps, "
            f"got {len(series)}."
        )
    ends = len(series) - gap - horizon
    windows = _windows(series[:ends], length)[::stride]
    targets = _windows(aims[ahead:], horizon)[::stride]
    return windows, targets[:, 0] if horizon == 1 else targets


def _as_series(series: Any, name: str) -> NDArray:
    array = np.asarray(series)
    if array.ndim == 0:
        raise ValueError(
            f"{name} must be an array of shape (n_steps,) or (n_steps, ...), got "
            f"{series!r:.100}."
        )
    return array


def _windows(series: NDArray, length: int) -> NDArray:
    """All windows along the first axis, their steps behind it."""
    return np.moveaxis(sliding_window_view(series, length, axis=0), -1, 1)
