"""The device's engine and predictor against those of the CPU."""

import gc
import weakref
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from cases import ON_DEVICES, draw, plan_of
from emulation import (
    EmulatedDevice,
    device_under_test,
    emulated_device,
)
from engines import engine_of, gradient_of, table_of, trained
from ops.losses import quartic
from pairs import in_turn, one_in
from test_cuda_kernels import kernel_names
from writers import by_hand, custom, dense, stack

from fastnn.engine.cuda import worst_number
from fastnn.engine.cuda.ops.broadcast import SLAB_ROWS
from fastnn.engine.device import uploaded
from fastnn.engine.engine import Engine
from fastnn.engine.predictor import Predictor
from fastnn.layers import BatchNorm, Dense, Dropout
from fastnn.losses import CustomLoss, SquaredError
from fastnn.network import Sequential, lower
from fastnn.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    NAdam,
    RMSprop,
    SklearnAdam,
    SklearnSGD,
)
from fastnn.plan import ops
from fastnn.plan.tables import (
    ACTIVATIONS,
    PHASES,
)

RULES = {
    "sgd": SGD(0.05, momentum=0.9),
    "nesterov": SGD(0.05, momentum=0.9, nesterov=True),
    "adam": Adam(0.01),
    "amsgrad": Adam(0.01, amsgrad=True),
    "adamw": AdamW(0.01, weight_decay=0.1),
    "coupled_decay": SGD(0.05, weight_decay=0.1),
    "nadam": NAdam(0.01),
    "rmsprop": RMSprop(0.01, momentum=0.5),
    "rmsprop_centered": RMSprop(0.01, centered=True),
    "adagrad": Adagrad(0.05),
    "adadelta": Adadelta(0.5),
    "lion": Lion(0.001),
    "sklearn_adam": SklearnAdam(0.01),
    "sklearn_sgd": SklearnSGD(0.05),
    "clip_norm": Adam(0.01, clip_norm=0.05),
    "clip_value": SGD(0.05, clip_value=0.01),
}


@in_turn(name=ON_DEVICES, dtype=[np.float32, np.float64])
def test_gradient_is_that_of_the_cpu(name, dtype):
    plan = plan_of(name)
    data = draw(plan, 37).astype(dtype)
    expected, gradients = gradient_of(plan, data, None)
    actual, own = gradient_of(plan, data, device_under_test())
    rtol = 1e-11 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(actual, expected, rtol=rtol)
    scale = abs(gradients).max()
    np.testing.assert_allclose(own, gradients, rtol=rtol, atol=rtol * scale)


@one_in(3, name=ON_DEVICES)
def test_twenty_steps_of_adam_are_those_of_the_cpu(name, monkeypatch):
    # Four mini-batches an epoch, of which the last is smaller, in a shuffled order.
    plan = plan_of(name)
    data = draw(plan, 30).astype(np.float32)
    optimizer = Adam(0.001)
    expected = trained(plan, data, None, optimizer)
    actual = trained(plan, data, device_under_test(), optimizer)
    np.testing.assert_allclose(actual[0], expected[0], rtol=1e-5)
    np.testing.assert_allclose(actual[1], expected[1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["regularized", "norms_limited", "batch_norm"])
@pytest.mark.parametrize("rule", RULES)
def test_steps_of_every_rule_are_those_of_the_cpu(rule, name):
    plan = plan_of(name)
    data = draw(plan, 30)
    expected = trained(plan, data, None, RULES[rule], average=True)
    actual = trained(plan, data, device_under_test(), RULES[rule], average=True)
    for own, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-9, atol=1e-12)


@one_in(3, first=1, name=ON_DEVICES)
def test_predictions_are_those_of_the_cpu(name, monkeypatch):
    plan = plan_of(name)
    data = draw(plan, 37)
    on_cpu, on_device = Predictor(plan), Predictor(plan, device_under_test())
    monkeypatch.setattr(
        "fastnn.engine.cuda.forward.BYTES_AT_ONCE", 4096
    )  # several chunks
    expected = on_cpu.predict(data.parameters, data.X)
    actual = on_device.predict(data.parameters, data.X)
    np.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-14)
    for weight in (None, data.weight):
        arguments = data.parameters, data.X, data.y, weight
        expected = on_cpu.judge(*arguments)
        actual = on_device.judge(*arguments)
        np.testing.assert_allclose(actual[0], expected[0], rtol=1e-11, atol=1e-14)
        np.testing.assert_allclose(actual[1], expected[1], rtol=1e-11)
        np.testing.assert_allclose(on_device.evaluate(*arguments), expected[1])


