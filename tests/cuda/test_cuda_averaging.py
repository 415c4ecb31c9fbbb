"""Averages of weights that a device takes, against those of the CPU."""

import numpy as np
import pytest
from cases import draw, plan_of
from emulation import device_under_test
from engines import table_of

from fastnn.averaging import EMA, SWA
from fastnn.engine.engine import Engine
from fastnn.optimizers import Adam

EPOCHS = 6

AVERAGES = {
    "ema": EMA(0.9),
    "ema_from_the_first_step": EMA(0.5, warmup=False),
    "swa": SWA(0.5),
    "swa_of_some_epochs": SWA(0.25, period=2),
}


def averaged(averaging, plan, device):
    """The average after some epochs of four steps."""
    data, optimizer = draw(plan, 30), Adam(0.05)
    average = np.zeros(plan.n_parameters)
    engine = Engine(
        plan, data.parameters, data.X, data.y, data.weight, batch_size=8,
        optimizer=optimizer, state=np.zeros((2, plan.n_parameters)), average=average,
        device=device,
    )  # fmt: skip
    steps = np.arange(EPOCHS * engine.n_steps)
    rates = averaging.rates(steps, engine.n_steps, EPOCHS)
    with engine:
        for own in np.split(table_of(optimizer, len(steps), rates), EPOCHS):
            engine.epoch(own)
    return data.parameters, average


@pytest.mark.parametrize("plan", ["deep", "batch_norm"])
@pytest.mark.parametrize("name", AVERAGES)
def test_averages_are_those_of_the_cpu(name, plan):
    plan = plan_of(plan)
    device = device_under_test()
    expected = averaged(AVERAGES[name], plan, None)
    actual = averaged(AVERAGES[name], plan, device)
    device.check()
    for own, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-9, atol=1e-12)
    assert not np.allclose(*expected)
