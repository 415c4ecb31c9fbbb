"""The same numbers as PyTorch's, where that is installed: activations, losses, steps.

It is no dependency of ours, not even of the tests.
"""

import numpy as np
import pytest
from cases import predict
from sklearn.base import BaseEstimator, clone
from writers import parameter

from fastnn.engine.engine import Engine
from fastnn.layers import ELU, Activation, BatchNorm, Dense, LeakyReLU
from fastnn.losses import (
    AbsoluteError,
    BinaryFocal,
    CosineSimilarity,
    CrossEntropy,
    Huber,
    KLDivergence,
    LogLoss,
    MultiMargin,
    SoftCrossEntropy,
    SquaredError,
)
from fastnn.network import Sequential, lower
from fastnn.optimizers import SGD, Adadelta, Adagrad, Adam, AdamW, NAdam, RMSprop
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    LinearWarmup,
    OneCycle,
    StepDecay,
)

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
F, optim, rates = torch.nn.functional, torch.optim, torch.optim.lr_scheduler


def named(value):
    """Our description; what is theirs has no name that stays the same."""
    return str(value) if isinstance(value, BaseEstimator) else ""


@pytest.mark.parametrize(
    ("layer", "theirs"),
    [
        (Activation("relu"), F.relu),
        (Activation("leaky_relu"), F.leaky_relu),
        (LeakyReLU(0.3), lambda x: F.leaky_relu(x, 0.3)),
        (Activation("elu"), F.elu),
        (ELU(0.5), lambda x: F.elu(x, 0.5)),
        (Activation("selu"), F.selu),
        (Activation("gelu"), F.gelu),
        (Activation("gelu_tanh"), lambda x: F.gelu(x, approximate="tanh")),
        (Activation("silu"), F.silu),
        (Activation("mish"), F.mish),
        (Activation("softplus"), F.softplus),
        (Activation("softsign"), F.softsign),
        (Activation("tanh"), torch.tanh),
        (Activation("sigmoid"), torch.sigmoid),
        (Activation("hard_sigmoid"), F.hardsigmoid),
        (Activation("hard_swish"), F.hardswish),
        (Activation("softmax"), lambda x: F.softmax(x, dim=-1)),
    ],
    ids=named,
)
def test_activations(layer, theirs):
    x = np.concatenate([np.linspace(-9.1, 9.2, 61), np.linspace(-2, 2, 60)])
    rng = np.random.default_rng(0)
    tape = Tape()
    shift = parameter(tape, "shift", x.shape)
    y = layer.lower(tape, ops.add(tape, tape.input(x.shape), shift), "")
    plan = tape.finish(SquaredError().lower(tape, y))
    flat = np.zeros(plan.n_parameters)
    z = torch.tensor(x, requires_grad=True)
    expected = theirs(z)
    outputs = predict(plan, flat, x[None])[0]
    # PyTorch takes the identity for softplus beyond 20; here nothing is.
    np.testing.assert_allclose(outputs, expected.detach(), rtol=1e-13, atol=1e-15)
    direction = rng.normal(size=x.shape)
    engine = Engine(plan, flat, x[None], (outputs - direction)[None], batch_size=1)
    engine.gradient()
    # Its slope of hardsigmoid is a sixth in single precision.
    rtol = 1e-7 if theirs is F.hardsigmoid else 1e-9
    (slope,) = torch.autograd.grad(expected, z, torch.tensor(direction))
    np.testing.assert_allclose(
        plan.views(engine.gradients)[0], slope, rtol=rtol, atol=1e-12
    )


def classes(rng, z):
    return rng.integers(0, z.shape[1], (len(z), 1)).astype(float)


def shares(rng, z):
    return rng.dirichlet(np.ones(z.shape[1]), len(z))


def labels(rng, z):
    return rng.integers(0, 2, z.shape).astype(float)


def numbers(rng, z):
    return rng.normal(size=z.shape)


def number(y):
    return y[:, 0].long()


def focal(z, y, gamma, alpha):
    """``torchvision.ops.sigmoid_focal_loss``, from its paper."""
    p = torch.sigmoid(z)
    q, weight = p * y + (1 - p) * (1 - y), alpha * y + (1 - alpha) * (1 - y)
    entropy = F.binary_cross_entropy_with_logits(z, y, reduction="none")
    return (weight * (1 - q) ** gamma * entropy).sum()


