"""Layers against PyTorch's, where that is installed: outputs, and steps of Adam.

It is no dependency of ours, not even of the tests.
"""

import numpy as np
import pytest
from cases import predict
from probes import training_outputs
from sklearn.base import BaseEstimator

from fastnn.engine.engine import Engine
from fastnn.layers import (
    Activation,
    AlphaDropout,
    BatchNorm,
    Dense,
    LayerNorm,
    PReLU,
    RMSNorm,
)
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.optimizers import SGD, Adam

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


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (2, 1, 3, 4)], ids=str)
def test_dense_over_the_last_axis(shape):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(8, *shape)), rng.normal(size=(8, *shape[:-1], 2))
    layers = [Dense(5, "tanh"), Dense(2)]
    plan = lower(Sequential(layers), input_shape=shape, loss=SquaredError())
    flat = plan.initialize(np.random.RandomState(0), np.float64)
    network = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2)).double()
    weights = list(network.parameters())
    with torch.no_grad():
        for weight, view in zip(weights, plan.views(flat), strict=True):
            weight.copy_(torch.tensor(view.T))
    steps, ours = torch.optim.SGD(weights, lr=0.05), SGD(0.05, momentum=0)
    state = np.zeros((ours.n_slots, plan.n_parameters))
    engine = Engine(
        plan, flat, X.reshape(8, -1), y.reshape(8, -1), batch_size=8,
        optimizer=ours, state=state,
    )  # fmt: skip
    for step in range(10):
        steps.zero_grad()
        error = network(torch.tensor(X)) - torch.tensor(y)
        (error.square().sum() / 2 / 8).backward()
        if not step:
            weight = engine.gradient()[2]
            found = plan.views(engine.gradients / weight)
            for expected, gradient in zip(weights, found, strict=True):
                np.testing.assert_allclose(gradient.T, expected.grad, rtol=1e-10)
        steps.step()
        engine.epoch(ours.table(step + 1, 1, np.full(1, 0.05)))
    for expected, view in zip(weights, plan.views(flat), strict=True):
        np.testing.assert_allclose(view.T, expected.detach(), rtol=1e-10)
    outputs = predict(plan, flat, X.reshape(8, -1))
    expected = network(torch.tensor(X)).detach()
    np.testing.assert_allclose(outputs.reshape(expected.shape), expected, rtol=1e-10)


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


class LastAxis(nn.Module):
    """Theirs over samples and places at once, as rows of channels."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return self.module(x.reshape(-1, x.shape[-1])).reshape(x.shape)


@pytest.mark.parametrize("shape", [(3, 4), (2, 5, 4), (2, 1, 3, 4)])
@pytest.mark.parametrize(
    ("layer", "theirs"),
    [
        (BatchNorm(), lambda: LastAxis(nn.BatchNorm1d(4))),
        (LayerNorm(), lambda: nn.LayerNorm(4)),
        (RMSNorm(), lambda: nn.RMSNorm(4, eps=1e-6)),
    ],
    ids=named,
)
def test_channels_of_sequences_and_images(layer, theirs, shape):
    """Samples of any rank: values, all gradients, and what is kept for predict."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(1, 2, size=(6, *shape)), rng.normal(size=(6, *shape[:-1], 3))
    network = Sequential([Dense(4), layer, Dense(3)])
    plan = lower(network, input_shape=shape, loss=SquaredError())
    flat = plan.initialize(np.random.RandomState(0), np.float64)
    views = plan.views(flat)
    names = [parameter.name for parameter in plan.parameters]
    for name, view in zip(names, views, strict=True):
        if "running" not in name:
            view[...] = rng.normal(1, 0.3, size=view.shape)
    module = nn.Sequential(nn.Linear(4, 4), theirs(), nn.Linear(4, 3)).double()
    trained = [i for i, name in enumerate(names) if "running" not in name]
    weights = list(module.parameters())
    with torch.no_grad():
        for weight, i in zip(weights, trained, strict=True):
            weight.copy_(torch.tensor(views[i].T))
    rows, targets = X.reshape(6, -1), y.reshape(6, -1)
    ours = Adam()
    state = np.zeros((ours.n_slots, plan.n_parameters))
    engine = Engine(
        plan, flat, rows, targets, batch_size=6, optimizer=ours, state=state
    )
    outputs = module(torch.tensor(X))
    loss = F.mse_loss(outputs, torch.tensor(y), reduction="sum") / 2
    loss.backward()
    found, _, weight = engine.gradient()
    assert found / weight == pytest.approx(loss.item() / 6, rel=1e-10)
    gradients = plan.views(engine.gradients)
    for each, i in zip(weights, trained, strict=True):
        np.testing.assert_allclose(
            gradients[i].T / weight, each.grad / 6, rtol=1e-10, atol=1e-12
        )
    engine.epoch(ours.table(1, 1, np.zeros(1)))  # running statistics alone move
    module.eval()
    expected = module(torch.tensor(X)).detach().numpy().reshape(6, -1)
    np.testing.assert_allclose(predict(plan, flat, rows), expected, rtol=1e-10)


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
