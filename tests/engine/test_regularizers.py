"""Regularizers: what they add to the loss, its gradient, and the steps that follow."""

from dataclasses import replace

import numpy as np
import pytest
import reference
from cases import draw, plan_of
from sklearn.base import clone
from writers import by_hand, parameter

from fastnn.engine.engine import Engine
from fastnn.layers import Dense
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.optimizers import SGD, Adam
from fastnn.plan import ops
from fastnn.regularizers import (
    L1,
    L1L2,
    L2,
    REGULARIZERS,
    Regularizer,
    SklearnL2,
    as_regularizer,
)
from fastnn.training.lbfgs import Objective, fit_lbfgs

EVERY = [L1(0.3), L2(0.2), L1L2(l1=0.1, l2=0.4), SklearnL2(0.7)]
regularizers = pytest.mark.parametrize("regularizer", EVERY, ids=str)
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def one_block(regularizer, size=1031, **options):
    """A parameter that the loss does not feel, longer than what is updated at once."""

    def write(tape, x):
        parameter(tape, "w", (size,), regularizer=regularizer, **options)
        return ops.add(tape, x, parameter(tape, "used", (5,)))

    return by_hand(write)


def stepped(plan, data, optimizer=None, rate=1.0, **scalars):
    """Parameters after one step over all rows, and the loss before it."""
    optimizer = optimizer or SGD()
    flat = data.parameters.copy()
    state = np.zeros((optimizer.n_slots, flat.size), flat.dtype)
    n = len(data.X)
    engine = Engine(
        plan, flat, data.X, data.y, data.weight,
        batch_size=n, optimizer=optimizer, state=state,
    )  # fmt: skip
    loss = engine.epoch(optimizer.table(1, 1, rate))
    return flat, loss


@regularizers
def test_a_description_is_its_parameters(regularizer):
    assert vars(regularizer) == regularizer.get_params()
    assert clone(regularizer).get_params() == regularizer.get_params()


@pytest.mark.parametrize(
    ("value", "l1", "l2", "alpha"),
    [
        ("l1", 0.01, 0, 0),
        ("l2", 0, 0.01, 0),
        ("l1_l2", 0.01, 0.01, 0),
        (None, 0, 0, 0),
        (L1(), 0.01, 0, 0),
        (L2(), 0, 0.01, 0),
        (L1L2(), 0, 0, 0),
        (L1L2(0.2, 0.3), 0.2, 0.3, 0),
        (SklearnL2(), 0, 0, 0.0001),
    ],
)
def test_what_stands_for_a_regularizer(value, l1, l2, alpha):
    terms = as_regularizer(value)
    assert isinstance(terms, Regularizer)
    assert (terms.l1, terms.l2, terms.alpha) == (l1, l2, alpha)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Dense(2, kernel_regularizer="l3"), "kernel_regularizer.*'l1'.*Got 'l3'"),
        (Dense(2, bias_regularizer="L2"), "bias_regularizer.*'l1'.*Got 'L2'"),
        (Dense(2, kernel_regularizer=0.01), "kernel_regularizer.*Regularizer.*0.01"),
        (Dense(2, kernel_regularizer=L2), "kernel_regularizer.*<class .*L2'>"),
        (Dense(2, kernel_regularizer=L1(-0.1)), "l1.*L1 must.*-0.1"),
        (Dense(2, bias_regularizer=L2(np.nan)), "l2.*L2 must.*nan"),
        (Dense(2, kernel_regularizer=L2(np.inf)), "l2.*L2 must.*inf"),
        (Dense(2, kernel_regularizer=L1L2(l2="0.1")), "l2.*L1L2 must.*'0.1'"),
        (Dense(2, kernel_regularizer=L1L2(l1=-1)), "l1.*L1L2 must.*-1"),
        (Dense(2, kernel_regularizer=SklearnL2(-1)), "alpha.*SklearnL2 must.*-1"),
    ],
)
def test_what_is_no_regularizer(layer, message):
    with pytest.raises(ValueError, match=message):
        lower(Sequential([layer]), input_shape=(3,), loss=SquaredError())


def test_kernels_and_biases_have_their_own():
    layers = [Dense(4, kernel_regularizer="l1", bias_regularizer=L2(0.3)), Dense(2)]
    plan = lower(Sequential(layers), input_shape=(3,), loss=SquaredError())
    np.testing.assert_array_equal(plan.blocks["l1"], [0.01, 0, 0, 0])
    np.testing.assert_array_equal(plan.blocks["l2"], [0, 0.3, 0, 0])
    np.testing.assert_array_equal(plan.blocks["penalty"], 0)


