"""Merged and reshaped values against NumPy, beside what all plans are tested for."""

import numpy as np
import pytest
from cases import draw, predict
from engines import gradient_of
from hypothesis import given, settings
from hypothesis import strategies as st
from ops.merge import KINDS, MERGES
from probes import outputs_and_gradients
from writers import by_hand, dense, parameter

from fastnn.plan import ops
from fastnn.plan.tables import KINDS as KIND
from fastnn.plan.tape import Tape

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
kinds = pytest.mark.parametrize("kind", MERGES)


def merged(kind, a, b, dy):
    return outputs_and_gradients(KINDS[kind], a, [b], dy)


def summed_to(shape, terms):
    """Sums of terms over the axes along which a value of this shape is broadcast."""
    padded = (1,) * (terms.ndim - len(shape)) + shape
    axes = tuple(i for i, n in enumerate(padded) if n == 1)
    return terms.sum(axis=axes, keepdims=True).reshape(shape)


def check(kind, a_shape, b_shape, dtype):
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=shape).astype(dtype) for shape in (a_shape, b_shape))
    value, slope = MERGES[kind]
    expected = value(a, b)
    y, dy, gradients = merged(kind, a, b, rng.normal(size=expected.shape))
    np.testing.assert_array_equal(y, expected)
    for own, other, actual in ((a, b, gradients[0]), (b, a, gradients[1])):
        terms = dy.astype(float) * slope(own.astype(float), other.astype(float))
        size = summed_to(own.shape, abs(terms))
        error = abs(actual - summed_to(own.shape, terms))
        assert (error <= 30 * np.finfo(dtype).eps * size).all()


@dtypes
@kinds
@pytest.mark.parametrize(
    ("a_shape", "b_shape"),
    [
        ((1,), (1,)),
        ((7,), (7,)),
        ((7,), ()),
        ((1,), (7,)),
        ((50, 33), (33,)),
        ((50, 33), (50, 1)),
        ((50, 1), (33,)),
        ((3, 10_000), (3, 1)),
        ((1, 1), (3, 10_000)),
        ((5000, 3), (5000, 1)),
        ((4, 1, 6), (5, 1)),
        ((2, 1, 3, 1, 2), (1, 4, 1, 5, 1)),
    ],
    ids=str,
)
def test_each_is_broadcast_along_the_other(a_shape, b_shape, kind, dtype):
    check(kind, a_shape, b_shape, dtype)


@st.composite
def shapes(draw):
    """Two shapes that NumPy broadcasts to one."""
    lengths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=6))
    first, second = (
        [n if draw(st.booleans()) else 1 for n in lengths] for _ in range(2)
    )
    return tuple(first), tuple(second[draw(st.integers(0, len(second))) :])


@settings(max_examples=100)
@given(shapes(), st.sampled_from(sorted(MERGES)))
def test_any_shapes(both, kind):
    check(kind, *both, np.float64)


@kinds
def test_a_long_sum_of_float32_keeps_its_digits(kind):
    x = np.full((1000, 1000), 2, np.float32)
    dy = np.random.default_rng(0).uniform(0.5, 1, size=x.shape)
    _, dy, (_, gradient) = merged(kind, x, np.float32([3]), dy)
    factor = {"sum": 1, "product": 2, "maximum": 1}[kind]
    np.testing.assert_allclose(gradient, factor * dy.sum(dtype=float), rtol=2e-6)


@dtypes
@kinds
@pytest.mark.parametrize("width", [1, 3, 40])
@pytest.mark.parametrize("swapped", [False, True])
def test_a_nan_comes_through(kind, width, swapped, dtype):
    def write(tape, x, other):
        return KINDS[kind](tape, *((other, x) if swapped else (x, other)))

    x, other = np.ones((2, 2, width), dtype)
    x[1, -1] = np.nan
    y, _, _ = outputs_and_gradients(write, x, [other], np.ones(x.shape))
    np.testing.assert_array_equal(y, MERGES[kind][0](x, other))


