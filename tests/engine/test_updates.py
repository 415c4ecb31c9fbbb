"""Steps and epochs: the compiled update against the rules as they are written down."""

import numpy as np
import pytest
import reference
from cases import draw, plan_of
from writers import by_hand, dense, parameter, stack

from fastnn.engine.engine import Engine
from fastnn.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    NAdam,
    Optimizer,
    RMSprop,
    SklearnAdam,
    SklearnSGD,
)
from fastnn.plan import ops
from fastnn.plan.tables import N_SCALARS, OPTIMIZER_SLOTS, OPTIMIZERS
from fastnn.regularizers import SklearnL2

RULES = [
    SklearnSGD(momentum=0.0),
    SklearnSGD(momentum=0.8, nesterov=False),
    SklearnSGD(momentum=0.9, nesterov=True),
    SklearnAdam(),
    SklearnAdam(beta_1=0.5, beta_2=0.9, epsilon=1e-3),
    SGD(),
    SGD(momentum=0.8, dampening=0.3, clip_norm=0.5),
    SGD(momentum=0.9, nesterov=True, weight_decay=0.1),
    Adam(clip_value=0.05, weight_decay=0.1),
    Adam(amsgrad=True, clip_norm=0.1, weight_decay=0.1),
    AdamW(weight_decay=0.5),
    NAdam(weight_decay=0.1),
    NAdam(weight_decay=0.1, decoupled_weight_decay=True, epsilon=1e-3),
    RMSprop(),
    RMSprop(momentum=0.5, centered=True, epsilon=1e-3),
    Adagrad(learning_rate_decay=0.1, initial_accumulator_value=0.2),
    Adadelta(rho=0.8, clip_value=1e-3),
    Lion(weight_decay=0.2, clip_norm=1e3),
]
PLANS = [
    "linear",
    "embedding_by_rows",
    "embedding_beside_numbers_by_rows",
    "embedding_used_twice_by_rows",
    "deep",
    "classes",
    "multilabel",
    "rank_2",
    "shared",
    "frozen",
    "wide",
    "regularized",
    "norms_limited",
    "batch_norm",
    "batch_norm_used_twice",
    "custom_loss",
]
rules = pytest.mark.parametrize("optimizer", RULES, ids=str)


def fresh_state(optimizer, plan, dtype=np.float64):
    return np.zeros((optimizer.n_slots, plan.n_parameters), dtype)


def run(plan, data, optimizer, *, seeds, batch_size, rate=0.05, state=None, **options):
    """Losses, weights and state after an epoch for each seed."""
    flat = data.parameters.copy()
    if state is None:
        state = fresh_state(optimizer, plan, flat.dtype)
    engine = Engine(
        plan, flat, data.X, data.y, data.weight,
        batch_size=batch_size, optimizer=optimizer, state=state, **options,
    )  # fmt: skip
    losses = []
    with engine:
        for i, seed in enumerate(seeds):
            table = optimizer.table(1 + i * engine.n_steps, engine.n_steps, rate)
            if seed is not None:
                engine.shuffle(np.random.RandomState(seed))
            losses.append(engine.epoch(table))
    return np.array(losses), flat, state


def expected_run(plan, data, optimizer, *, seeds, batch_size, rate=0.05):
    flat, state = data.parameters.copy(), fresh_state(optimizer, plan)
    n = len(data.X)
    n_steps = -(-n // batch_size)
    losses, order = [], np.arange(n)
    for i, seed in enumerate(seeds):
        if seed is not None:
            np.random.RandomState(seed).shuffle(order)
        table = optimizer.table(1 + i * n_steps, n_steps, rate)
        losses.append(
            reference.epoch(
                plan, flat, data.X, data.y, data.weight, order, batch_size,
                optimizer.rule, state, table,
            )
        )  # fmt: skip
    return np.array(losses), flat, state


def assert_equal_runs(actual, expected, rtol=1e-10, atol=1e-12):
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol)


def test_every_rule_is_tried():
    assert {optimizer.rule for optimizer in RULES} == set(OPTIMIZERS)
    for optimizer in RULES:
        assert isinstance(optimizer, Optimizer)
        assert optimizer.n_slots == OPTIMIZER_SLOTS[optimizer.rule]


@rules
@pytest.mark.parametrize("name", PLANS)
def test_epochs_are_the_reference(name, optimizer):
    # 23 rows in batches of 8: the last is smaller. Penalties, learning-rate factors,
    # frozen blocks and weights of samples are all in here.
    plan = plan_of(name)
    data = draw(plan, n=23)
    options = {"seeds": [None, 11, None], "batch_size": 8}
    actual = run(plan, data, optimizer, **options)
    expected = expected_run(plan, data, optimizer, **options)
    # Centred, RMSprop takes the root of a difference that is nearly nothing, most of
    # all for rows that few steps have seen.
    centered = getattr(optimizer, "centered", False)
    assert_equal_runs(actual, expected, rtol=1e-9, atol=1e-10 if centered else 1e-11)
    assert not np.array_equal(actual[1], data.parameters)


