"""Numbers at other places, beside what all plans are tested for."""

from itertools import permutations

import numpy as np
import pytest
from cases import predict
from writers import by_hand

from fastnn.plan import ops
from fastnn.plan.tape import Tape


def moved(write, x):
    """What a plan makes of samples, and the shape that it says they have."""
    tape = Tape()
    shape = write(tape, tape.input(x.shape[1:])).shape
    plan = by_hand(write, x.shape[1:])
    y = predict(plan, np.zeros(0, x.dtype), x.reshape(len(x), -1))
    return y.reshape(len(x), *shape)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(2, 3, 1, 5), (1, 1, 1, 1), (17, 2, 3, 33)])
def test_every_order_of_axes_is_that_of_numpy(shape, dtype):
    x = np.arange(2 * np.prod(shape), dtype=dtype).reshape(2, *shape)
    for axes in permutations(range(4)):
        actual = moved(lambda tape, h, axes=axes: ops.permute(tape, h, axes), x)
        expected = np.transpose(x, (0, *(axis + 1 for axis in axes)))
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize(
    "amounts",
    [
        [(0, 0), (0, 0), (0, 0)],
        [(1, 2), (0, 0), (0, 0)],
        [(0, 0), (3, 0), (0, 1)],
        [(2, 1), (1, 1), (20, 40)],
    ],
)
@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 1, 1), (2, 1, 40)])
def test_zeros_are_those_of_numpy(shape, amounts):
    x = np.random.default_rng(0).normal(size=(3, *shape))
    actual = moved(lambda tape, h: ops.pad(tape, h, amounts), x)
    np.testing.assert_array_equal(actual, np.pad(x, [(0, 0), *amounts]))


@pytest.mark.parametrize("axes", [(0, 0), (0,), (1, 2), (0, 1, 2)])
def test_axes_that_are_no_order(axes):
    tape = Tape()
    with pytest.raises(ValueError, match=r"axes must be all of \(4, 3\) in an order"):
        ops.permute(tape, tape.input((4, 3)), axes)
