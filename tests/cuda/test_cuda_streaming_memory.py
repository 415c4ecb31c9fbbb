"""Samples beyond the memory of a card: what there is room for, and what goes wrong."""

from dataclasses import replace

import numpy as np
import pytest
from cases import draw, plan_of
from emulation import EmulatedDevice, device_under_test, emulated_device
from engines import engine_of, table_of, trained
from ops.losses import quartic
from test_cuda_streaming import N, assert_same, ragged, samples_of
from writers import custom, stack

from fastnn.engine.cuda import streaming
from fastnn.engine.cuda.samples import ResidentSamples, stored_values
from fastnn.engine.cuda.streaming import StreamedSamples
from fastnn.engine.predictor import Predictor
from fastnn.layers import Dense
from fastnn.losses import CustomLoss
from fastnn.optimizers import SGD, Adam


@pytest.fixture
def scarce(monkeypatch):
    """Leaves no room for samples, so that parts are as small as they can be."""
    return lambda: monkeypatch.setattr(streaming, "SHARE_LEFT", 1)


# ------------------------------------------------------------------ what there is room


def fixed_bytes(plan, data, **options):
    """What a device holds when samples are to fit, and for how many bytes of them."""
    device = emulated_device()
    engine = engine_of(plan, data, device, **options)
    assert isinstance(samples_of(engine), ResidentSamples)
    layout = samples_of(engine)._layout
    n_rows, n_values = len(data.y), stored_values(data.X)
    return device.most_held, layout.n_bytes(n_rows, [n_values]) + 8 * n_rows


@pytest.mark.parametrize(("is_sparse", "least"), [(False, 0.2), (True, 0.45)])
def test_the_memory_decides(is_sparse, least):
    plan = stack([6, 2], input_shape=(40,))
    sgd = SGD(0.1)
    results, sizes = [], []
    for share in (2, 1, 0.9, 0.5, least):
        data = draw(plan, 600)
        if is_sparse:
            data = replace(data, X=ragged(600))
        state = np.zeros((1, plan.n_parameters))
        options = {"batch_size": 30, "optimizer": sgd, "state": state}
        held, of_samples = fixed_bytes(plan, data, **options)
        device = emulated_device(n_bytes=int(held - of_samples * (1 - share)))
        engine = engine_of(plan, data, device, **options)
        random_state = np.random.RandomState(0)
        with engine:
            for _ in range(2):
                engine.shuffle(random_state)
                loss = engine.epoch(table_of(sgd, engine.n_steps))
        device.check()
        assert device.most_held <= device.n_bytes
        results.append((loss, data.parameters))
        sizes.append(getattr(samples_of(engine), "_n_together", 600))
    for actual in results[1:]:
        assert_same(actual, results[0])
    # Some memory is left free, so that not even all of it is enough for all of them.
    assert sizes[0] == 600 > sizes[1]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] <= 64 < sizes[1]


def test_memory_that_is_free_in_pieces_only():
    plan = plan_of("deep")
    data = draw(plan, N)

    class InPieces(EmulatedDevice):
        def empty(self, size, dtype):
            if size == data.X.size:
                raise MemoryError("no piece is large enough")
            return super().empty(size, dtype)

    device = InPieces(emulated_device().library)
    engine = engine_of(plan, data, device, batch_size=9)
    assert isinstance(samples_of(engine), StreamedSamples)
    with engine:
        actual = engine.gradient()
    expected = engine_of(plan, data, emulated_device(), batch_size=9).gradient()
    assert_same(actual, expected)
    device.check()