@rules
def test_float32_epochs(optimizer):
    plan = plan_of("classes")
    data = draw(plan, n=40)
    options = {"seeds": [1, 2], "batch_size": 16}
    losses, flat, _ = run(plan, data.astype(np.float32), optimizer, **options)
    expected, expected_flat, _ = expected_run(plan, data, optimizer, **options)
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    np.testing.assert_allclose(flat, expected_flat, rtol=1e-2, atol=1e-3)
    assert flat.dtype == np.float32


@pytest.mark.parametrize(
    "name",
    [
        *("wide", "frozen", "classes", "regularized", "norms_limited", "batch_norm"),
        "embedding_beside_numbers_by_rows",
    ],
)
@pytest.mark.parametrize("n_threads", [2, 3])
@rules
def test_threads_take_the_same_steps(name, n_threads, optimizer, monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)
    plan = plan_of(name)
    data = draw(plan, n=50)
    options = {"seeds": [1, 2], "batch_size": 16}
    expected = run(plan, data, optimizer, **options)
    actual = run(plan, data, optimizer, n_threads=n_threads, **options)
    assert_equal_runs(actual, expected, rtol=1e-8, atol=1e-10)
    again = run(plan, data, optimizer, n_threads=n_threads, **options)
    assert_equal_runs(again, actual, rtol=0, atol=0)


@rules
def test_a_batch_in_chunks_takes_the_same_step(optimizer, monkeypatch):
    plan = plan_of("classes")
    data = draw(plan, n=90)
    options = {"seeds": [1, 2], "batch_size": 80}
    expected = run(plan, data, optimizer, **options)
    monkeypatch.setattr("fastnn.engine.engine.CHUNK_BYTES", 1)
    assert_equal_runs(run(plan, data, optimizer, **options), expected)


def test_large_blocks_are_updated_in_pieces():
    # Longer than what the update works on at once, and no multiple of it.
    plan = stack([61, 3], "tanh", input_shape=(53,))
    data = draw(plan, n=9)
    options = {"seeds": [None], "batch_size": 4}
    for optimizer in RULES:
        assert_equal_runs(
            run(plan, data, optimizer, **options),
            expected_run(plan, data, optimizer, **options),
        )


@rules
def test_rate_may_differ_from_step_to_step(optimizer):
    plan = plan_of("deep")
    data = draw(plan, n=23)
    rate = np.array([0.1, 0.0, 0.02])
    options = {"seeds": [3, 4], "batch_size": 8, "rate": rate}
    actual = run(plan, data, optimizer, **options)
    assert_equal_runs(actual, expected_run(plan, data, optimizer, **options))


def test_steps_are_handed_over_in_parts(monkeypatch):
    plan = plan_of("deep")
    data = draw(plan, n=31)
    options = {"seeds": [1, None, 2], "batch_size": 3}
    expected = run(plan, data, Adam(), **options)
    monkeypatch.setattr("fastnn.engine.engine.STEPS_AT_ONCE", 4)
    assert_equal_runs(run(plan, data, Adam(), **options), expected, rtol=1e-13)


