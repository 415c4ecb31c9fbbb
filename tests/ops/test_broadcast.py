"""Adding along any axes, and its adjoint: plans against NumPy's own broadcasting."""

from itertools import pairwise, product

import numpy as np
import pytest
import reference
from cases import predict
from hypothesis import given, settings
from hypothesis import strategies as st
from ops.elementwise import BROADCASTS
from pairs import in_pairs, one_in
from writers import parameter

from fastnn.engine.engine import Engine
from fastnn.losses import SquaredError
from fastnn.plan import ops
from fastnn.plan.tables import ACTIVATIONS
from fastnn.plan.tape import Tape

ROUNDING = {np.float32: 2e-6, np.float64: 1e-13}


def add_parameters(a_shape, b_shape, activation):
    """Plan of ``activation((x + a) + b)``, with parameters a, as large as x, and b."""
    tape = Tape()
    x = ops.add(tape, tape.input(a_shape), parameter(tape, "a", a_shape))
    y = ops.add(tape, x, parameter(tape, "b", b_shape), activation)
    return tape.finish(SquaredError().lower(tape, y))


def check(a_shape, b_shape, activation="identity", dtype=np.float64, n=5):
    plan = add_parameters(a_shape, b_shape, activation)
    rng = np.random.default_rng(0)
    flat = np.zeros(plan.n_parameters, dtype)
    for view in plan.views(flat):
        view[...] = rng.normal(size=view.shape)
    a, b = (view.astype(float) for view in plan.views(flat))
    x = rng.normal(size=(n, plan.n_inputs)).astype(dtype)
    target = rng.normal(size=(n, plan.n_outputs)).astype(dtype)

    y = reference.add(x.reshape(n, *a_shape) + a, b, activation)
    tolerance = {"rtol": ROUNDING[dtype], "atol": 10 * ROUNDING[dtype]}
    np.testing.assert_allclose(predict(plan, flat, x), y.reshape(n, -1), **tolerance)

    engine = Engine(plan, flat, x, target, batch_size=n)
    engine.gradient()
    dy = y - target.reshape(y.shape)
    da, db = reference.add_adjoint(dy, x.reshape(n, *a_shape) + a, b, activation)
    actual_a, actual_b = plan.views(engine.gradients)
    tolerance["atol"] *= y.size * max(1, abs(da).max())
    np.testing.assert_allclose(actual_a, da.sum(axis=0), **tolerance)
    np.testing.assert_allclose(actual_b, db, **tolerance)


@in_pairs(activation=ACTIVATIONS, b_shape=BROADCASTS, dtype=[np.float32, np.float64])
def test_parameter_is_broadcast(activation, b_shape, dtype):
    check((2, 3, 4), b_shape, activation, dtype)


WIDTHS = [1, 2, 7, 8, 9, 15, 16, 17, 33, 64, 100]


@one_in(3, pair=product(ACTIVATIONS, WIDTHS))
def test_bias_of_any_width(pair):
    activation, size = pair
    check((size,), (size,), activation)
    check((3, size), (size,), activation, n=1)
    check((size, 3), (size, 1), activation)


@st.composite
def shapes(draw):
    """A shape, and one that NumPy broadcasts to it."""
    a = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    kept = draw(st.lists(st.booleans(), min_size=len(a), max_size=len(a)))
    b = [n if keep else 1 for n, keep in zip(a, kept, strict=True)]
    leading = next((i for i, n in enumerate(b) if n != 1), len(b))
    return tuple(a), tuple(b[draw(st.integers(0, leading)) :])


def n_separate_axes(a_shape, b_shape):
    """Runs of axes along which b is broadcast, or is not; the samples are one more."""
    padded = (1,) * (len(a_shape) - len(b_shape)) + b_shape
    pairs = zip(a_shape, padded, strict=True)
    kinds = [False, *(m > 1 for n, m in pairs if n > 1)]
    return 1 + sum(first != second for first, second in pairwise(kinds))


@settings(max_examples=200)
@given(shapes())
def test_any_shape(shape):
    a_shape, b_shape = shape
    if n_separate_axes(a_shape, b_shape) <= 4:
        check(a_shape, b_shape, "tanh", n=3)
    else:
        with pytest.raises(ValueError, match="too many separate axes"):
            check(a_shape, b_shape)


@pytest.mark.parametrize(
    ("a_shape", "b_shape"),
    [((3,), (4,)), ((3, 4), (3,)), ((4,), (2, 4)), ((3, 4), (2, 4)), ((1,), (2,))],
)
def test_shapes_that_do_not_broadcast(a_shape, b_shape):
    with pytest.raises(ValueError, match="does not broadcast"):
        add_parameters(a_shape, b_shape, "identity")


@pytest.mark.parametrize("b_shape", [(4, 1), (4, 6)])
@pytest.mark.parametrize("n", [1, 2, 9])
def test_values_of_each_sample_are_broadcast(b_shape, n):
    # b is a function of x, so that each sample has its own: x @ kernel.
    tape = Tape()
    x = tape.input((4, 6))
    b = ops.product(tape, x, parameter(tape, "kernel", (6, b_shape[1])))
    a = ops.add(tape, x, parameter(tape, "a", (4, 6)))
    plan = tape.finish(SquaredError().lower(tape, ops.add(tape, a, b, "tanh")))
    rng = np.random.default_rng(0)
    flat = np.zeros(plan.n_parameters)
    kernel, offset = plan.views(flat)
    kernel[...], offset[...] = rng.normal(size=kernel.shape), rng.normal(size=(4, 6))
    x, target = rng.normal(size=(n, 4, 6)), rng.normal(size=(n, 4, 6))

    y = np.tanh(x + offset + x @ kernel)
    np.testing.assert_allclose(
        predict(plan, flat, x.reshape(n, -1)), y.reshape(n, -1), rtol=1e-12, atol=1e-14
    )
    engine = Engine(plan, flat, x.reshape(n, -1), target.reshape(n, -1), batch_size=n)
    engine.gradient()
    da = (y - target) * (1 - y**2)
    db = da if b_shape[1] == 6 else da.sum(axis=2, keepdims=True)
    actual_kernel, actual_offset = plan.views(engine.gradients)
    np.testing.assert_allclose(actual_offset, da.sum(axis=0), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(
        actual_kernel, np.einsum("ntk,ntc->kc", x, db), rtol=1e-12, atol=1e-13
    )


def test_values_of_each_sample_need_as_many_axes():
    tape = Tape()
    x = tape.input((4, 6))
    with pytest.raises(ValueError, match="same number of axes"):
        ops.add(tape, x, tape.target((6,)))
