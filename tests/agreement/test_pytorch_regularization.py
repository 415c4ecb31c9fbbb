"""The same numbers as PyTorch's around the step: penalties, norms, averages of weights.

It is no dependency of ours, not even of the tests.
"""

import numpy as np
import pytest

from fastnn.averaging import EMA, SWA
from fastnn.constraints import MaxNorm
from fastnn.engine.engine import Engine
from fastnn.layers import Dense
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.optimizers import SGD, Adam
from fastnn.plan.tables import AVERAGE_RATE
from fastnn.regularizers import L1, L1L2, L2

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
F, optim, swa_utils = torch.nn.functional, torch.optim, torch.optim.swa_utils

N_STEPS, N, BATCH = 50, 40, 8


class Net(torch.nn.Module):
    """A hidden layer of tanh, with our initial weights."""

    def __init__(self, plan, flat):
        super().__init__()
        names = "first", "first_bias", "second", "second_bias"
        for name, view in zip(names, plan.views(flat.copy()), strict=True):
            setattr(self, name, torch.nn.Parameter(torch.tensor(view)))

    def forward(self, X):
        hidden = torch.tanh(X @ self.first + self.first_bias)
        return hidden @ self.second + self.second_bias


def both_train(layers, ours, theirs, penalty=None, after_step=None, averaging=None):
    """Our weights, their average and PyTorch's net after fifty steps.

    theirs: an optimizer for named parameters. penalty, after_step: functions of the
    net and, the latter, of the number of steps taken.
    """
    plan = lower(Sequential(layers), input_shape=(4,), loss=SquaredError())
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(N, 4)), rng.normal(size=(N, 3))
    flat = plan.initialize(np.random.RandomState(0), np.float64)
    net, average = Net(plan, flat), np.zeros_like(flat)
    optimizer = theirs(net)
    state = np.zeros((ours.n_slots, plan.n_parameters))
    engine = Engine(
        plan, flat, X, y,
        batch_size=BATCH, optimizer=ours, state=state, average=average,
    )  # fmt: skip
    n_steps = engine.n_steps
    for start in range(0, N_STEPS, n_steps):
        table = ours.table(start + 1, n_steps, ours.learning_rate)
        if averaging is not None:
            steps = np.arange(start, start + n_steps)
            rates = averaging.rates(steps, n_steps, N_STEPS // n_steps)
            table[:, AVERAGE_RATE] = rates
        engine.epoch(table)
    for step in range(N_STEPS):
        rows = slice(step * BATCH % N, step * BATCH % N + BATCH)
        optimizer.zero_grad()
        outputs, targets = net(torch.tensor(X[rows])), torch.tensor(y[rows])
        loss = F.mse_loss(outputs, targets, reduction="sum") / 2 / BATCH
        (loss if penalty is None else loss + penalty(net)).backward()
        if ours.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(net.parameters(), ours.clip_norm)
        if ours.clip_value is not None:
            torch.nn.utils.clip_grad_value_(net.parameters(), ours.clip_value)
        optimizer.step()
        if after_step is not None:
            after_step(net, step + 1)
    return plan.views(flat), plan.views(average), net


def assert_same_weights(ours, theirs):
    for one, other in zip(ours, theirs.parameters(), strict=True):
        np.testing.assert_allclose(one, other.detach(), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("momentum", [0.0, 0.8])
def test_l2_is_half_of_the_weight_decay_of_sgd(momentum):
    layers = [
        Dense(6, "tanh", kernel_regularizer=L2(0.03), bias_regularizer=L2(0.1)),
        Dense(3),
    ]
    ours, _, net = both_train(
        layers,
        SGD(0.05, momentum=momentum),
        lambda net: optim.SGD(
            [
                {"params": [net.first], "weight_decay": 0.06},
                {"params": [net.first_bias], "weight_decay": 0.2},
                {"params": [net.second, net.second_bias]},
            ],
            lr=0.05,
            momentum=momentum,
        ),
    )
    assert_same_weights(ours, net)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (SGD(0.05), lambda net: optim.SGD(net.parameters(), lr=0.05)),
        (Adam(0.01), lambda net: optim.Adam(net.parameters(), lr=0.01)),
        (
            SGD(0.05, clip_norm=0.3),
            lambda net: optim.SGD(net.parameters(), lr=0.05),
        ),
        (
            SGD(0.05, clip_value=0.03),
            lambda net: optim.SGD(net.parameters(), lr=0.05),
        ),
    ],
    ids=["SGD", "Adam", "clip_norm", "clip_value"],
)
def test_regularized_losses(ours, theirs):
    layers = [
        Dense(6, "tanh", kernel_regularizer=L1(0.01)),
        Dense(3, kernel_regularizer=L1L2(0.005, 0.02), bias_regularizer=L2(0.03)),
    ]

    def penalty(net):
        return (
            0.01 * net.first.abs().sum()
            + 0.005 * net.second.abs().sum()
            + 0.02 * net.second.square().sum()
            + 0.03 * net.second_bias.square().sum()
        )

    weights, _, net = both_train(layers, ours, theirs, penalty)
    assert_same_weights(weights, net)


def test_max_norm():
    layers = [
        Dense(6, "tanh", kernel_constraint=MaxNorm(1.0)),
        Dense(3, kernel_constraint=MaxNorm(0.6)),
    ]

    def limit(net, step):
        with torch.no_grad():
            for kernel, norm in ((net.first, 1.0), (net.second, 0.6)):
                kernel.copy_(torch.renorm(kernel, 2, 1, norm))

    weights, _, net = both_train(
        layers,
        Adam(0.03),
        lambda net: optim.Adam(net.parameters(), lr=0.03),
        after_step=limit,
    )
    for kernel, norm in ((weights[0], 1.0), (weights[2], 0.6)):
        assert np.linalg.norm(kernel, axis=0).max() == pytest.approx(norm)
    # Theirs divides by the norm plus 1e-7.
    for one, other in zip(weights, net.parameters(), strict=True):
        np.testing.assert_allclose(one, other.detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("averaging", "is_due", "options"),
    [
        (
            EMA(0.9, warmup=False),
            lambda step: True,
            {"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.9)},
        ),
        (SWA(0.4), lambda step: step >= 20 and step % 5 == 0, {}),
        (SWA(0.2, period=3), lambda step: step in (10, 25, 40), {}),
    ],
    ids=["EMA", "SWA", "SWA with a period"],
)
@pytest.mark.parametrize("constraint", [None, MaxNorm(1.0)], ids=str)
def test_averages_of_weights(averaging, is_due, options, constraint):
    made = {}

    def after_step(net, step):
        if constraint is not None:
            with torch.no_grad():
                net.first.copy_(torch.renorm(net.first, 2, 1, 1.0))
        if is_due(step):
            average = made.setdefault("", swa_utils.AveragedModel(net, **options))
            average.update_parameters(net)

    _, average, _ = both_train(
        [Dense(6, "tanh", kernel_constraint=constraint), Dense(3)],
        SGD(0.05, momentum=0.9),
        lambda net: optim.SGD(net.parameters(), lr=0.05, momentum=0.9),
        after_step=after_step,
        averaging=averaging,
    )
    rtol = 1e-9 if constraint is None else 1e-4
    theirs = made[""].module.parameters()
    for one, other in zip(average, theirs, strict=True):
        np.testing.assert_allclose(one, other.detach(), rtol=rtol, atol=rtol / 10)
