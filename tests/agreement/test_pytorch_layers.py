"""Layers against PyTorch's, where that is installed: outputs, and steps of Adam.

It is no dependency of ours, not even of the tests.
"""

import numpy as np
import pytest
from cases import predict
from probes import training_outputs
from sklearn.base import BaseEstimator

from fastnn.engine.engine import Engine
from fastnn.layers import Activation, AlphaDropout, Dense, LayerNorm, PReLU, RMSNorm
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.optimizers import Adam

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn, F = torch.nn, torch.nn.functional


def named(value):
    """Our description; what is theirs has no name that stays the same."""
    return str(value) if isinstance(value, BaseEstimator) else ""


LAYERS = [
    (LayerNorm(), lambda n: nn.LayerNorm(n)),
    (LayerNorm(1e-3), lambda n: nn.LayerNorm(n, eps=1e-3)),
    (LayerNorm(affine=False), lambda n: nn.LayerNorm(n, elementwise_affine=False)),
    (RMSNorm(), lambda n: nn.RMSNorm(n, eps=1e-6)),
    (RMSNorm(0.1), lambda n: nn.RMSNorm(n, eps=0.1)),
    (RMSNorm(affine=False), lambda n: nn.RMSNorm(n, 1e-6, elementwise_affine=False)),
    (PReLU(), lambda n: nn.PReLU()),
    (PReLU("zeros", shared=False), lambda n: nn.PReLU(n, init=0.0)),
]


@pytest.mark.parametrize(("layer", "theirs"), LAYERS, ids=named)
def test_outputs(layer, theirs):
    x = np.random.default_rng(0).normal(3, 2, size=(20, 17))
    plan = lower(Sequential([layer]), input_shape=(17,), loss=SquaredError())
    flat = plan.initialize(np.random.RandomState(0), np.float64)
    expected = theirs(17).double()(torch.tensor(x)).detach()
    np.testing.assert_allclose(predict(plan, flat, x), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("layer", "theirs"), LAYERS, ids=named)
def test_steps_of_adam(layer, theirs):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 4)), rng.normal(size=(40, 3))
    layers = [Dense(6), layer, Activation("tanh"), Dense(3)]
    plan = lower(Sequential(layers), input_shape=(4,), loss=SquaredError())
    flat = plan.initialize(np.random.RandomState(0), np.float64)
    start = flat.copy()

    module = theirs(6)
    network = nn.Sequential(nn.Linear(4, 6), module, nn.Tanh(), nn.Linear(6, 3))
    network = network.double()
    weights = list(network.parameters())
    with torch.no_grad():
        for weight, view in zip(weights, plan.views(start), strict=True):
            weight.copy_(torch.tensor(view.T))
    steps = torch.optim.Adam(weights, lr=0.02)

    ours = Adam(0.02)
    state = np.zeros((ours.n_slots, plan.n_parameters))
    engine = Engine(plan, flat, X, y, batch_size=10, optimizer=ours, state=state)
    for epoch in range(5):
        first = epoch * engine.n_steps + 1
        engine.epoch(ours.table(first, engine.n_steps, np.full(engine.n_steps, 0.02)))
        for at in range(0, 40, 10):
            steps.zero_grad()
            outputs = network(torch.tensor(X[at : at + 10]))
            expected = torch.tensor(y[at : at + 10])
            (F.mse_loss(outputs, expected, reduction="sum") / 2 / 10).backward()
            steps.step()

    for before, after, weight in zip(
        plan.views(start), plan.views(flat), weights, strict=True
    ):
        assert (abs(after - before) > 1e-3).any()
        np.testing.assert_allclose(
            after, weight.detach().numpy().T, rtol=1e-7, atol=1e-9
        )


@pytest.mark.parametrize("rate", [0.125, 0.5])
def test_alpha_dropout(rate):
    """The same numbers where both drop, or both keep; and about the same moments."""
    x = np.random.default_rng(0).normal(size=(1, 500, 400))
    torch.manual_seed(0)
    theirs = F.alpha_dropout(torch.tensor(x), rate, training=True).numpy()
    ours = training_outputs([AlphaDropout(rate)], x)
    values = []
    for y in (theirs, ours):
        numbers, counts = np.unique(y, return_counts=True)
        value, count = numbers[counts.argmax()], counts.max()  # of what is dropped
        assert abs(count / y.size - rate) < 5 * np.sqrt(rate * (1 - rate) / y.size)
        kept = y != value
        values.append([value, *np.polyfit(x[kept], y[kept], 1)])
    np.testing.assert_allclose(*values, rtol=1e-9)
    for moment in (np.mean, np.var):
        np.testing.assert_allclose(moment(ours), moment(theirs), rtol=0, atol=0.01)