def test_table_in_any_memory_layout():
    plan = plan_of("linear")
    data = draw(plan, n=9)
    results = []
    for layout in (np.ascontiguousarray, np.asfortranarray):
        flat, state = data.parameters.copy(), fresh_state(Adam(), plan)
        engine = Engine(
            plan, flat, data.X, data.y, batch_size=3, optimizer=Adam(), state=state
        )
        engine.epoch(layout(Adam().table(1, 3, 0.1)))
        results.append(flat)
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("n_threads", [1, 2])
@rules
def test_gradients_of_batches_and_updates_make_an_epoch(
    n_threads, optimizer, monkeypatch
):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)
    plan = plan_of("classes")
    data = draw(plan, n=23)
    options = {"seeds": [5], "batch_size": 8, "n_threads": n_threads}
    (expected,), expected_flat, expected_state = run(plan, data, optimizer, **options)

    flat, state = data.parameters, fresh_state(optimizer, plan)
    engine = Engine(
        plan, flat, data.X, data.y, data.weight,
        batch_size=8, optimizer=optimizer, state=state, n_threads=n_threads,
    )  # fmt: skip
    order, total = reference.shuffled(23, 5), 0.0
    with engine:
        for step, scalars in enumerate(optimizer.table(1, engine.n_steps, 0.05)):
            rows = order[8 * step : 8 * step + 8]
            _, reported, weight = engine.gradient(rows)
            total += len(rows) * (reported + engine.update(scalars)) / weight
    np.testing.assert_allclose(total / 23, expected, rtol=1e-13)
    np.testing.assert_allclose(flat, expected_flat, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(state, expected_state, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("rows", [[0], [22], [5, 3, 21], range(22, -1, -1), range(17)])
def test_gradient_of_chosen_rows(rows, monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.CHUNK_BYTES", 1)
    plan = plan_of("rank_2_classes")
    data = draw(plan, n=23)
    rows = np.array(rows, np.intp)
    engine = Engine(plan, data.parameters, data.X, data.y, data.weight, batch_size=4)
    loss, _, weight = engine.gradient(rows)
    expected = reference.walk(
        plan, data.parameters, data.X[rows], data.y[rows], data.weight[rows]
    )
    np.testing.assert_allclose(loss, expected.loss, rtol=1e-13)
    np.testing.assert_allclose(weight, data.weight[rows].sum(), rtol=1e-13)
    np.testing.assert_allclose(
        engine.gradients, expected.gradients, rtol=1e-11, atol=1e-12
    )


def test_learning_rate_factor_of_a_block():
    def write(tape, x):
        slow = parameter(tape, "slow", (5,), learning_rate=0.25)
        still = parameter(
            tape, "still", (5,), learning_rate=0.0, regularizer=SklearnL2(1.0)
        )
        return ops.add(
            tape,
            ops.add(tape, ops.add(tape, x, slow), still),
            parameter(tape, "full", (5,)),
        )

    plan = by_hand(write)
    data = draw(plan)
    data.parameters[:] = 0
    _, flat, _ = run(plan, data, SGD(), seeds=[None], batch_size=7, rate=0.1)
    slow, still, full = plan.views(flat)
    np.testing.assert_allclose(slow, 0.25 * full, rtol=1e-13)
    assert full.all()
    assert not still.any()


def test_gaps_between_blocks_stay_zero():
    plan = plan_of("deep")
    data = draw(plan, n=20)
    _, flat, state = run(plan, data, Adam(), seeds=[1], batch_size=4)
    gaps = np.ones(plan.n_parameters, bool)
    for block in plan.blocks:
        gaps[block["offset"] : block["offset"] + block["size"]] = False
    assert gaps.any()
    assert not flat[gaps].any()
    assert not state[:, gaps].any()


@pytest.mark.parametrize("name", ["frozen", "softmax_inside"])
def test_frozen_blocks_stay(name):
    plan = plan_of(name)
    data = draw(plan, n=20)
    _, flat, state = run(plan, data, Adam(), seeds=[1, 2], batch_size=4)
    for block in plan.blocks:
        at = slice(block["offset"], block["offset"] + block["size"])
        moved = not np.array_equal(flat[at], data.parameters[at])
        assert moved == bool(block["trainable"])
        assert state[:, at].any() == bool(block["trainable"])


def test_unused_parameters_feel_the_penalty_only():
    def write(tape, x):
        parameter(tape, "unused", (4,), regularizer=SklearnL2(0.5))
        return dense(tape, x, "used", 2)

    plan = by_hand(write)
    data = draw(plan, n=4)
    data.weight[:] = 1
    _, flat, _ = run(plan, data, SGD(), seeds=[None], batch_size=4, rate=1.0)
    unused, before = plan.views(flat)[0], plan.views(data.parameters)[0]
    np.testing.assert_allclose(unused, before * (1 - 0.5 / 4), rtol=1e-14)


def test_penalty_is_added_to_the_loss_of_each_batch():
    plan = plan_of("deep")
    data = draw(plan, n=12)
    data.weight[:] = 1
    kernels = plan.views(data.parameters)[:-2:2]  # the last layer has no penalty
    penalty = sum(0.1 / 2 * np.sum(kernel**2) for kernel in kernels)
    engine = Engine(plan, data.parameters, data.X, data.y, batch_size=4)
    np.testing.assert_allclose(engine.penalty(4.0), penalty, rtol=1e-13)
    still = SGD()
    losses, _, _ = run(plan, data, still, seeds=[None], batch_size=4, rate=0.0)
    mean_loss = reference.walk(plan, data.parameters, data.X, data.y).reported / 12
    np.testing.assert_allclose(losses, mean_loss + penalty / 4, rtol=1e-13)


def test_penalty_is_that_of_trained_parameters():
    # A frozen one's is a constant, which no epoch reports.
    plan = plan_of("frozen")
    data = draw(plan)
    engine = Engine(plan, data.parameters, data.X, data.y, batch_size=7)
    trained = plan.views(data.parameters)[2:4]
    expected = sum(0.1 / 2 * np.sum(view**2) for view in trained)
    np.testing.assert_allclose(engine.penalty(4.0), expected, rtol=1e-13)


@rules
def test_table_has_the_columns_of_all_rules(optimizer):
    table = optimizer.table(1, 3, 0.1)
    assert table.shape == (3, N_SCALARS)
    assert table.dtype == np.float64
