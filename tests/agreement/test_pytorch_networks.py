"""Networks that are no stack against the same written in PyTorch, if it is installed.

Losses, gradients and steps of Adam; the weights are those of one flat buffer, by name.
"""

import numpy as np
import pytest

from fastnn.engine.engine import Engine
from fastnn.layers import (
    Add,
    AveragePooling2D,
    Concatenate,
    Dense,
    Flatten,
    GlobalAveragePooling2D,
    Maximum,
    MaxPooling2D,
    Multiply,
    Permute,
    Rescaling,
    Reshape,
    UpSampling2D,
    ZeroPadding2D,
)
from fastnn.losses import CrossEntropy, Huber, SquaredError
from fastnn.losses.heads import HeadLosses
from fastnn.network import Branches, Graph, Heads, Residual, Sequential, lower
from fastnn.optimizers import Adam

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
F = torch.nn.functional

ONE = HeadLosses([("y", SquaredError(), 1.0)])
N, WIDTH = 24, 6


def dense(p, name, x):
    y = x @ p[f"{name}/kernel"]
    return y + p[f"{name}/bias"] if f"{name}/bias" in p else y


def one_head(layers):
    return Sequential([*layers, Heads([("y", Dense(2))])])


def side_by_side(p, x):
    left = torch.tanh(dense(p, "branches/left/dense", x[:, 1:4]))
    right = dense(p, "branches/right/dense", x[:, [5, 0]])
    return {"y": dense(p, "heads/y", torch.cat([left, right, x], 1))}


def merged_by(merge):
    def forward(p, x):
        a = torch.tanh(dense(p, "branches/a", x))
        b = torch.sigmoid(dense(p, "branches/b", x))
        return {"y": dense(p, "heads/y", merge(a, b))}

    branches = [("a", Dense(4, "tanh")), ("b", Dense(4, "logistic"))]
    name = {torch.mul: "multiply", torch.maximum: "maximum"}.get(merge, "average")
    return one_head([Branches(branches, merge=name)]), forward, ONE


def residual(p, x):
    inner = torch.tanh(dense(p, "residual/part", x))
    h = inner + x @ p["residual/projection/kernel"]
    h = h + torch.tanh(dense(p, "residual_1/part", h))
    return {"y": dense(p, "heads/y", h)}


SHARED = Dense(WIDTH, "tanh")


def shared(p, x):
    once = torch.tanh(dense(p, "graph/first", x))
    twice = torch.tanh(dense(p, "graph/first", once))
    gate = torch.sigmoid(dense(p, "graph/gate", x))
    both = torch.cat([once * gate, twice + once, torch.maximum(x, twice)], 1)
    return {"y": dense(p, "heads/y", both)}


def graph():
    return Graph(
        [
            ("first", SHARED, "x"),
            ("second", SHARED, "first"),
            ("gate", Dense(1, "logistic"), "x"),
            ("gated", Multiply(), ["first", "gate"]),
            ("sum", Add(), ["second", "first"]),
            ("larger", Maximum(), ["x", "second"]),
            ("all", Concatenate(), ["gated", "sum", "larger"]),
        ]
    )


def shaped(p, x):
    rows = (x * 0.5 - 0.1).reshape(-1, 2, 3)
    h = torch.tanh(dense(p, "dense", rows)).reshape(-1, 8)
    return {"y": dense(p, "heads/y", h)}


def places(p, x):
    """Layers around convolutions; PyTorch has the channels of an image in front."""
    h = torch.tanh(dense(p, "dense", x)).reshape(-1, 5, 3, 4).permute(0, 1, 3, 2)
    h = torch.tanh(dense(p, "dense_1", h)).permute(0, 3, 1, 2)
    h = F.max_pool2d(F.pad(h, (1, 0, 0, 2)), 3, 2)
    h = F.avg_pool2d(F.interpolate(h, scale_factor=(2, 3)), (2, 1), 1)
    h = torch.tanh(dense(p, "dense_2", h.permute(0, 2, 3, 1)))
    return {"y": dense(p, "heads/y", h.mean((1, 2)))}


def heads(p, x):
    trunk = torch.tanh(dense(p, "dense", x))
    hidden = F.relu(dense(p, "heads/kind/dense", trunk))
    return {
        "kind": dense(p, "heads/kind/dense_1", hidden),
        "size": dense(p, "heads/size", trunk),
        "rate": dense(p, "heads/rate", trunk),
    }


HEADS = HeadLosses(
    [
        ("kind", CrossEntropy(), 1.0),
        ("size", SquaredError(), 0.3),
        ("rate", Huber(0.7), 2.0),
    ]
)

