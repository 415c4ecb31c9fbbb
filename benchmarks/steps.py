"""Steps of training without an estimator around them."""

import numpy as np

from benchmarks.timing import seconds_per_call
from fastnn.engine.engine import Engine
from fastnn.layers import Dense
from fastnn.losses import CrossEntropy, LogLoss
from fastnn.network import Sequential, lower
from fastnn.optimizers import Adam
from fastnn.regularizers import SklearnL2


def new_plan(n_features, hidden, n_outputs):
    """A dense net with relu; one output is a binary classifier's."""
    penalty = SklearnL2(1e-4)
    layers = [Dense(width, "relu", kernel_regularizer=penalty) for width in hidden]
    network = Sequential([*layers, Dense(n_outputs, kernel_regularizer=penalty)])
    loss = LogLoss() if n_outputs == 1 else CrossEntropy()
    return lower(network, input_shape=(n_features,), loss=loss)


def seconds_per_step(n_features, hidden, n_outputs, batch_size, seconds=0.2):
    """Of one thread, Adam and float32, over as many batches as 4 MB of X hold."""
    plan = new_plan(n_features, hidden, n_outputs)
    n_steps = max(1, min(20, 2**20 // (batch_size * n_features)))
    rng = np.random.default_rng(0)
    n_samples = n_steps * batch_size
    optimizer = Adam()
    parameters = np.zeros(plan.n_parameters, np.float32)
    for place, view in zip(plan.parameters, plan.views(parameters), strict=True):
        bound = np.sqrt(6 / (place.fan_in + place.fan_out))
        view[...] = rng.uniform(-bound, bound, view.shape)
    engine = Engine(
        plan,
        parameters,
        rng.standard_normal((n_samples, n_features), dtype=np.float32),
        rng.integers(0, max(2, n_outputs), (n_samples, 1)).astype(np.float32),
        batch_size=batch_size,
        optimizer=optimizer,
        state=np.zeros((optimizer.n_slots, plan.n_parameters), np.float32),
    )
    table = optimizer.table(1, n_steps, 1e-3)
    with engine:
        return seconds_per_call(lambda: engine.epoch(table), seconds) / n_steps
