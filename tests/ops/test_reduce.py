"""Mean, sum and maximum over any axes, beside what all plans are tested for."""

from itertools import combinations

import numpy as np
import pytest
from cases import draw, predict
from engines import gradient_of
from writers import by_hand, parameter

from fastnn.plan import ops
from fastnn.plan.ops.reduce import REDUCTIONS
from fastnn.plan.tape import Tape

SHAPE = (2, 3, 1, 4, 2)
AXES = [axes for n in range(1, 6) for axes in combinations(range(5), n)]
NUMPY = {"mean": np.mean, "sum": np.sum, "max": np.max}


def reduced(x, kind, axes, *, masked=False):
    """What a plan makes of samples, which may be their own masks."""

    def write(tape, value):
        mask = value if masked else None
        return ops.reduce(tape, kind, value, axes, mask, keepdims=True)

    plan = by_hand(write, x.shape[1:])
    return predict(plan, np.zeros(0, x.dtype), x.reshape(len(x), -1))


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("kind", REDUCTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_axes_are_those_of_numpy(kind, axes, dtype):
    x = np.random.default_rng(0).normal(size=(5, *SHAPE)).astype(dtype)
    expected = NUMPY[kind](x, axis=tuple(axis + 1 for axis in axes))
    actual = reduced(x, kind, axes)
    np.testing.assert_allclose(
        actual, expected.reshape(actual.shape), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("keepdims", [False, True])
def test_the_shape_is_that_of_numpy(keepdims):
    tape = Tape()
    x = tape.input(SHAPE)
    for axes in (*AXES, None):
        expected = np.sum(np.zeros(SHAPE), axis=axes, keepdims=keepdims).shape
        assert ops.reduce(tape, "sum", x, axes, keepdims=keepdims).shape == expected


@pytest.mark.parametrize("kind", REDUCTIONS)
def test_what_the_mask_keeps_out_may_be_anything(kind):
    # The mask is x itself: what is 0 does not count.
    x = np.array([[[1.0, 2.0, 0.0], [0.0, 4.0, 0.0]], [[0.0, 0, 0], [0, 0, 0]]])
    expected = {
        "mean": [[1, 3, 0], [0, 0, 0]],
        "sum": [[1, 6, 0], [0, 0, 0]],
        "max": [[1, 4, 0], [0, 0, 0]],
    }[kind]
    np.testing.assert_array_equal(reduced(x, kind, (0,), masked=True), expected)
    negative = {"mean": -3.0, "sum": -6.0, "max": -2.0}[kind]
    x = np.array([[[-2.0, 0.0], [0.0, -4.0]]])
    assert reduced(x, kind, (0, 1), masked=True).item() == negative


@pytest.mark.parametrize("kind", REDUCTIONS)
@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_a_nan_comes_through(kind, axes):
    x = np.ones((1, 3, 20))
    x[0, 1, 7] = np.nan
    expected = NUMPY[kind](x, axis=tuple(axis + 1 for axis in axes)).reshape(1, -1)
    np.testing.assert_array_equal(reduced(x, kind, axes), expected)


def test_the_largest_share_the_gradient():
    def write(tape, x):
        h = ops.product(tape, x, parameter(tape, "kernel", (3, 3)))
        return ops.reduce(tape, "max", h, (0,), keepdims=True)

    plan = by_hand(write, (3,))
    data = draw(plan, n=1)
    plan.views(data.parameters)[0][...] = np.eye(3)
    data.X[:] = [1, 1, 0.5]
    data.y[:], data.weight[:] = 0, 1
    _, gradients = gradient_of(plan, data)
    kernel = plan.views(gradients)[0]
    np.testing.assert_allclose(kernel[:, 0], kernel[:, 1])
    assert kernel[0, 0] > 0
    assert not kernel[:, 2].any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("median",), r"kind must be one of \('mean', 'sum', 'max'\), got 'median'"),
        (("sum", (3,)), r"axes must be different ones of the 2 of a sample"),
        (("sum", (0, -2)), r"shape \(4, 3\), got \(0, -2\)"),
    ],
)
def test_errors(arguments, message):
    tape = Tape()
    kind, *axes = arguments
    with pytest.raises(ValueError, match=message):
        ops.reduce(tape, kind, tape.input((4, 3)), *axes)


@pytest.mark.parametrize("shape", [(4,), (2, 3), (1, 4, 3)])
def test_a_mask_must_broadcast(shape):
    tape = Tape()
    x, mask = tape.input((4, 3)), tape.activation(shape)
    with pytest.raises(ValueError, match="does not broadcast to the shape"):
        ops.reduce(tape, "mean", x, (0,), mask)