@one_in(3, first=2, name=ON_DEVICES)
def test_chunks_add_up(name, monkeypatch):
    plan = plan_of(name)
    data = draw(plan, 37)
    expected, gradients = gradient_of(plan, data, None)
    monkeypatch.setattr("fastnn.engine.engine.DEVICE_CHUNK_BYTES", 1)
    actual, own = gradient_of(plan, data, device_under_test())
    np.testing.assert_allclose(actual, expected, rtol=1e-12)
    np.testing.assert_allclose(own, gradients, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "name", ["dropout", "noise_rank_2", "alpha_dropout", "drawn_twice", "erase_behind"]
)
def test_masks_do_not_depend_on_chunks(name, monkeypatch):
    plan = plan_of(name)
    data = draw(plan, 37)
    expected = trained(plan, data, None, Adam(0.01), batch_size=37)
    monkeypatch.setattr("fastnn.engine.engine.DEVICE_CHUNK_BYTES", 1)
    actual = trained(plan, data, device_under_test(), Adam(0.01), batch_size=37)
    np.testing.assert_allclose(actual[1], expected[1], rtol=1e-9, atol=1e-12)


def activated(activation, tape, x):
    x = ops.add(tape, dense(tape, x, "dense", 3), None, activation)
    x = ops.add(tape, dense(tape, x, "kept", 3), None, activation)
    return dense(tape, ops.dropout(tape, x, 0.5, 2.0), "last", 3)


def test_the_plans_launch_every_kernel(monkeypatch):
    launched = set()
    find = EmulatedDevice.kernel

    def kernel(self, stem, name):
        launched.add(name.removesuffix("_f64"))
        return find(self, stem, name)

    monkeypatch.setattr(EmulatedDevice, "kernel", kernel)
    for name in ON_DEVICES:
        plan = plan_of(name)
        gradient_of(plan, draw(plan, 3), emulated_device())
    device = emulated_device()
    for activation in ACTIVATIONS:
        # One that has no bias, and one of so many rows that sums are divided.
        plan = by_hand(partial(activated, activation), (3,))
        gradient_of(plan, draw(plan, 3), device)
    plan = plan_of("linear")
    gradient_of(plan, draw(plan, 2 * SLAB_ROWS), device)
    plan = plan_of("norms_limited")
    for optimizer in RULES.values():
        trained(plan, draw(plan, 9), device, optimizer, n_epochs=2, average=True)
    plan = stack([2], input_shape=(5,))
    data = draw(plan, 4)
    engine = Engine(plan, data.parameters, sp.csr_array(data.X), data.y, batch_size=4,
                    device=device)  # fmt: skip
    engine.gradient()
    assert engine.all_finite()
    assert worst_number(device, uploaded(device, data.X, data.X.dtype)) == 0
    # The slope of the identity is 1: nothing is multiplied by it.
    assert kernel_names() - launched == {"slope_identity"}


