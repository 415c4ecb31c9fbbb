"""Engines for samples that tests draw, on the CPU or on a device."""

import numpy as np

from fastnn.engine.engine import Engine
from fastnn.plan.tables import AVERAGE_RATE, MASK_SEED, MASK_STEP


def engine_of(plan, data, device=None, **options):
    options = {"batch_size": len(data.y), **options}
    return Engine(
        plan, data.parameters, data.X, data.y, data.weight, device=device, **options
    )


def gradient_of(plan, data, device=None, **options):
    """(loss, reported loss, sum of weights), gradients."""
    with engine_of(plan, data, device, **options) as engine:
        sums = engine.gradient()
    if device is not None:
        device.check()
    return sums, whole_gradients(plan, engine)


def whole_gradients(plan, engine):
    """What the engine has summed up, with the rows of tables in their places."""
    gradients = np.zeros(plan.n_parameters, engine.gradients.dtype)
    gradients[: plan.n_gradients] = engine.gradients
    rows = engine.row_gradients()
    for view, p in zip(plan.views(gradients), plan.parameters, strict=True):
        if p.name in rows:
            numbers, values = rows[p.name]
            view[numbers] = values
    return gradients


def table_of(optimizer, n_steps, rates=None):
    table = optimizer.table(1, n_steps, np.full(n_steps, optimizer.learning_rate))
    table[:, MASK_SEED] = 12345
    table[:, MASK_STEP] = np.arange(n_steps)
    if rates is not None:
        table[:, AVERAGE_RATE] = rates
    return table


def trained(plan, data, device, optimizer, n_epochs=5, batch_size=9, average=False):
    """Losses of some epochs, and what they leave: weights, state and average."""
    weights = data.parameters.copy()
    state = np.zeros((optimizer.n_slots, plan.n_parameters), weights.dtype)
    mean = np.zeros_like(weights) if average else None
    engine = Engine(
        plan, weights, data.X, data.y, data.weight, batch_size=batch_size,
        optimizer=optimizer, state=state, average=mean, device=device,
    )  # fmt: skip
    n_steps = n_epochs * engine.n_steps
    rates = None
    if average:
        rates = np.r_[0, 1, np.full(n_steps - 2, 0.3)]
    table = table_of(optimizer, n_steps, rates)
    random_state = np.random.RandomState(0)
    losses = []
    with engine:
        for own in np.split(table, n_epochs):
            engine.shuffle(random_state)
            losses.append(engine.epoch(own))
    if device is not None:
        device.check()
    return np.array(losses), weights, state, mean
