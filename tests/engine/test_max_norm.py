"""The constraint on the norms of columns, which follows every step."""

import numpy as np
import pytest
from cases import draw, plan_of
from sklearn.base import clone
from writers import by_hand, parameter

from fastnn.constraints import MaxNorm
from fastnn.engine.engine import Engine
from fastnn.layers import Dense
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.optimizers import SGD, Adam
from fastnn.plan import ops
from fastnn.training.lbfgs import fit_lbfgs

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
# Around the numbers of a vector, of a cache line and of a strip of columns.
SHAPES = [(1, 1), (7, 1), (1, 300), (1031, 3), (4, 16), (5, 17), (53, 257), (2, 128)]


def limited(shape, max_norm=1.0, **options):
    """A matrix that the loss does not feel, with a constraint."""

    def write(tape, x):
        parameter(tape, "w", shape, constraint=MaxNorm(max_norm), **options)
        return ops.add(tape, x, parameter(tape, "used", (5,)))

    return by_hand(write)


def stepped(plan, flat, optimizer=None, rate=0.0, n_threads=1):
    """Parameters after one step."""
    optimizer = optimizer or SGD()
    data = draw(plan, n=4).astype(flat.dtype)
    flat = flat.copy()
    state = np.zeros((optimizer.n_slots, flat.size), flat.dtype)
    engine = Engine(
        plan, flat, data.X, data.y,
        batch_size=4, optimizer=optimizer, state=state, n_threads=n_threads,
    )  # fmt: skip
    assert engine.n_threads == n_threads
    with engine:
        engine.epoch(optimizer.table(1, 1, rate))
    return flat


@pytest.fixture(autouse=True)
def small_steps_use_threads(monkeypatch):
    # Even a plan without products; a step takes at least one operation.
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)
    monkeypatch.setattr("fastnn.plan.records.Plan.operations", lambda *arguments: 1000)