def test_two_fits_have_the_same_bits():
    plan = plan_of("deep")
    data = draw(plan, 60).astype(np.float32)
    first, second = (
        trained(plan, data, device_under_test(), Adam(0.01))[1] for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


# ------------------------------------------------------------------ what goes in


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("wide", [np.float32, np.float64])
def test_sparse_rows_are_dense_ones(index, wide):
    plan = stack([6, 2], input_shape=(40,))
    data = draw(plan, 30)
    rng = np.random.default_rng(0)
    X = sp.random_array((30, 40), density=0.1, format="csr", rng=rng, dtype=wide)
    twice = sp.csr_array(  # each number in two parts, in columns that are not sorted
        (np.r_[X.data, X.data] / 2, np.r_[X.indices, X.indices], X.indptr * 2),
        shape=X.shape,
    )
    order = np.concatenate(
        [np.r_[a:b, a + X.nnz : b + X.nnz] for a, b in pairwise(X.indptr)]
    )
    twice.data, twice.indices = twice.data[order], twice.indices[order].astype(index)
    twice.indptr = twice.indptr.astype(index)
    device = device_under_test()
    results = []
    for table, where in ((X.toarray(), None), (X, device), (twice, device)):
        engine = Engine(
            plan, data.parameters, table, data.y, batch_size=30, device=where
        )
        with engine:
            results.append((engine.gradient(), engine.gradients.copy()))
        outputs = Predictor(plan, where).predict(data.parameters, table)
        expected = Predictor(plan).predict(data.parameters, X.toarray())
        np.testing.assert_allclose(outputs, expected, rtol=1e-12)
    device.check()
    for sums, gradients in results[1:]:
        np.testing.assert_allclose(sums, results[0][0], rtol=1e-12)
        np.testing.assert_allclose(gradients, results[0][1], rtol=1e-10, atol=1e-13)
    assert twice.nnz == 2 * X.nnz  # the caller's, and left alone


@pytest.mark.parametrize("order", ["C", "F"])
def test_x_of_another_type_and_layout_is_converted(order):
    plan = plan_of("deep")
    data = draw(plan, 20)
    X = np.asarray(data.X, order=order)
    single = data.astype(np.float32)
    expected, gradients = gradient_of(plan, single, None)
    engine = Engine(
        plan, single.parameters, X, single.y, single.weight, batch_size=20,
        device=device_under_test(),
    )  # fmt: skip
    np.testing.assert_allclose(engine.gradient(), expected, rtol=1e-5)
    np.testing.assert_allclose(engine.gradients, gradients, rtol=1e-4, atol=1e-6)


def test_gradient_of_some_rows_and_then_an_update():
    plan = plan_of("regularized")
    data = draw(plan, 20)
    results = []
    for device in (None, device_under_test()):
        own = draw(plan, 20)
        state = np.zeros((2, plan.n_parameters))
        engine = engine_of(
            plan, own, device, batch_size=7, optimizer=Adam(0.01), state=state
        )
        rows = np.array([3, 17, 0, 11, 5])
        row = table_of(Adam(0.01), 1)[0]
        with engine:
            numbers = [*engine.gradient(rows), engine.update(row), engine.penalty(3.0)]
            numbers.append(engine.epoch(table_of(Adam(0.01), engine.n_steps)))
            numbers += engine.gradient(rows[::-1].copy())
        results.append((numbers, own.parameters, state))
    for actual, expected in zip(*results[::-1], strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)
    assert not np.array_equal(data.parameters, results[1][1])


def test_what_the_caller_changes_between_epochs_counts():
    plan = plan_of("deep")
    data = draw(plan, 20)
    state = np.zeros((2, plan.n_parameters))
    engine = engine_of(
        plan, data, device_under_test(), optimizer=Adam(0.01), state=state
    )
    start = data.parameters.copy()
    with engine:
        first = engine.epoch(table_of(Adam(0.01), 1))
        data.parameters[:] = start
        state[:] = 0
        assert engine.epoch(table_of(Adam(0.01), 1)) == first


def test_samples_without_weight_take_no_step():
    plan = plan_of("norms_limited")
    data = draw(plan, 20)
    data.weight[:10] = 0
    results = []
    for device in (None, device_under_test()):
        own = draw(plan, 20)
        own.weight[:10] = 0
        state = np.zeros((1, plan.n_parameters))
        sgd = SGD(0.1)
        engine = engine_of(plan, own, device, batch_size=10, optimizer=sgd, state=state)
        with engine:
            results.append((engine.epoch(table_of(sgd, 2)), own.parameters))
    np.testing.assert_allclose(results[1][0], results[0][0], rtol=1e-12)
    np.testing.assert_allclose(results[1][1], results[0][1], rtol=1e-10, atol=1e-13)


# ------------------------------------------------------------------ what goes wrong


def test_a_loss_that_is_not_finite_is_told():
    plan = plan_of("deep")
    data = draw(plan, 20)
    data.X[13] = np.nan
    state = np.zeros((2, plan.n_parameters))
    engine = engine_of(
        plan, data, device_under_test(), batch_size=5, optimizer=Adam(), state=state
    )
    with engine:
        assert not np.isfinite(engine.epoch(table_of(Adam(), 4)))


def test_what_a_custom_loss_raises_comes_out_after_the_last_full_step():
    calls = []

    def failing(y, z):
        calls.append(len(z))
        assert not z.flags.writeable
        assert not y.flags.writeable
        if len(calls) == 3:
            raise ArithmeticError("three is too many")
        return quartic(y, z)

    plan = custom(CustomLoss(failing), Dense(4, "tanh"), Dense(2))
    data = draw(plan, 20)
    state = np.zeros((2, plan.n_parameters))
    device = device_under_test()
    engine = engine_of(plan, data, device, batch_size=5, optimizer=Adam(), state=state)
    with engine, pytest.raises(ArithmeticError, match="too many"):
        engine.epoch(table_of(Adam(), 4))
    weights = data.parameters.copy()
    again = draw(plan, 20)
    state = np.zeros((2, plan.n_parameters))
    calls[:] = [0] * 10
    engine = Engine(
        plan, again.parameters, again.X[:10], again.y[:10], again.weight[:10],
        batch_size=5, optimizer=Adam(), state=state,
    )  # fmt: skip
    with engine:
        engine.epoch(table_of(Adam(), 2))
    np.testing.assert_allclose(weights, again.parameters, rtol=1e-10, atol=1e-13)


def test_weights_keep_their_constraints_when_the_user_interrupts(monkeypatch):
    plan = plan_of("norms_limited")
    data = draw(plan, 20)
    state = np.zeros((1, plan.n_parameters))
    device = device_under_test()
    find, calls = device.kernel, []

    def kernel(stem, name):
        run = find(stem, name)

        def interrupted(*arguments):
            if stem == "max_norm":
                calls.append(name)
                if len(calls) == 5:  # of the second step
                    raise KeyboardInterrupt
            run(*arguments)

        return interrupted

    monkeypatch.setattr(device, "kernel", kernel)
    sgd = SGD(10.0)
    engine = engine_of(plan, data, device, batch_size=5, optimizer=sgd, state=state)
    with engine, pytest.raises(KeyboardInterrupt):
        engine.epoch(table_of(sgd, 4))
    assert state.any()
    for block, view in zip(plan.blocks, plan.views(data.parameters), strict=True):
        if block["max_norm"]:
            norms = np.linalg.norm(view, axis=0)
            assert (norms <= block["max_norm"] * (1 + 1e-12)).all()


def test_arguments_are_checked_as_on_the_cpu():
    plan = plan_of("classes")
    data = draw(plan, 5)
    data.y[0] = 10
    with pytest.raises(ValueError, match="class numbers in column 0"):
        engine_of(plan, data, device_under_test())


def test_ops_of_whole_batches_have_them_whole(monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.DEVICE_CHUNK_BYTES", 1)
    network = Sequential([Dense(6), BatchNorm(), Dropout(0.2), Dense(2)])
    plan = lower(network, input_shape=(5,), loss=SquaredError())
    data = draw(plan, 100)
    expected = trained(plan, data, None, Adam(0.01), batch_size=50)
    actual = trained(plan, data, device_under_test(), Adam(0.01), batch_size=50)
    np.testing.assert_allclose(actual[1], expected[1], rtol=1e-7, atol=1e-12)


def test_a_plan_of_some_phases_only_runs_those():
    # Dropout is left out of predictions, and the link out of training.
    plan = by_hand(lambda tape, x: dense(tape, x, "a", 3), (4,), "log_loss")
    kinds = [plan.ops["kind"][plan.ops["phase"] & p != 0] for p in PHASES.values()]
    assert len(kinds[0]) != len(kinds[1])
    data = draw(plan, 6)
    outputs = Predictor(plan, device_under_test()).predict(data.parameters, data.X)
    assert ((outputs > 0) & (outputs < 1)).all()


@pytest.mark.parametrize("name", ["deep", "batch_norm", "custom_loss"])
def test_an_engine_is_freed_with_its_last_reference(name):
    # A card's memory must not wait for Python's collector of cycles.
    plan = plan_of(name)
    data = draw(plan, 10)
    state = np.zeros((2, plan.n_parameters))
    engine = engine_of(plan, data, device_under_test(), optimizer=Adam(), state=state)
    with engine:
        engine.epoch(table_of(Adam(), 1))
    freed = weakref.ref(engine._compiled._walk)
    gc.disable()
    try:
        del engine
        assert freed() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_parameter_that_is_not_finite_is_found_wherever_it_is(bad):
    plan = plan_of("deep")
    data = draw(plan, 10)
    engine = engine_of(plan, data, device_under_test())
    assert engine.all_finite()
    for place in (0, plan.n_parameters // 2, plan.n_parameters - 1):
        kept, data.parameters[place] = data.parameters[place], bad
        assert not engine.all_finite()
        data.parameters[place] = kept
    assert engine.all_finite()
