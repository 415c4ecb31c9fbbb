"""The engine's door, the order of an epoch's rows, and epochs that do not end well."""

import gc
import signal
import sys
import threading
import time
import tracemalloc

import numpy as np
import pytest
import reference
from cases import Data, draw, plan_of, predict
from patience import SOON
from scipy import sparse
from writers import by_hand, parameter, stack

from fastnn.engine.engine import Engine
from fastnn.layers import Activation, BatchNorm, Dense
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.optimizers import SGD, Adam
from fastnn.plan import ops

PLAIN = SGD(momentum=0.0)


def start(plan, data, *, optimizer=None, batch_size=8, weight=None, **options):
    state = None
    if optimizer is not None:
        shape = (optimizer.n_slots, plan.n_parameters)
        state = np.zeros(shape, data.parameters.dtype)
    return Engine(
        plan, data.parameters, data.X, data.y, weight,
        batch_size=batch_size, optimizer=optimizer, state=state, **options,
    )  # fmt: skip


# ------------------------------------------------------------------- order of rows


def order_of_steps(n, batch_size, seed, n_threads=1):
    """The number of the step in which each row is seen, from 0 on.

    Row i reads weight i alone, whose step is as long as the rate: step number + 1.
    """
    plan = by_hand(
        lambda tape, x: ops.product(tape, x, parameter(tape, "w", (n, 1))), (n,)
    )
    flat, state = np.zeros(plan.n_parameters), np.zeros((1, plan.n_parameters))
    X, y = sparse.eye_array(n, format="csr"), np.ones((n, 1))
    options = {"optimizer": PLAIN, "state": state, "n_threads": n_threads}
    with Engine(plan, flat, X, y, batch_size=batch_size, **options) as engine:
        rates = np.arange(1.0, engine.n_steps + 1)
        rates *= np.minimum(batch_size, n - batch_size * np.arange(engine.n_steps))
        if seed is not None:
            engine.shuffle(np.random.RandomState(seed))
        engine.epoch(PLAIN.table(1, engine.n_steps, rates))
    return plan.views(flat)[0].ravel() - 1


@pytest.mark.parametrize("n", [1, 2, 3, 50, 257])
@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_shuffle_is_that_of_numpy(n, seed):
    steps = np.empty(n)
    steps[reference.shuffled(n, seed)] = np.arange(n)
    np.testing.assert_array_equal(order_of_steps(n, 1, seed), steps)


@pytest.mark.parametrize("bit_generator", [np.random.MT19937, np.random.PCG64])
def test_shuffles_go_on_from_the_last_one(bit_generator):
    # Whatever generator a RandomState has, ours and NumPy's shuffles take turns on it.
    plan = plan_of("classes")
    data = draw(plan, n=40)
    ours, numpys = (np.random.RandomState(bit_generator(3)) for _ in range(2))
    engine = start(plan, data, optimizer=PLAIN, batch_size=7)
    table = PLAIN.table(1, engine.n_steps, 0.0)  # nothing moves: losses tell the order
    order = np.arange(40)
    for _ in range(3):
        engine.shuffle(ours)
        numpys.shuffle(order)
        shuffled = Data(
            data.parameters, data.X[order], data.y[order], data.weight[order]
        )
        again = start(plan, shuffled, optimizer=PLAIN, batch_size=7)
        assert engine.epoch(table) == pytest.approx(again.epoch(table), rel=1e-14)
        assert ours.randint(2**31) == numpys.randint(2**31)


@pytest.mark.parametrize("batch_size", [1, 2, 7, 49, 50])
@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_every_row_is_seen_once(batch_size, seed, n_threads, monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)
    steps = order_of_steps(50, batch_size, seed, n_threads)
    assert len(steps) == 50
    expected = np.arange(50) // batch_size
    if seed is None:
        np.testing.assert_allclose(steps, expected, atol=1e-12)
    else:
        np.testing.assert_allclose(np.sort(steps), expected, atol=1e-12)


# ----------------------------------------------------------------- weights of samples