@dtypes
def test_equal_numbers_share_the_gradient(dtype):
    a = np.array([1, 2, 3, -0.0], dtype)
    b = np.array([1, 3, 2, 0.0], dtype)
    _, dy, (da, db) = merged("maximum", a, b, np.ones(4))
    np.testing.assert_array_equal(da, dy * [0.5, 0, 1, 0.5])
    np.testing.assert_array_equal(db, dy * [0.5, 1, 0, 0.5])


@kinds
def test_shapes_that_do_not_go_together(kind):
    tape = Tape()
    x = tape.input((2, 3))
    for shape in ((2, 4), (3, 3), (2,)):
        with pytest.raises(ValueError, match=r"shapes \(2, 3\) and .* do not go tog"):
            KINDS[kind](tape, x, tape.activation(shape))


def test_one_of_them_is_one_of_each_sample():
    tape = Tape()
    a, b = (parameter(tape, name, (3,)) for name in "ab")
    with pytest.raises(ValueError, match="one of each sample"):
        ops.multiply(tape, a, b)


def test_the_same_shape_is_added_by_the_op_that_adds():
    tape = Tape()
    x = tape.input((2, 3))
    tape.target((2, 3))
    for other in ((2, 3), (3,)):
        ops.broadcast_add(tape, x, tape.activation(other))
    assert list(tape.finish(x).ops["kind"][:2]) == [KIND["add"], KIND["merge"]]


@dtypes
def test_scale(dtype):
    x = np.random.default_rng(0).normal(size=(5, 33)).astype(dtype)
    y, dy, (dx,) = outputs_and_gradients(
        lambda tape, x: ops.scale(tape, x, -2.5, 0.75), x, [], np.ones(x.shape)
    )
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(y, -2.5 * x + 0.75, rtol=eps, atol=4 * eps)
    np.testing.assert_array_equal(dx, np.multiply(dy, -2.5, dtype=dtype))


# -------------------------------------------------------------------------- reshaping


def test_what_has_as_many_numbers():
    tape = Tape()
    x = tape.input((3, 4))
    assert ops.reshape(tape, x, [2, 6]).shape == (2, 6)
    assert ops.reshape(tape, x, (2, 6)).number == x.number
    with pytest.raises(ValueError, match=r"12 numbers of shape \(3, 4\) are not the 8"):
        ops.reshape(tape, x, (2, 4))


def test_an_input_in_another_shape_is_a_network():
    plan = by_hand(lambda tape, x: ops.reshape(tape, x, (6,)), (2, 3))
    X = np.random.default_rng(0).normal(size=(4, 6))
    np.testing.assert_array_equal(predict(plan, np.zeros(0), X), X)
    assert plan.output_shape == (6,)


@pytest.mark.parametrize("shape", [(1, 6), (6,), (2, 3), (6, 1)])
def test_rows_of_a_sample_are_not_sparse(shape):
    plan = by_hand(
        lambda tape, x: dense(tape, ops.reshape(tape, x, shape), "d", 2), (6,)
    )
    assert plan.accepts_sparse == (shape[-1] == 6)


def test_gradients_come_in_the_shape_of_their_value():
    # The same numbers take part in a sum along each axis in turn.
    def write(tape, x):
        h = dense(tape, x, "h", 6)
        rows = ops.reduce(tape, "sum", ops.reshape(tape, h, (2, 3)), (1,))
        columns = ops.reduce(tape, "sum", ops.reshape(tape, h, (3, 2)), (1,))
        return ops.multiply(tape, ops.reshape(tape, rows, (2, 1)), columns)

    plan = by_hand(write, (4,))
    data = draw(plan, n=1)
    _, gradients = gradient_of(plan, data)
    kernel, bias = plan.views(data.parameters)
    h = (data.X @ kernel + bias)[0]
    rows, columns = h.reshape(2, 3).sum(axis=1), h.reshape(3, 2).sum(axis=1)
    dy = data.weight * (np.outer(rows, columns) - data.y.reshape(2, 3))
    dh = np.repeat(dy @ columns, 3) + np.repeat(rows @ dy, 2)
    np.testing.assert_allclose(plan.views(gradients)[1], dh, rtol=1e-12)