@dtypes
@regularizers
def test_loss_and_step_are_the_formula(regularizer, dtype):
    plan = one_block(regularizer)
    data = draw(plan, n=6).astype(dtype)
    w, _ = plan.views(data.parameters)
    w[::7] = 0  # where the slope of abs(w) jumps
    terms, weight = as_regularizer(regularizer), data.weight.sum(dtype=float)
    ridge = terms.l2 + terms.alpha / 2 / weight
    exact = w.astype(float)
    penalty = terms.l1 * abs(exact).sum() + ridge * (exact**2).sum()
    plain = stepped(one_block(None), data)[1]
    flat, loss = stepped(plan, data)
    rtol = 1e-6 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(loss, plain + penalty, rtol=rtol)
    slope = terms.l1 * np.sign(exact) + 2 * ridge * exact
    np.testing.assert_allclose(
        plan.views(flat)[0], exact - slope, rtol=rtol, atol=rtol / 10
    )


@pytest.mark.parametrize("name", ["regularized", "norms_limited", "deep"])
def test_step_is_the_central_difference_of_the_loss(name):
    # What constraints do is no part of a gradient.
    blocks = plan_of(name).blocks.copy()
    blocks["max_norm"] = 0
    plan = replace(plan_of(name), blocks=blocks)
    data, step = draw(plan, n=9), 1e-6
    clear = abs(data.parameters) > 2 * step  # of the kink of abs(w)
    flat = stepped(plan, data)[0]
    engine = Engine(
        plan, data.parameters, data.X, data.y, data.weight, batch_size=len(data.X)
    )

    def loss():
        total, _, weight = engine.gradient()
        return (total + engine.penalty(weight)) / weight

    kept, numerical = data.parameters.copy(), np.zeros(plan.n_parameters)
    for block in plan.blocks[plan.blocks["trainable"] == 1]:
        for i in range(block["offset"], block["offset"] + block["size"]):
            data.parameters[i] = kept[i] + step
            above = loss()
            data.parameters[i] = kept[i] - step
            numerical[i] = (above - loss()) / (2 * step) * block["learning_rate"]
            data.parameters[i] = kept[i]
    assert clear.sum() > 30
    np.testing.assert_allclose(
        (kept - flat)[clear], numerical[clear], rtol=1e-6, atol=1e-8
    )


@regularizers
@pytest.mark.parametrize("clipping", [{}, {"clip_value": 0.02}, {"clip_norm": 0.3}])
def test_the_penalty_is_clipped_with_the_gradient(regularizer, clipping):
    plan = one_block(regularizer)
    data = draw(plan, n=6)
    optimizer = SGD(**clipping, weight_decay=0.1)
    flat, _ = stepped(plan, data, optimizer, rate=0.5)
    w = plan.views(data.parameters)[0]
    moved = (w - plan.views(flat)[0]) / 0.5 - 0.1 * w  # decay comes after
    gradient = plan.views(data.parameters - stepped(plan, data)[0])[0]
    if "clip_value" in clipping:
        assert (abs(moved) <= 0.02 * (1 + 1e-9)).all()
        np.testing.assert_allclose(moved, np.clip(gradient, -0.02, 0.02), atol=1e-13)
    elif clipping:
        whole = data.parameters - stepped(plan, data)[0]
        factor = 0.3 / (np.linalg.norm(whole) + 1e-6)
        assert factor < 1
        np.testing.assert_allclose(moved, factor * gradient, rtol=1e-9, atol=1e-13)
    else:
        np.testing.assert_allclose(moved, gradient, rtol=1e-9, atol=1e-13)


@dtypes
@regularizers
@pytest.mark.parametrize("clipping", [{}, {"clip_value": 1e-3}, {"clip_norm": 1e-3}])
def test_nan_stays(regularizer, clipping, dtype):
    plan = one_block(regularizer)
    data = draw(plan, n=3).astype(dtype)
    w = plan.views(data.parameters)[0]
    w[[5, 1030]] = np.nan
    flat, loss = stepped(plan, data, Adam(**clipping))
    assert np.isnan(loss)
    np.testing.assert_array_equal(np.isnan(plan.views(flat)[0]).nonzero()[0], [5, 1030])