def test_batches_without_weight_are_skipped():
    plan = plan_of("classes")
    data = draw(plan, n=24)
    weight = np.ones(24)
    weight[8:16] = 0
    engine = start(plan, data, optimizer=Adam(), weight=weight)
    table = Adam().table(1, 3, 0.01)
    loss = engine.epoch(table)
    rows = np.r_[0:8, 16:24]
    other = draw(plan, n=24)
    flat = other.parameters
    state = np.zeros((2, plan.n_parameters))
    expected = reference.epoch(
        plan, flat, data.X[rows], data.y[rows], np.ones(16), np.arange(16), 8,
        "adam", state, table[[0, 2]],
    )  # fmt: skip
    np.testing.assert_allclose(data.parameters, flat, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(loss, expected * 16 / 24, rtol=1e-12)


def test_nothing_has_weight():
    plan = plan_of("classes")
    data = draw(plan, n=24)
    before = data.parameters.copy()
    engine = start(plan, data, optimizer=Adam(), weight=np.zeros(24))
    assert engine.epoch(Adam().table(1, 3, 0.01)) == 0
    np.testing.assert_array_equal(data.parameters, before)
    assert engine.gradient() == (0, 0, 0)
    assert not engine.gradients.any()


def test_weights_are_repetitions():
    plan = plan_of("rank_2_classes")
    data = draw(plan, n=9)
    weight = np.array([0.0, 1, 2, 3, 1, 0, 2, 1, 1])
    rows = np.repeat(np.arange(9), weight.astype(int))
    weighted = start(plan, data, weight=weight)
    repeated = Engine(plan, data.parameters, data.X[rows], data.y[rows], batch_size=8)
    np.testing.assert_allclose(weighted.gradient(), repeated.gradient(), rtol=1e-13)
    np.testing.assert_allclose(
        weighted.gradients, repeated.gradients, rtol=1e-11, atol=1e-13
    )


# ---------------------------------------------------------------- epochs that go wrong


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_epoch_stops_where_the_loss_is_not_finite(bad, n_threads, monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)
    plan = stack([2])
    data = draw(plan, n=40)
    data.X[19] = bad
    options = {"optimizer": PLAIN, "n_threads": n_threads}
    with start(plan, data, **options) as engine:
        assert not np.isfinite(engine.epoch(PLAIN.table(1, 5, 0.1)))
    with start(plan, draw(plan, n=40), **options) as engine:
        assert np.isfinite(engine.epoch(PLAIN.table(1, 5, 0.1)))


def test_steps_after_a_bad_one_are_not_taken():
    plan = by_hand(lambda tape, x: ops.add(tape, x, parameter(tape, "w", (5,))), (5,))
    data = draw(plan, n=40)
    data.X[:8, 4] = np.nan
    before = plan.views(data.parameters)[0].copy()
    engine = start(plan, data, optimizer=PLAIN)
    assert np.isnan(engine.epoch(PLAIN.table(1, 5, 0.1)))
    first = before[:4] - 0.1 * (data.X[:8, :4] + before[:4] - data.y[:8, :4]).mean(
        axis=0
    )
    np.testing.assert_allclose(plan.views(data.parameters)[0][:4], first, rtol=1e-12)


def normalised_stack():
    """A network whose shares of a step meet twice."""
    return lower(
        Sequential([Dense(256), BatchNorm(), Activation("tanh"), Dense(1)]),
        input_shape=(100,),
        loss=SquaredError(),
    )


def long_epoch(batch_size=200, plan=None, **options):
    """An epoch of seconds, whose steps are all in one call of the compiled engine."""
    plan = plan or stack([256, 1], input_shape=(100,))
    n = 8000 * 200
    X = np.broadcast_to(np.ones(100, np.float32), (n, 100))
    flat = plan.initialize(np.random.RandomState(0), np.float32)
    state = np.zeros((1, plan.n_parameters), np.float32)
    engine = Engine(
        plan, flat, X, np.ones((n, 1), np.float32),
        batch_size=batch_size, optimizer=PLAIN, state=state, **options,
    )  # fmt: skip
    return flat, engine


@pytest.fixture
def interrupt_soon():
    """Has Ctrl-C pressed a moment from a call on; the list it returns tells when."""
    pressed = []

    def press():
        pressed.append(time.perf_counter())
        signal.raise_signal(signal.SIGINT)

    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.15, press)

    def begin():
        timer.start()
        return pressed

    yield begin
    timer.join()
    signal.signal(signal.SIGINT, previous)


@pytest.mark.parametrize("whole_batch", [False, True])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_ctrl_c_ends_an_epoch(n_threads, whole_batch, interrupt_soon):
    plan = normalised_stack() if whole_batch else None
    flat, engine = long_epoch(plan=plan, n_threads=n_threads)
    assert engine.n_threads == n_threads
    before = flat.copy()
    table = PLAIN.table(1, engine.n_steps, 1e-4)
    with engine:
        pressed = interrupt_soon()
        with pytest.raises(KeyboardInterrupt):
            engine.epoch(table)
        assert time.perf_counter() - pressed[0] < SOON
        assert np.isfinite(flat).all()
        assert not np.array_equal(flat, before)
    # Denormal numbers work as before.
    assert np.float32(1e-38) * np.float32(0.1) > 0


def test_ctrl_c_within_a_batch_takes_no_step(interrupt_soon):
    flat, engine = long_epoch(batch_size=8000 * 200)
    before = flat.copy()
    pressed = interrupt_soon()
    with engine, pytest.raises(KeyboardInterrupt):
        engine.epoch(PLAIN.table(1, 1, 1e-4))
    assert time.perf_counter() - pressed[0] < SOON
    np.testing.assert_array_equal(flat, before)


def test_ctrl_c_ends_a_gradient(interrupt_soon):
    _, engine = long_epoch(batch_size=8000 * 200)
    pressed = interrupt_soon()
    with engine, pytest.raises(KeyboardInterrupt):
        engine.gradient()
    assert time.perf_counter() - pressed[0] < SOON


# ------------------------------------------------------------------------------ memory


def test_an_epoch_allocates_nothing_that_grows_with_it():
    plan = plan_of("classes")
    data = draw(plan, n=4000)
    engine = start(plan, data, optimizer=Adam(), batch_size=4)
    table = Adam().table(1, engine.n_steps, 1e-3)
    random_state = np.random.RandomState(0)
    engine.epoch(table)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(3):
            engine.shuffle(random_state)
            engine.epoch(table)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 2000
    # The scalars of a thousand steps may be copied once.
    assert peak - before < table.nbytes + 4000


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_engines_and_predictions_leave_no_memory_behind():
    plan = stack([256, 3], input_shape=(64,))
    data = draw(plan, n=512)

    def work():
        for n_threads in (1, 2):
            with start(plan, data, batch_size=512, n_threads=n_threads) as engine:
                engine.gradient()
        predict(plan, data.parameters, data.X)

    def resident():
        gc.collect()
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    for _ in range(10):
        work()
    before = resident()
    for _ in range(60):
        work()
    # Each holds some 5 MB for a moment: were a tenth of that lost, it would show.
    assert resident() - before < 30e6