@pytest.mark.parametrize(
    ("loss", "draw", "theirs"),
    [
        (SquaredError(), numbers, lambda z, y: F.mse_loss(z, y, reduction="sum") / 2),
        (AbsoluteError(), numbers, lambda z, y: F.l1_loss(z, y, reduction="sum")),
        (
            Huber(0.6),
            numbers,
            lambda z, y: F.huber_loss(z, y, delta=0.6, reduction="sum"),
        ),
        (
            LogLoss(),
            labels,
            lambda z, y: F.binary_cross_entropy_with_logits(z, y, reduction="sum"),
        ),
        (BinaryFocal(2.0, 0.25), labels, lambda z, y: focal(z, y, 2.0, 0.25)),
        (BinaryFocal(1.5), labels, lambda z, y: 2 * focal(z, y, 1.5, 0.5)),
        (
            CrossEntropy(),
            classes,
            lambda z, y: F.cross_entropy(z, number(y), reduction="sum"),
        ),
        (
            CrossEntropy(label_smoothing=0.2),
            classes,
            lambda z, y: F.cross_entropy(
                z, number(y), reduction="sum", label_smoothing=0.2
            ),
        ),
        (
            SoftCrossEntropy(),
            shares,
            lambda z, y: F.cross_entropy(z, y, reduction="sum"),
        ),
        (
            SoftCrossEntropy(label_smoothing=0.2),
            shares,
            lambda z, y: F.cross_entropy(z, y, reduction="sum", label_smoothing=0.2),
        ),
        (
            KLDivergence(),
            shares,
            lambda z, y: F.kl_div(F.log_softmax(z, dim=1), y, reduction="sum"),
        ),
        (
            MultiMargin(),
            classes,
            lambda z, y: F.multi_margin_loss(z, number(y), reduction="sum"),
        ),
        (
            MultiMargin(power=2, margin=0.5),
            classes,
            lambda z, y: F.multi_margin_loss(
                z, number(y), p=2, margin=0.5, reduction="sum"
            ),
        ),
        (
            CosineSimilarity(),
            numbers,
            lambda z, y: F.cosine_embedding_loss(
                z, y, torch.ones(len(z)), reduction="sum"
            ),
        ),
    ],
    ids=named,
)
def test_losses(loss, draw, theirs):
    rng = np.random.default_rng(1)
    z = rng.normal(scale=2, size=(30, 5))
    y = draw(rng, z)
    tape = Tape()
    shift = parameter(tape, "shift", (5,))
    x = ops.add(tape, tape.input((5,)), shift)
    plan = tape.finish(loss.lower(tape, x))
    engine = Engine(plan, np.zeros(plan.n_parameters), z, y, batch_size=30)
    value = engine.gradient()[0]
    raw = torch.tensor(z, requires_grad=True)
    expected = theirs(raw, torch.tensor(y))
    np.testing.assert_allclose(value, expected.item(), rtol=1e-12)
    expected.backward()
    np.testing.assert_allclose(
        plan.views(engine.gradients)[0], raw.grad.sum(dim=0), rtol=1e-10, atol=1e-12
    )


N_STEPS, N, BATCH = 50, 40, 8

STEPS = [
    (SGD(0.05), lambda groups: optim.SGD(groups, lr=0.05)),
    (
        SGD(0.05, momentum=0.8, dampening=0.3),
        lambda groups: optim.SGD(groups, lr=0.05, momentum=0.8, dampening=0.3),
    ),
    (
        SGD(0.05, momentum=0.8, nesterov=True, weight_decay=0.1),
        lambda groups: optim.SGD(groups, lr=0.05, momentum=0.8, nesterov=True),
    ),
    (Adam(), lambda groups: optim.Adam(groups)),
    (
        Adam(0.01, beta_1=0.7, beta_2=0.8, epsilon=1e-3, weight_decay=0.1),
        lambda groups: optim.Adam(groups, lr=0.01, betas=(0.7, 0.8), eps=1e-3),
    ),
    (
        Adam(0.01, beta_2=0.5, amsgrad=True),
        lambda groups: optim.Adam(groups, lr=0.01, betas=(0.9, 0.5), amsgrad=True),
    ),
    (AdamW(), lambda groups: optim.AdamW(groups)),
    (
        AdamW(0.01, weight_decay=0.3, amsgrad=True),
        lambda groups: optim.AdamW(groups, lr=0.01, amsgrad=True),
    ),
    (NAdam(), lambda groups: optim.NAdam(groups)),
    (NAdam(weight_decay=0.1), lambda groups: optim.NAdam(groups)),
    (
        NAdam(0.01, momentum_decay=0.1, weight_decay=0.1, decoupled_weight_decay=True),
        lambda groups: optim.NAdam(
            groups, lr=0.01, momentum_decay=0.1, decoupled_weight_decay=True
        ),
    ),
    (RMSprop(), lambda groups: optim.RMSprop(groups)),
    (
        RMSprop(0.005, rho=0.9, momentum=0.5, weight_decay=0.1),
        lambda groups: optim.RMSprop(groups, lr=0.005, alpha=0.9, momentum=0.5),
    ),
    (
        RMSprop(0.005, centered=True, momentum=0.5, epsilon=1e-4),
        lambda groups: optim.RMSprop(
            groups, lr=0.005, centered=True, momentum=0.5, eps=1e-4
        ),
    ),
    (Adagrad(), lambda groups: optim.Adagrad(groups)),
    (
        Adagrad(0.1, learning_rate_decay=0.1, initial_accumulator_value=0.3),
        lambda groups: optim.Adagrad(
            groups, lr=0.1, lr_decay=0.1, initial_accumulator_value=0.3
        ),
    ),
    (Adadelta(), lambda groups: optim.Adadelta(groups)),
    (
        Adadelta(0.5, rho=0.7, epsilon=1e-4, weight_decay=0.1),
        lambda groups: optim.Adadelta(groups, lr=0.5, rho=0.7, eps=1e-4),
    ),
    (SGD(0.05, clip_norm=0.3), lambda groups: optim.SGD(groups, lr=0.05)),
    (SGD(0.05, clip_value=0.02), lambda groups: optim.SGD(groups, lr=0.05)),
    (
        Adam(0.01, clip_norm=0.1, weight_decay=0.1),
        lambda groups: optim.Adam(groups, lr=0.01),
    ),
]