@pytest.mark.parametrize(
    ("name", "n_rows", "advice"),
    [
        ("batch_norm", N, rf"lower batch_size \(now {N}\)"),
        ("deep", 16, "make room there"),
    ],
)
def test_too_little_for_a_mini_batch_is_told(name, n_rows, advice, monkeypatch):
    plan = plan_of(name)
    data = draw(plan, N)
    before = data.parameters.copy()
    held, _ = fixed_bytes(plan, data, batch_size=N)
    message = (
        r"training does not fit into the device's memory: parameters, their gradients "
        rf"and the optimizer's state take .*, and {n_rows} samples of a mini-batch .*; "
        rf"{advice}, or pass device=\"cpu\" \(the device has no memory for another"
    )
    for n_bytes in (0, 1000, held // 2):
        device = emulated_device(n_bytes=n_bytes)
        with pytest.raises(MemoryError, match=message):
            engine_of(plan, data, device, batch_size=N)
        device.check()
        assert device.held == 0
    np.testing.assert_array_equal(data.parameters, before)


def test_chunks_are_smaller_where_there_is_less_memory():
    plan = plan_of("deep")
    data = draw(plan, N)
    held, of_samples = fixed_bytes(plan, data)
    device = emulated_device(n_bytes=held - of_samples)
    engine = engine_of(plan, data, device)
    assert engine._compiled._capacity < N
    assert device.most_held <= device.n_bytes
    with engine:
        sums = engine.gradient()
    expected = engine_of(plan, data, None)
    np.testing.assert_allclose(sums, expected.gradient(), rtol=1e-11)
    np.testing.assert_allclose(engine.gradients, expected.gradients, atol=1e-11)


@pytest.mark.parametrize("name", ["deep", "custom_loss"])
def test_predictions_take_as_many_rows_as_there_is_room_for(name):
    plan = plan_of(name)
    data = draw(plan, N)
    arguments = data.parameters, data.X, data.y, data.weight
    expected = Predictor(plan).judge(*arguments)
    unlimited = emulated_device()
    Predictor(plan, unlimited).judge(*arguments)
    fixed = unlimited.most_held
    for n_bytes in range(fixed, fixed - 12_000, -1500):
        device = emulated_device(n_bytes=n_bytes)
        try:
            actual = Predictor(plan, device).judge(*arguments)
        except MemoryError as error:
            assert "the device has no memory for another" in str(error)  # noqa: PT017
            assert 'device="cpu"' in str(error)  # noqa: PT017
            break
        np.testing.assert_allclose(actual[0], expected[0], rtol=1e-11, atol=1e-14)
        np.testing.assert_allclose(actual[1], expected[1], rtol=1e-11)
        device.check()
    assert n_bytes < fixed - 3000  # by then some rows had to wait


# ------------------------------------------------------------------ what goes wrong


@pytest.mark.parametrize("step", [1, 2, 5, 11])
def test_an_interrupt_leaves_full_steps(step, scarce, monkeypatch):
    scarce()
    plan = plan_of("norms_limited")
    sgd = SGD(0.1)
    expected = draw(plan, N)
    state = np.zeros((1, plan.n_parameters))
    rest = {"batch_size": 9, "optimizer": sgd, "state": state}
    engine = engine_of(plan, expected, None, **rest)
    table = table_of(sgd, engine.n_steps)
    with engine:
        for first in range(step):
            rows = np.arange(9 * first, 9 * (first + 1), dtype=np.intp)
            engine.gradient(rows, table[first])
            engine.update(table[first])
    data = draw(plan, N)
    device = device_under_test()
    rest["state"] = np.zeros((1, plan.n_parameters))
    engine = engine_of(plan, data, device, **rest)
    taken = []
    take = engine._compiled._take

    def interrupted(*arguments):
        if len(taken) == step:
            raise KeyboardInterrupt
        take(*arguments)
        taken.append(arguments)

    monkeypatch.setattr(engine._compiled, "_take", interrupted)
    with engine:
        with pytest.raises(KeyboardInterrupt):
            engine.epoch(table)
        device.check()
        np.testing.assert_allclose(data.parameters, expected.parameters, rtol=1e-9)
        # It goes on as ever.
        monkeypatch.undo()
        streaming_again = engine.epoch(table)
    device.check()
    assert np.isfinite(streaming_again)


def test_what_a_custom_loss_raises_comes_out(scarce):
    calls = []

    def failing(y, z):
        calls.append(len(z))
        if len(calls) == 3:
            raise ArithmeticError("three is too many")
        return quartic(y, z)

    scarce()
    plan = custom(CustomLoss(failing), Dense(4, "tanh"), Dense(2))
    data = draw(plan, N)
    state = np.zeros((2, plan.n_parameters))
    device = device_under_test()
    engine = engine_of(plan, data, device, batch_size=5, optimizer=Adam(), state=state)
    with engine, pytest.raises(ArithmeticError, match="too many"):
        engine.epoch(table_of(Adam(), engine.n_steps))
    device.check()


def test_what_gathering_raises_comes_out(scarce):
    class Failing:
        n_columns = 5

        def take(self, rows, out):
            if 50 in rows:
                raise OSError("the file is gone")
            out[...] = 0

    scarce()
    plan = plan_of("deep")
    data = draw(plan, N)
    device = device_under_test()
    engine = engine_of(plan, data, device, batch_size=9)
    samples_of(engine)._dense["X0"] = Failing()
    with engine, pytest.raises(OSError, match="gone"):
        engine.gradient()
    device.check()


def test_the_emulation_finds_what_nobody_waited_for():
    device = emulated_device()
    buffer, array = device.empty(4, np.float32), device.pinned(4, np.float32)
    array[:] = 1
    transfer = device.send([(array, buffer)])
    actual = np.zeros(4, np.float32)
    device.download(buffer, actual)
    assert np.isnan(actual).all()
    with pytest.raises(AssertionError):
        device.check()
    with pytest.raises(AssertionError):
        device.send([(array, buffer)])
    transfer.join()
    device.download(buffer, actual)
    assert (actual == 1).all()
    array[2] = 3
    with pytest.raises(AssertionError):
        transfer.wait()
    array[2] = 1
    transfer.wait()
    device.check()


@pytest.mark.parametrize("forgotten", ["join", "wait"])
def test_streaming_waits_for_each_copy(forgotten, scarce, monkeypatch):
    # The tests above would not pass if it did not.
    scarce()
    plan = plan_of("deep")
    data = draw(plan, N)
    expected = trained(plan, data, emulated_device(), Adam(0.01))
    monkeypatch.setattr(f"emulation.Transfer.{forgotten}", lambda self: None)
    if forgotten == "join":
        actual = trained(plan, data, emulated_device(), Adam(0.01))
        assert not np.array_equal(actual[0], expected[0])
        return
    with pytest.raises(AssertionError):
        trained(plan, data, emulated_device(), Adam(0.01))
