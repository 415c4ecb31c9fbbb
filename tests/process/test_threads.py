"""Threads: how many, the same bits, and what they leave behind in the process."""

import multiprocessing
import os
import platform
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from cases import draw, plan_of, predict, shuffled_epoch
from joblib import Parallel, delayed, effective_n_jobs
from tasks import blas_threads, n_tasks, settled_tasks, tasks, wait_for_tasks
from threadpoolctl import threadpool_limits
from writers import by_hand, dense, stack

from fastnn.engine.cpu.blas import goes_to_blas
from fastnn.engine.engine import Engine
from fastnn.engine.threads import effective_n_threads
from fastnn.layers import Activation, Dense, Dropout, LayerNorm
from fastnn.losses import CustomLoss, SquaredError
from fastnn.network import Sequential, lower
from fastnn.optimizers import SGD, Adam
from fastnn.plan.tables import KINDS, OP_COSTS


@pytest.fixture
def small_steps_use_threads(monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)


def engine_for(plan, data, n_threads=1, batch_size=16, optimizer=None):
    state = None
    if optimizer is not None:
        shape = (optimizer.n_slots, plan.n_parameters)
        state = np.zeros(shape, data.parameters.dtype)
    return Engine(
        plan, data.parameters, data.X, data.y, batch_size=batch_size,
        optimizer=optimizer, state=state, n_threads=n_threads,
    )  # fmt: skip


# ---------------------------------------------------------------------------- how many


@pytest.mark.parametrize(("n_jobs", "expected"), [(1, 1), (2, 2), (7, 7)])
def test_a_number_is_taken_as_it_is(n_jobs, expected):
    assert effective_n_threads(n_jobs) == expected


def test_negative_numbers_count_from_the_processors_that_may_be_used():
    n = effective_n_jobs(-1)
    assert effective_n_threads(-1) == n
    assert effective_n_threads(-2) == max(1, n - 1)
    assert effective_n_threads(-n) == 1
    assert effective_n_threads(-n - 5) == effective_n_threads(-(2**70)) == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="has no affinity")
def test_negative_numbers_follow_affinity():
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert effective_n_threads(-1) == effective_n_threads(-2) == 1
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize("n_jobs", [0, 1.5, "all", (7,)])
def test_what_is_no_number_of_threads(n_jobs):
    with pytest.raises(ValueError, match="n_jobs must be") as error:
        effective_n_threads(n_jobs)
    assert repr(n_jobs) in str(error.value)


@pytest.mark.usefixtures("small_steps_use_threads")
def test_every_thread_has_a_row():
    plan = plan_of("deep")
    data = draw(plan, n=9)
    assert engine_for(plan, data, n_threads=10**6, batch_size=3).n_threads == 3


def test_none_is_what_the_environment_allows():
    from sklearn.utils._openmp_helpers import _openmp_effective_n_threads

    assert 1 <= effective_n_threads(None) <= _openmp_effective_n_threads()
    with threadpool_limits(1, user_api="openmp"):
        assert effective_n_threads(None) == 1


def test_none_is_one_within_parallel_workers():
    found = Parallel(n_jobs=2)(delayed(effective_n_threads)(None) for _ in range(2))
    assert max(found) <= max(1, os.cpu_count() // 2)


@pytest.mark.parametrize("batch_size", [1, 10, 1000, 100_000])
def test_small_steps_use_fewer_threads(batch_size, monkeypatch):
    plan = stack([32, 2], input_shape=(20,))
    cost = dict(zip(KINDS, OP_COSTS, strict=True))
    # Forward and gradient of the kernel for both; gradient of the hidden values.
    multiplications = 2 * 20 * 32 + 3 * 32 * 2
    multiplications += (cost["add"] + cost["add_gradient"]) * (32 + 2)
    multiplications += cost["loss"] * 2
    assert plan.operations("train") == 2 * multiplications
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 250_000)
    data = draw(plan, n=batch_size)
    engine = engine_for(plan, data, n_threads=4, batch_size=batch_size)
    shared = plan.operations("train") * batch_size // 250_000
    assert engine.n_threads == min(4, max(1, shared))


def test_ops_that_are_no_products_use_threads():
    normalised = [LayerNorm(), Activation("tanh"), Dropout(0.5)] * 3
    plan = lower(Sequential(normalised), input_shape=(50,), loss=SquaredError())
    assert not (plan.ops["kind"] == KINDS["product"]).any()
    data = draw(plan, n=1000)
    assert engine_for(plan, data, n_threads=4, batch_size=1000).n_threads == 4
    assert engine_for(plan, data, n_threads=4, batch_size=10).n_threads == 1