@pytest.mark.parametrize("optimizer", [SGD(), SGD(clip_value=0.01), SGD(clip_norm=0.1)])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_an_update_leaves_the_gradients_as_they_are(optimizer, n_threads, monkeypatch):
    # A second step along them is one along the same gradients, and not the penalty's.
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)
    plan = plan_of("regularized")
    data = draw(plan, n=8)
    state = np.zeros((1, plan.n_parameters))
    engine = Engine(
        plan, data.parameters, data.X, data.y,
        batch_size=8, optimizer=optimizer, state=state, n_threads=n_threads,
    )  # fmt: skip
    with engine:
        engine.gradient()
        before = engine.gradients.copy()
        engine.update(optimizer.table(1, 1, 0.1)[0])
        np.testing.assert_array_equal(engine.gradients, before)


def test_the_size_of_the_batch_matters_to_scikit_learns_only():
    for regularizer in EVERY:
        plan = one_block(regularizer)
        losses = []
        for n in (4, 8):
            data = draw(plan, n=n)
            data.weight[:] = 1
            (_, reported, weight) = Engine(
                plan, data.parameters, data.X, data.y, batch_size=n
            ).gradient()
            losses.append(stepped(plan, data)[1] - reported / weight)
        ratio = 2 if isinstance(regularizer, SklearnL2) else 1
        np.testing.assert_allclose(losses[0], ratio * losses[1], rtol=1e-12)


@regularizers
def test_frozen_parameters_feel_none(regularizer):
    plan = one_block(regularizer, trainable=False)
    data = draw(plan, n=4)
    flat, loss = stepped(plan, data)
    np.testing.assert_array_equal(plan.views(flat)[0], plan.views(data.parameters)[0])
    assert loss == stepped(one_block(None, trainable=False), data)[1]


# ------------------------------------------------------------------------- lbfgs


def frozen_and_trained(tape, x):
    for name, trainable in (("frozen", False), ("trained", True)):
        kernel = parameter(
            tape,
            name,
            (5, 5),
            regularizer=L1L2(l1=0.0, l2=0.3),
            trainable=trainable,
        )
        x = ops.add(tape, ops.product(tape, x, kernel), None, "tanh")
    kernel = parameter(tape, "last", (5, 2), regularizer=SklearnL2(0.8))
    return ops.product(tape, x, kernel)


def test_lbfgs_has_all_terms_of_squares():
    plan = by_hand(frozen_and_trained)
    data, step = draw(plan, n=11), 1e-6
    point = data.parameters.copy()
    engine = Engine(
        plan, data.parameters, data.X, data.y, data.weight, batch_size=len(data.X)
    )
    objective = Objective(engine, plan, data.parameters)
    value, gradient = objective(point)
    walk = reference.walk(plan, point, data.X, data.y, data.weight)
    penalty = reference.penalty(plan.blocks, point, data.weight.sum())[0]
    expected = walk.loss / data.weight.sum() + penalty
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    for i in range(point.size):
        ahead, behind = point.copy(), point.copy()
        ahead[i] += step
        behind[i] -= step
        slope = (objective(ahead)[0] - objective(behind)[0]) / (2 * step)
        frozen = i < plan.parameters[1].offset
        np.testing.assert_allclose(gradient[i], 0 if frozen else slope, atol=1e-8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel_regularizer": L1(0.1)}, "slope everywhere.*L2"),
        ({"bias_regularizer": "l1_l2"}, "slope everywhere.*L2"),
    ],
)
def test_lbfgs_refuses_what_it_cannot_do(options, message):
    layers = [Dense(2, **options)]
    plan = lower(Sequential(layers), input_shape=(3,), loss=SquaredError())
    data = draw(plan, n=5)
    with pytest.raises(ValueError, match=message):
        fit_lbfgs(
            plan, data.parameters, data.X, data.y, None,
            max_iter=1, max_fun=1, tol=1.0, verbose=False, n_threads=1,
        )  # fmt: skip


def test_names_are_those_of_the_layer():
    for name in REGULARIZERS:
        layer = Dense(2, kernel_regularizer=name, bias_regularizer=name)
        plan = lower(Sequential([layer]), input_shape=(3,), loss=SquaredError())
        assert (plan.blocks["l1"] + plan.blocks["l2"] > 0).all()
