"""What stays on a device: parameters, steps that were recorded, and arrays."""

from dataclasses import replace

import numpy as np
import pytest
from cases import draw, plan_of
from emulation import EmulatedDevice, device_under_test, emulated_device
from engines import gradient_of, table_of, trained

from fastnn.engine.cuda import worst_number
from fastnn.engine.cuda.calls import n_sums
from fastnn.engine.cuda.recorder import STEPS_BEFORE, STEPS_TOGETHER
from fastnn.engine.device import downloaded, uploaded
from fastnn.engine.engine import Engine
from fastnn.engine.mirrored import MirroredArray
from fastnn.engine.predictor import Predictor
from fastnn.engine.snapshot import Snapshot
from fastnn.optimizers import SGD, Adam


class Counting(EmulatedDevice):
    """Counts numbers that are copied to it and from it."""

    uploaded = downloaded = 0

    def upload(self, array, buffer):
        self.uploaded += array.size
        super().upload(array, buffer)

    def download(self, buffer, array):
        self.downloaded += array.size
        super().download(buffer, array)


def test_parameters_stay_on_the_device_until_somebody_looks():
    plan = plan_of("deep")
    data = draw(plan, 30)
    expected = trained(plan, data, None, Adam(0.01), average=True)
    device = Counting(emulated_device().library)
    start, zeros = data.parameters.copy(), np.zeros_like(data.parameters)
    weights, state = MirroredArray(start.copy()), MirroredArray(np.stack([zeros] * 2))
    average = MirroredArray(zeros)
    engine = Engine(
        plan, weights, data.X, data.y, data.weight, batch_size=9,
        optimizer=Adam(0.01), state=state, average=average, device=device,
    )  # fmt: skip
    tables = np.split(table_of(Adam(0.01), 20, np.r_[0, 1, np.full(18, 0.3)]), 5)
    random_state = np.random.RandomState(0)
    losses = []
    snapshot = Snapshot(weights, state)
    with engine:
        for table in tables:
            engine.shuffle(random_state)
            losses.append(engine.epoch(table))
            if len(losses) == 1:  # by then all is there
                device.uploaded = device.downloaded = 0
        snapshot.take()
        engine.epoch(tables[0])
        snapshot.restore()
        assert engine.all_finite()
    # An epoch takes its table, the order and where it begins; it gives its sums, and
    # the last line one number for each block of threads.
    assert device.uploaded <= 5 * (table.size + 30 + 8)
    assert device.downloaded <= 5 * n_sums(plan) + 1
    device.check()
    np.testing.assert_allclose(losses, expected[0], rtol=1e-9)
    for own, other in zip((weights, state), expected[1:], strict=False):
        np.testing.assert_allclose(own.host, other, rtol=1e-9, atol=1e-12)
    # What is changed here is changed there.
    weights.host[:] = start
    with engine:
        actual = engine.gradient()
    np.testing.assert_allclose(actual, gradient_of(plan, data, None)[0], rtol=1e-9)


def test_steps_that_come_again_are_recorded_and_launched_together():
    plan = plan_of("deep")
    data = draw(plan, 10 * 50 + 3)  # fifty mini-batches, and a small one
    expected = trained(plan, data, None, SGD(0.01), n_epochs=2, batch_size=10)

    class Recording(EmulatedDevice):
        def __init__(self, library):
            super().__init__(library)
            self.recorded, self.launched = [], 0

        def record(self, calls):
            self.recorded.append(len(calls))
            run = super().record(calls)

            def launch():
                self.launched += 1
                run()

            return launch

    device = Recording(emulated_device().library)
    actual = trained(plan, data, device, SGD(0.01), n_epochs=2, batch_size=10)
    np.testing.assert_allclose(actual[0], expected[0], rtol=1e-9)
    np.testing.assert_allclose(actual[1], expected[1], rtol=1e-9)
    one, many, small = device.recorded
    assert many == STEPS_TOGETHER * one
    assert small == one
    # The first of each size was taken call by call.
    first = STEPS_BEFORE - 1 + (50 - STEPS_BEFORE) // STEPS_TOGETHER
    rest = (50 - STEPS_BEFORE) % STEPS_TOGETHER
    second = 50 // STEPS_TOGETHER + 50 % STEPS_TOGETHER + 1
    assert device.launched == first + rest + second


def test_a_loss_in_python_is_not_recorded():
    plan = plan_of("custom_loss")
    device = device_under_test()
    device.record = None
    trained(plan, draw(plan, 30), device, SGD(0.01))


# ------------------------------------------------------------------ device arrays


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 257, 70_001])
def test_the_worst_of_many_numbers_is_found(dtype, size):
    device = device_under_test()
    largest = np.finfo(dtype).max
    for place in (0, size // 3, size - 1):
        for worst in (0.0, -np.inf, np.nan):
            numbers = np.full(size, largest if np.isfinite(worst) else np.inf, dtype)
            numbers[1:-1] = largest
            numbers[place] = worst
            found = worst_number(device, uploaded(device, numbers, dtype))
            np.testing.assert_equal(found, abs(worst))
    device.check()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("there", [np.float32, np.float64])
def test_what_is_on_the_device_already_is_as_good(dtype, there):
    plan = plan_of("wide")
    data = draw(plan, 37).astype(dtype)
    data = replace(data, X=data.X.astype(np.float32).astype(there))
    device = device_under_test()
    X = uploaded(device, data.X, there)
    predictor = Predictor(plan, device)
    expected = predictor.predict(data.parameters, data.X)
    np.testing.assert_array_equal(predictor.predict(data.parameters, X), expected)
    outputs = predictor.predict_there(data.parameters, X)
    assert outputs.dtype == np.result_type(dtype, there)
    np.testing.assert_array_equal(downloaded(device, outputs), expected)
    sums, gradients = gradient_of(plan, data, device)
    again, own = gradient_of(plan, replace(data, X=X), device)
    np.testing.assert_array_equal(own, gradients)
    assert again == sums
    device.check()


def test_an_array_of_a_device_is_none_of_the_cpu():
    plan = plan_of("wide")
    data = draw(plan, 5)
    X = uploaded(device_under_test(), data.X, data.X.dtype)
    with pytest.raises(ValueError, match="X is on a device, and this predictor is of"):
        Predictor(plan).predict_there(data.parameters, X)
    with pytest.raises(ValueError, match="X is on a device, and this engine computes"):
        Engine(plan, data.parameters, X, data.y, batch_size=5)