@pytest.mark.usefixtures("small_steps_use_threads")
@pytest.mark.parametrize("n_threads", [2, 3, 5, 8])
@pytest.mark.parametrize("n", [1, 2, 4, 17])
def test_more_threads_than_rows(n, n_threads):
    plan = plan_of("classes")
    data = draw(plan, n=n)
    alone, together = (
        engine_for(plan, data, threads, batch_size=n) for threads in (1, n_threads)
    )
    with alone, together:
        np.testing.assert_allclose(together.gradient(), alone.gradient(), rtol=1e-13)
        np.testing.assert_allclose(
            together.gradients, alone.gradients, rtol=1e-11, atol=1e-13
        )


# --------------------------------------------------------------------------- same bits


def uneven(tape, x):
    """Values of many sizes, which take over one another's memory."""
    for i, units in enumerate((65, 3, 40, 1, 90, 7, 33, 2)):
        x = dense(tape, x, f"layer_{i}", units, ("tanh", "relu")[i % 2])
    return x


@pytest.mark.usefixtures("small_steps_use_threads")
@pytest.mark.parametrize("n_threads", [2, 3, 4])
@pytest.mark.parametrize("batch_size", [64, 61])
def test_threads_do_not_touch_one_another(batch_size, n_threads):
    # One thread may be in the backward pass while another has just begun: their values
    # must lie apart then as well. Whether they meet is chance, so try many times.
    plan = by_hand(uneven)
    data = draw(plan, n=batch_size)
    with engine_for(plan, data, batch_size=batch_size) as engine:
        expected = engine.gradient()
        gradients = engine.gradients.copy()
    with engine_for(plan, data, n_threads, batch_size) as engine:
        assert engine.n_threads == n_threads
        first = engine.gradient(), engine.gradients.copy()
        np.testing.assert_allclose(first[0], expected, rtol=1e-12)
        np.testing.assert_allclose(first[1], gradients, rtol=1e-9, atol=1e-12)
        for _ in range(300):
            assert engine.gradient() == first[0]
            np.testing.assert_array_equal(engine.gradients, first[1])


@pytest.mark.usefixtures("small_steps_use_threads")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_the_same_seed_gives_the_same_bits(n_threads, dtype):
    plan = by_hand(uneven, loss="cross_entropy")
    results = []
    for _ in range(3):
        data = draw(plan, n=200).astype(dtype)
        optimizer = Adam()
        with engine_for(plan, data, n_threads, 32, optimizer) as engine:
            table = optimizer.table(1, engine.n_steps, 0.01)
            losses = [shuffled_epoch(engine, table, seed) for seed in (7, 8)]
        results.append((losses, data.parameters))
    for losses, parameters in results[1:]:
        assert losses == results[0][0]
        np.testing.assert_array_equal(parameters, results[0][1])


# ------------------------------------------------------------------- the process around


@pytest.fixture
def two_blas_threads():
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        yield before
        assert blas_threads() == before


def engine_that_calls(function):
    """An engine whose loss is a function that is called in the middle of a gradient."""

    def loss(y, z):
        function()
        return ((z - y) ** 2).sum(axis=1) / 2, z - y

    network = Sequential([Dense(2)])
    plan = lower(network, input_shape=(5,), loss=CustomLoss(loss))
    return engine_for(plan, draw(plan))


@pytest.fixture
def products_are_blas(monkeypatch):
    monkeypatch.setattr(
        "fastnn.engine.construction.goes_to_blas", lambda multiplications: True
    )


def test_blas_is_left_alone_where_it_is_not_called(two_blas_threads):
    # To set a limit and lift it takes longer than a small step.
    found = []
    engine_that_calls(lambda: found.append(blas_threads())).gradient()
    plan = stack([3, 2], input_shape=(5,))
    assert plan.largest_product() == 15
    if not goes_to_blas(15):
        assert found == [two_blas_threads]
    assert goes_to_blas(2.0**32)


@pytest.mark.usefixtures("products_are_blas")
def test_blas_is_held_at_one_thread_while_training_computes(two_blas_threads):
    found = []
    engine_that_calls(lambda: found.append(blas_threads())).gradient()
    assert len(found) == 1
    assert set(found[0]) <= {1}
    assert blas_threads() == two_blas_threads


@pytest.mark.usefixtures("products_are_blas")
def test_overlapping_engines_share_the_limit(two_blas_threads):
    found = []

    def train_another():
        plan = plan_of("classes")
        engine_for(plan, draw(plan)).gradient()
        found.append(blas_threads())  # the inner one is out, the outer one is not

    engine_that_calls(train_another).gradient()
    assert set(found[0]) <= {1}
    assert blas_threads() == two_blas_threads


@pytest.mark.usefixtures("products_are_blas")
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_exception_lifts_the_limit(error, two_blas_threads):
    def fail():
        raise error("inside")

    with pytest.raises(error, match="inside"):
        engine_that_calls(fail).gradient()
    assert blas_threads() == two_blas_threads