@dtypes
@pytest.mark.parametrize("n_threads", [1, 2, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_long_columns_are_scaled_and_others_stay(shape, n_threads, dtype):
    plan = limited(shape)
    rng = np.random.default_rng(0)
    w = rng.normal(size=shape)
    # Two columns in three are too long, every third is not.
    lengths = rng.uniform(1.01, 30, shape[1])
    lengths[2::3] = rng.uniform(0, 0.99, len(lengths[2::3]))
    w *= lengths / np.linalg.norm(w, axis=0)
    flat = np.zeros(plan.n_parameters, dtype)
    plan.views(flat)[0][...] = w
    before = plan.views(flat.copy())[0]
    after = plan.views(stepped(plan, flat, n_threads=n_threads))[0]
    rtol = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(after, before / np.maximum(lengths, 1), rtol=rtol)
    np.testing.assert_array_equal(after[:, lengths < 1], before[:, lengths < 1])
    # The sums over rows have one order, whoever takes them.
    alone = plan.views(stepped(plan, flat))[0]
    np.testing.assert_array_equal(after, alone)


def test_the_constraint_follows_the_step():
    plan, free = limited((3, 2), 0.2), limited((3, 2), 1e9)
    flat = draw(plan).parameters
    optimizer = SGD(weight_decay=0.3)
    moved = plan.views(stepped(free, flat, optimizer, rate=0.1))[0]
    norm = np.linalg.norm(moved, axis=0)
    assert sorted(norm > 0.2) == [False, True]
    expected = moved * np.minimum(1, 0.2 / norm)
    actual = plan.views(stepped(plan, flat, optimizer, rate=0.1))[0]
    np.testing.assert_allclose(actual, expected, rtol=1e-13)


def test_norms_hold_throughout_training():
    plan = plan_of("norms_limited")
    data = draw(plan, n=30)
    state = np.zeros((2, plan.n_parameters))
    engine = Engine(
        plan, data.parameters, data.X, data.y,
        batch_size=7, optimizer=Adam(), state=state,
    )  # fmt: skip
    for epoch in range(10):
        engine.epoch(Adam().table(1 + 5 * epoch, 5, 0.1))
        first, _, second, _, third, _ = plan.views(data.parameters)
        assert np.linalg.norm(first, axis=0).max() <= 0.8 * (1 + 1e-12)
        assert np.linalg.norm(third, axis=0).max() <= 0.5 * (1 + 1e-12)
    assert np.linalg.norm(second, axis=0).max() > 1


def test_frozen_matrices_stay():
    plan = limited((6, 4), 1e-3, trainable=False)
    flat = draw(plan).parameters
    after = stepped(plan, flat, rate=0.1)
    np.testing.assert_array_equal(plan.views(after)[0], plan.views(flat)[0])


def test_no_step_no_constraint():
    # Samples without weight make none, and neither does a look at the gradient.
    plan = limited((6, 4), 1e-3)
    data = draw(plan, n=4)
    data.weight[:] = 0
    before = data.parameters.copy()
    engine = Engine(
        plan, data.parameters, data.X, data.y, data.weight,
        batch_size=4, optimizer=SGD(), state=np.zeros((1, plan.n_parameters)),
    )  # fmt: skip
    engine.epoch(SGD().table(1, 1, 0.1))
    engine.gradient()
    np.testing.assert_array_equal(data.parameters, before)


@dtypes
def test_what_is_not_finite_stays_so(dtype):
    plan = limited((5, 4), 0.5)
    flat = np.ones(plan.n_parameters, dtype)
    w = plan.views(flat)[0]
    w[2, 0] = np.nan
    w[2, 1] = np.inf
    w[2, 2] = np.finfo(dtype).max  # its square overflows
    after = plan.views(stepped(plan, flat))[0]
    assert np.isnan(after[2, :3]).all()
    np.testing.assert_allclose(after[:, 3], 0.5 / np.sqrt(5), rtol=1e-6)


def test_zeros_stay_zeros():
    plan = limited((5, 4), 1e-30)
    flat = np.zeros(plan.n_parameters)
    assert not plan.views(stepped(plan, flat))[0].any()


def test_a_description_is_its_parameters():
    assert MaxNorm().get_params() == {"max_norm": 2.0}
    assert clone(MaxNorm(3)).max_norm == 3


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        (MaxNorm(0), "max_norm.*MaxNorm must.*0"),
        (MaxNorm(-1.0), "max_norm.*MaxNorm must.*-1.0"),
        (MaxNorm(np.nan), "max_norm.*MaxNorm must.*nan"),
        (MaxNorm("2"), "max_norm.*MaxNorm must.*'2'"),
        (MaxNorm, "kernel_constraint.*MaxNorm.*<class"),
        (2.0, "kernel_constraint.*MaxNorm.*2.0"),
        ("max_norm", "kernel_constraint.*MaxNorm.*'max_norm'"),
    ],
)
def test_what_is_no_constraint(constraint, message):
    network = Sequential([Dense(2, kernel_constraint=constraint)])
    with pytest.raises(ValueError, match=message):
        lower(network, input_shape=(3,), loss=SquaredError())


@pytest.mark.parametrize("shape", [(), (4,)])
def test_a_last_axis_alone_has_no_columns(shape):
    message = r"the last axis of two or more, got the shape \(.*for w"
    with pytest.raises(ValueError, match=message):
        limited(shape)


def test_lbfgs_refuses_a_constraint():
    network = Sequential([Dense(2, kernel_constraint=MaxNorm())])
    plan = lower(network, input_shape=(3,), loss=SquaredError())
    data = draw(plan, n=5)
    with pytest.raises(ValueError, match="kernel_constraint"):
        fit_lbfgs(
            plan, data.parameters, data.X, data.y, None,
            max_iter=1, max_fun=1, tol=1.0, verbose=False, n_threads=1,
        )  # fmt: skip