@pytest.mark.parametrize("schedule", [False, True], ids=["constant", "falling"])
@pytest.mark.parametrize(("ours", "theirs"), STEPS, ids=named)
def test_fifty_steps(ours, theirs, schedule):
    plan = lower(
        Sequential([Dense(6, "tanh"), Dense(3)]), input_shape=(4,), loss=SquaredError()
    )
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(N, 4)), rng.normal(size=(N, 3))
    flat = plan.initialize(np.random.RandomState(0), np.float64)
    weights = [
        torch.tensor(view, requires_grad=True) for view in plan.views(flat.copy())
    ]
    first, bias_1, second, bias_2 = weights
    optimizer = theirs(
        [
            {"params": [first, second], "weight_decay": ours.weight_decay},
            {"params": [bias_1, bias_2], "weight_decay": 0.0},
        ]
    )
    rates = np.full(N_STEPS, ours.learning_rate)
    if schedule:
        rates *= 0.97 ** np.arange(N_STEPS)

    state = np.zeros((ours.n_slots, plan.n_parameters))
    engine = Engine(plan, flat, X, y, batch_size=BATCH, optimizer=ours, state=state)
    for start in range(0, N_STEPS, engine.n_steps):
        steps = slice(start, start + engine.n_steps)
        engine.epoch(ours.table(start + 1, engine.n_steps, rates[steps]))
    for step in range(N_STEPS):
        rows = slice(step * BATCH % N, step * BATCH % N + BATCH)
        optimizer.zero_grad()
        outputs = torch.tanh(torch.tensor(X[rows]) @ first + bias_1) @ second + bias_2
        (
            F.mse_loss(outputs, torch.tensor(y[rows]), reduction="sum") / 2 / BATCH
        ).backward()
        if ours.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(weights, ours.clip_norm)
        if ours.clip_value is not None:
            torch.nn.utils.clip_grad_value_(weights, ours.clip_value)
        for group in optimizer.param_groups:
            group["lr"] = rates[step]
        optimizer.step()

    moved = plan.initialize(np.random.RandomState(0), np.float64)
    assert abs(flat - moved).max() > 1e-3
    for ours_now, theirs_now in zip(plan.views(flat), weights, strict=True):
        np.testing.assert_allclose(ours_now, theirs_now.detach(), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("shape", [(4,), (3, 4)], ids=["rank 1", "rank 2"])
@pytest.mark.parametrize(
    "options",
    [{}, {"momentum": 0.7, "epsilon": 0.1}, {"affine": False}],
    ids=str,
)
@pytest.mark.parametrize("times", [1, 2])
def test_steps_and_predictions_with_batch_norm(times, options, shape):
    # 40 samples in batches of 11: the last is smaller. Used twice, a layer moves its
    # running statistics once for each use.
    norm, kernel = BatchNorm(**options), Dense(4, "tanh")
    network = Sequential([*[kernel, norm] * times, Dense(2)])
    plan = lower(network, input_shape=shape, loss=SquaredError())
    rng = np.random.default_rng(0)
    X, y = rng.normal(2, 3, (N, *shape)), rng.normal(size=(N, *shape[:-1], 2))
    flat = plan.initialize(np.random.RandomState(0), np.float64)
    names = [p.name for p in plan.parameters]
    views = dict(zip(names, plan.views(flat.copy()), strict=True))
    weights = {
        name: torch.tensor(view, requires_grad=not name.startswith("batchnorm/running"))
        for name, view in views.items()
    }
    module = torch.nn.BatchNorm1d(
        4,
        eps=norm.epsilon,
        momentum=norm.momentum,
        affine=norm.affine,
        dtype=torch.float64,
    )

    def outputs(X):
        x = X
        for _ in range(times):
            x = torch.tanh(x @ weights["dense/kernel"] + weights["dense/bias"])
            x = module(x.reshape(-1, 4)).reshape(x.shape)
        return x @ weights["dense_1/kernel"] + weights["dense_1/bias"]

    trained = [w for name, w in weights.items() if not name.startswith("batchnorm")]
    ours = Adam(0.01)
    theirs = optim.Adam([*trained, *module.parameters()], lr=0.01)
    state = np.zeros((ours.n_slots, plan.n_parameters))
    rows, targets = X.reshape(N, -1), y.reshape(N, -1)
    engine = Engine(
        plan, flat, rows, targets, batch_size=11, optimizer=ours, state=state
    )
    for epoch in range(5):
        engine.epoch(ours.table(1 + epoch * engine.n_steps, engine.n_steps, 0.01))
        for first in range(0, N, 11):
            batch = slice(first, first + 11)
            theirs.zero_grad()
            error = outputs(torch.tensor(X[batch])) - torch.tensor(y[batch])
            ((error**2).sum() / 2 / len(error)).backward()
            theirs.step()
    views = dict(zip(names, plan.views(flat), strict=True))
    close = {"rtol": 1e-6, "atol": 1e-8}
    np.testing.assert_allclose(
        views["batchnorm/running_mean"], module.running_mean, **close
    )
    np.testing.assert_allclose(
        views["batchnorm/running_variance"], module.running_var, **close
    )
    if norm.affine:
        np.testing.assert_allclose(
            views["batchnorm/scale"], module.weight.detach(), **close
        )
        np.testing.assert_allclose(
            views["batchnorm/offset"], module.bias.detach(), **close
        )
    module.eval()
    expected = outputs(torch.tensor(X)).detach().reshape(N, -1)
    np.testing.assert_allclose(predict(plan, flat, rows), expected, **close)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (StepDecay(7, 0.5), lambda o: rates.StepLR(o, 7, 0.5)),
        (ExponentialDecay(0.9), lambda o: rates.ExponentialLR(o, 0.9)),
        (
            CosineDecay(final=0.1),
            lambda o: rates.CosineAnnealingLR(o, 40, eta_min=0.1),
        ),
        (
            CosineDecayRestarts(5, final=0.1),
            lambda o: rates.CosineAnnealingWarmRestarts(o, 5, eta_min=0.1),
        ),
        (
            CosineDecayRestarts(3, multiplier=2),
            lambda o: rates.CosineAnnealingWarmRestarts(o, 3, T_mult=2),
        ),
        (LinearWarmup(), lambda o: rates.LinearLR(o)),
        (LinearWarmup(8, 0.1), lambda o: rates.LinearLR(o, 0.1, total_iters=8)),
        (
            OneCycle(),
            lambda o: rates.OneCycleLR(o, 1.0, total_steps=40, cycle_momentum=False),
        ),
        (
            OneCycle(rising=0.6, divisor=4, final_divisor=10),
            lambda o: rates.OneCycleLR(
                o, 1.0, total_steps=40, pct_start=0.6, div_factor=4,
                final_div_factor=10, cycle_momentum=False,
            ),
        ),
    ],
    ids=named,
)  # fmt: skip
def test_schedules(ours, theirs):
    optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = theirs(optimizer)
    expected = []
    for _ in range(40):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    for steps_per_epoch in (1, 4):  # what counts is the number of steps
        scaled = clone(ours)
        if getattr(ours, "epochs", None) is not None:
            scaled.epochs /= steps_per_epoch
        if isinstance(ours, ExponentialDecay):
            scaled.factor **= steps_per_epoch
        factors = scaled.factors(np.arange(40), steps_per_epoch, 40 // steps_per_epoch)
        np.testing.assert_allclose(factors, expected, rtol=1e-9, atol=1e-12)
