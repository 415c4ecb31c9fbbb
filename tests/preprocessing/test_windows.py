"""A series becomes windows and what follows them, without looking ahead."""

from math import ceil

import numpy as np
import pytest
from sklearn.model_selection import TimeSeriesSplit

from fastnn.preprocessing import sliding_windows


@pytest.mark.parametrize("length", [1, 4])
@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("gap", [0, 2])
@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("step_shape", [(), (2,)], ids=str)
def test_windows_are_those_of_slices(length, horizon, gap, stride, step_shape):
    X = np.random.default_rng(0).normal(size=(17, *step_shape))
    y = np.arange(17)
    windows, targets = sliding_windows(X, length, horizon, y=y, gap=gap, stride=stride)
    starts = range(0, 17 - length - gap - horizon + 1, stride)
    np.testing.assert_array_equal(windows, [X[i : i + length] for i in starts])
    expected = np.array([y[i + length + gap :][:horizon] for i in starts])
    np.testing.assert_array_equal(targets, expected[:, 0] if horizon == 1 else expected)
    _, own = sliding_windows(X, length, horizon, gap=gap, stride=stride)
    np.testing.assert_array_equal(own, X[targets])


def test_windows_take_no_memory():
    X = np.zeros((1000, 3), np.float32)
    windows, targets = sliding_windows(X, 100, y=X[:, 0])
    assert windows.shape == (900, 100, 3)
    assert np.shares_memory(windows, X)
    assert np.shares_memory(targets, X)
    assert not windows.flags.writeable
    assert not targets.flags.writeable
    # Each window by itself is contiguous.
    assert windows[0].flags.c_contiguous


@pytest.mark.parametrize(
    ("horizon", "gap", "stride"),
    [(1, 0, 1), (5, 0, 1), (1, 4, 1), (3, 2, 2), (4, 0, 7)],
)
def test_the_gap_that_is_named_keeps_the_future_out(horizon, gap, stride):
    length = 6
    options = {"gap": gap, "stride": stride}
    windows, targets = sliding_windows(np.arange(200), length, horizon, **options)
    between = ceil((gap + horizon) / stride) - 1
    targets = targets.reshape(len(targets), -1)
    known = []
    for train, test in TimeSeriesSplit(4, gap=between).split(windows):
        now = windows[test[0], -1]  # the last step that a first forecast knows
        assert targets[train].max() <= now
        known.append(now - targets[train].max())
    assert min(known) < stride  # one window more would be too many


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((np.arange(9), 0), {}, "length must be an integer from 1 on, got 0"),
        ((np.arange(9), 2.0), {}, "length must be an integer from 1 on, got 2.0"),
        ((np.arange(9), 2, 0), {}, "horizon must be an integer from 1 on, got 0"),
        ((np.arange(9), 2), {"gap": -1}, "gap must be an integer from 0 on, got -1"),
        ((np.arange(9), 2), {"stride": 0}, "stride must be an integer from 1 on"),
        ((np.arange(9), 2), {"y": np.arange(8)}, "as many steps as X, 9, got 8"),
        ((np.arange(9), 5, 3), {"gap": 2}, r"gap \+ horizon = 10 steps, got 9"),
        ((7, 2), {}, "X must be an array of shape .* got 7"),
        ((np.arange(9), 2), {"y": 7}, "y must be an array of shape .* got 7"),
    ],
    ids=str,
)
def test_wrong_arguments_of_windows_are_named(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        sliding_windows(*arguments, **options)