@pytest.mark.usefixtures("products_are_blas")
def test_fits_in_many_threads_lift_the_limit(two_blas_threads):
    plan = plan_of("classes")

    def work(seed):
        with engine_for(plan, draw(plan, seed=seed)) as engine:
            return engine.gradient()

    expected = [work(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for i, result in enumerate(pool.map(work, list(range(8)) * 10)):
            assert result == expected[i % 8]
    assert blas_threads() == two_blas_threads


def work_until_there_are(expected, engine):
    """Whether an engine's threads come: on a busy machine they may be idle for long."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        engine.gradient()
        if n_tasks() == expected:
            return True
    return False


@tasks
@pytest.mark.usefixtures("small_steps_use_threads")
def test_threads_go_home():
    plan = plan_of("classes")
    before = settled_tasks()
    with engine_for(plan, draw(plan), n_threads=3) as engine:
        assert work_until_there_are(before + 2, engine)
    assert wait_for_tasks(before)
    # And may come again.
    with engine:
        assert work_until_there_are(before + 2, engine)
    assert wait_for_tasks(before)


@tasks
@pytest.mark.usefixtures("small_steps_use_threads")
def test_threads_end_with_their_engine():
    plan = plan_of("classes")
    before = settled_tasks()
    engine = engine_for(plan, draw(plan), n_threads=3)
    assert work_until_there_are(before + 2, engine)
    del engine
    assert wait_for_tasks(before)


@tasks
@pytest.mark.usefixtures("small_steps_use_threads")
def test_idle_threads_end_by_themselves_and_come_back():
    # A traceback may keep an engine for as long as somebody keeps the exception.
    plan = plan_of("classes")
    before = settled_tasks()
    engine = engine_for(plan, draw(plan), n_threads=3)
    first = engine.gradient()
    assert wait_for_tasks(before)
    assert engine.gradient() == first
    assert work_until_there_are(before + 2, engine)


def fit_and_predict(n_threads):
    plan = plan_of("classes")
    data = draw(plan, n=200)
    optimizer = SGD()
    with engine_for(plan, data, n_threads, 32, optimizer) as engine:
        assert engine.n_threads == n_threads
        table = optimizer.table(1, engine.n_steps, 0.01)
        losses = [shuffled_epoch(engine, table, seed) for seed in (1, 2)]
    return losses, predict(plan, data.parameters, data.X).tolist(), blas_threads()


def fit_in_child(connection):
    connection.send(fit_and_predict(2))
    connection.close()


def result_of_forked_child():
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=fit_in_child, args=(sender,))
    child.start()
    sender.close()
    try:
        assert receiver.poll(20), "the child hangs"
        return receiver.recv()
    finally:
        child.kill()
        child.join()


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="has no fork")
# Python itself warns of forks in a process with threads: those of BLAS, here. So does
# JAX, where tests of the benchmarks have trained with it.
allow_forks = pytest.mark.filterwarnings("ignore:.*fork.*")


@forks
@allow_forks
@pytest.mark.usefixtures("small_steps_use_threads")
def test_a_forked_child_can_fit(two_blas_threads):
    expected = fit_and_predict(2)
    assert expected[2] == two_blas_threads
    assert result_of_forked_child() == expected


@forks
@allow_forks
@pytest.mark.usefixtures("small_steps_use_threads")
def test_a_child_forked_during_a_fit_can_fit(two_blas_threads):
    expected = fit_and_predict(2)
    plan = plan_of("classes")
    with engine_for(plan, draw(plan), n_threads=2) as engine:
        # It has neither the parent's threads nor its limit on BLAS.
        assert result_of_forked_child() == expected
        engine.gradient()


# --------------------------------------------------------------------------- denormals

flushes = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64", "arm64", "aarch64")
    or (platform.machine().lower() in ("arm64", "aarch64") and sys.platform == "win32"),
    reason="denormal numbers cannot be flushed",
)


@flushes
@pytest.mark.usefixtures("small_steps_use_threads")
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_denormals_are_flushed_inside_and_kept_outside(dtype, n_threads):
    plan = stack([40, 2], input_shape=(30,))
    data = draw(plan, n=64).astype(dtype)
    smallest = np.finfo(dtype).tiny
    data.X[:] = 0  # no gradient reaches the first kernel
    plan.views(data.parameters)[0][:] = 0
    optimizer = Adam()
    state = np.full((2, plan.n_parameters), smallest, dtype)
    engine = Engine(
        plan, data.parameters, data.X, data.y, batch_size=32,
        optimizer=optimizer, state=state, n_threads=n_threads,
    )  # fmt: skip
    with engine:
        engine.epoch(optimizer.table(1, 2, 0.01))
        engine.gradient()
    kernel = slice(0, plan.parameters[0].size)
    # 0.9 of the smallest normal number is denormal: every thread made it zero.
    assert not state[:, kernel].any()
    assert dtype(smallest) * dtype(0.5) > 0


@flushes
def test_an_error_restores_the_mode():
    plan = plan_of("linear")
    data = draw(plan, n=20)
    data.X[:] = np.nan
    optimizer = SGD()
    with engine_for(plan, data, optimizer=optimizer) as engine:
        engine.epoch(optimizer.table(1, 2, 0.1))
    assert np.finfo(np.float32).tiny * np.float32(0.5) > 0