CASES = {
    "branches": (
        one_head(
            [
                Branches(
                    [
                        ("left", Sequential([Dense(4, "tanh")]), slice(1, 4)),
                        ("right", Sequential([Dense(3)]), [5, 0]),
                        ("same", Sequential([])),
                    ]
                )
            ]
        ),
        side_by_side,
        ONE,
    ),
    "multiply": merged_by(torch.mul),
    "maximum": merged_by(torch.maximum),
    "average": merged_by(lambda a, b: (a + b) / 2),
    "residual": (
        one_head([Residual(Dense(5, "tanh")), Residual(Dense(5, "tanh"))]),
        residual,
        ONE,
    ),
    "graph": (one_head([graph()]), shared, ONE),
    "shapes": (
        one_head([Rescaling(0.5, -0.1), Reshape((2, -1)), Dense(4, "tanh"), Flatten()]),
        shaped,
        ONE,
    ),
    "places": (
        one_head(
            [
                *(Dense(60, "tanh"), Reshape((5, 3, 4)), Permute((1, 3, 2))),
                *(Dense(3, "tanh"), ZeroPadding2D(((0, 2), (1, 0)))),
                *(
                    MaxPooling2D(3, 2),
                    UpSampling2D((2, 3)),
                    AveragePooling2D((2, 1), 1),
                ),
                *(Dense(4, "tanh"), GlobalAveragePooling2D()),
            ]
        ),
        places,
        ONE,
    ),
    "heads": (
        Sequential(
            [
                Dense(7, "tanh"),
                Heads(
                    [
                        ("kind", Sequential([Dense(4, "relu"), Dense(3)])),
                        ("size", Dense(2)),
                        ("rate", Dense(1)),
                    ]
                ),
            ]
        ),
        heads,
        HEADS,
    ),
}


def their_loss(outputs, y, losses):
    """The mean over samples, as PyTorch has it; ours halves squares."""
    total, first = 0.0, 0
    for name, loss, weight in losses.losses:
        z = outputs[name]
        if isinstance(loss, CrossEntropy):
            own = F.cross_entropy(z, y[:, first].long())
            first += 1
        else:
            target = y[:, first : first + z.shape[1]]
            first += z.shape[1]
            own = (
                F.huber_loss(z, target, delta=0.7, reduction="sum")
                if isinstance(loss, Huber)
                else F.mse_loss(z, target, reduction="sum") / 2
            ) / len(z)
        total = total + weight * own
    return total


def data(losses):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, WIDTH))
    y = rng.normal(size=(N, 2 if losses is ONE else 4))
    if losses is HEADS:
        y[:, 0] = rng.integers(3, size=N)
    return X, y


def theirs_of(plan, flat):
    pairs = zip(plan.parameters, plan.views(flat), strict=True)
    return {
        parameter.name: torch.tensor(view.copy(), requires_grad=True)
        for parameter, view in pairs
    }


@pytest.mark.parametrize("name", CASES)
def test_losses_and_gradients(name):
    network, forward, losses = CASES[name]
    X, y = data(losses)
    plan = lower(network, input_shape=(WIDTH,), loss=losses)
    flat = plan.initialize(np.random.RandomState(0), np.float64)
    flat += np.random.default_rng(1).normal(scale=0.1, size=flat.shape)
    weights = theirs_of(plan, flat)
    expected = their_loss(forward(weights, torch.tensor(X)), torch.tensor(y), losses)
    expected.backward()
    engine = Engine(plan, flat, X, y, batch_size=N)
    loss, _, weight = engine.gradient()
    assert loss / weight == pytest.approx(float(expected.detach()), rel=1e-10)
    found = plan.views(engine.gradients / weight)
    for parameter, gradient in zip(plan.parameters, found, strict=True):
        np.testing.assert_allclose(
            gradient, weights[parameter.name].grad, rtol=1e-10, atol=1e-12,
            err_msg=parameter.name,
        )  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_ten_steps_of_adam(name):
    network, forward, losses = CASES[name]
    X, y = data(losses)
    plan = lower(network, input_shape=(WIDTH,), loss=losses)
    flat = plan.initialize(np.random.RandomState(0), np.float64)
    weights = theirs_of(plan, flat)
    steps = torch.optim.Adam(weights.values(), lr=0.02)
    ours = Adam(0.02)
    state = np.zeros((ours.n_slots, plan.n_parameters))
    engine = Engine(plan, flat, X, y, batch_size=N // 2, optimizer=ours, state=state)
    for epoch in range(5):
        engine.epoch(ours.table(2 * epoch + 1, 2, np.full(2, 0.02)))
        for at in (0, N // 2):
            rows = slice(at, at + N // 2)
            steps.zero_grad()
            outputs = forward(weights, torch.tensor(X[rows]))
            their_loss(outputs, torch.tensor(y[rows]), losses).backward()
            steps.step()
    for parameter, view in zip(plan.parameters, plan.views(flat), strict=True):
        np.testing.assert_allclose(
            view, weights[parameter.name].detach(), rtol=1e-7, atol=1e-9
        )
