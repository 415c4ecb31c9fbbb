"""Layers that are not trained, and layers that are trained at a pace of their own."""

import numpy as np
import pytest
import reference
from cases import draw, n_ops, plan_of
from emulation import device_under_test
from engines import gradient_of, trained
from pairs import in_pairs
from sklearn.base import clone
from writers import custom

from fastnn import NeuralNetClassifier, NeuralNetRegressor, Sequential
from fastnn.averaging import EMA, SWA
from fastnn.constraints import MaxNorm
from fastnn.engine.engine import Engine
from fastnn.initializers import Zeros
from fastnn.layers import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    Layer,
    LayerNorm,
    PReLU,
    RMSNorm,
)
from fastnn.losses import SquaredError
from fastnn.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    NAdam,
    RMSprop,
)
from fastnn.plan import ops

rng = np.random.RandomState(0)
X = rng.normal(size=(60, 5)).astype(np.float32)
y = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 0.5)

WITH_WEIGHTS = [Dense(4), PReLU(), BatchNorm(), LayerNorm(), RMSNorm()]
each_layer = pytest.mark.parametrize(
    "layer", WITH_WEIGHTS, ids=lambda layer: type(layer).__name__
)

OPTIMIZERS = {
    "sgd": SGD(0.1, momentum=0.9, weight_decay=0.1),
    "adam": Adam(0.01, weight_decay=0.1),
    "adamw": AdamW(0.01, weight_decay=0.1, clip_norm=1.0),
    "nadam": NAdam(0.01, weight_decay=0.1, decoupled_weight_decay=True),
    "rmsprop": RMSprop(0.01, momentum=0.5, weight_decay=0.1),
    "adagrad": Adagrad(0.1, weight_decay=0.1),
    "adadelta": Adadelta(1.0, weight_decay=0.1),
    "lion": Lion(0.01, weight_decay=0.1, clip_value=0.1),
}


def body(**options):
    """One of every layer with weights, all of them with these options."""
    strong = {"kernel_regularizer": "l1_l2", "bias_regularizer": "l2"}
    limited = {"kernel_constraint": MaxNorm(0.1)}
    return [
        *(Dense(6, **strong, **limited, **options), BatchNorm(**options)),
        *(PReLU(**options), Dropout(0.3), LayerNorm(**options)),
        *(Dense(5, "tanh", **strong, **options), RMSNorm(**options)),
    ]


def net(*layers, Estimator=NeuralNetClassifier, **options):
    options = {"epochs": 3, "batch_size": 16, "random_state": 0, **options}
    return Estimator(Sequential([*layers]), **options)


def weights(model):
    """Copies of all weights, by name."""
    fitted = model._fitted
    views = fitted.plan.views(fitted.parameters.copy())
    return {p.name: view for p, view in zip(fitted.plan.parameters, views, strict=True)}


def assert_same(actual, expected, names=None):
    for name in expected if names is None else names:
        assert actual[name].tobytes() == expected[name].tobytes(), name


def freeze(model, *, trainable=False):
    """Of all layers with weights but the output layer."""
    for name, layer in model.network.named_parts():
        if "trainable" in layer.get_params():
            model.set_params(**{f"network__{name}__trainable": trainable})
    return model


# ------------------------------------------------------------------------- the plan


def test_frozen_layers_have_no_backward_ops():
    layers = [Dense(64, "tanh"), LayerNorm(), PReLU(), Dense(64, "tanh")]
    held = [clone(layer).set_params(trainable=False) for layer in layers]
    free, frozen, alone = (
        custom(SquaredError(), *each)
        for each in ([*layers, Dense(2)], [*held, Dense(2)], [Dense(2)])
    )
    forward = n_ops(frozen, "evaluate")
    assert n_ops(frozen, "train") - forward == n_ops(alone, "train") - n_ops(
        alone, "evaluate"
    )
    assert n_ops(free, "train") > n_ops(frozen, "train")
    # What stands below the output layer need not outlive the forward pass.
    assert frozen.train_size < free.train_size / 2
    assert [p.name for p in frozen.parameters] == [p.name for p in free.parameters]


@pytest.mark.parametrize("n_threads", [1, 2])
def test_what_is_trained_has_the_gradient_that_it_had(n_threads, monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)
    layers = [
        *(Dense(6, "tanh"), LayerNorm(), PReLU(), Dropout(0.2)),
        *(Dense(5, "gelu"), RMSNorm(), Dense(2)),
    ]
    free = custom(SquaredError(), *layers)
    data = draw(free)
    sums, expected = gradient_of(free, data, n_threads=n_threads)
    for held in (0, 1, 2, 4, 5, 6):
        mixed = clone(Sequential(layers)).layers
        mixed[held].trainable = False
        plan = custom(SquaredError(), *mixed)
        own_sums, own = gradient_of(plan, data, n_threads=n_threads)
        assert own_sums == sums
        for p, block in zip(plan.parameters, plan.blocks, strict=True):
            at = slice(p.offset, p.offset + p.size)
            if block["trainable"]:
                np.testing.assert_array_equal(own[at], expected[at])
            else:
                assert not own[at].any()


def frozen_norm(units=4):
    return custom(SquaredError(), Dense(units), BatchNorm(trainable=False), Dense(2))


def test_a_frozen_batch_norm_is_a_fixed_affine_map():
    plan = frozen_norm()
    data = draw(plan)
    by_name = dict(
        zip([p.name for p in plan.parameters], plan.views(data.parameters), strict=True)
    )
    scale, offset, mean, variance = (
        by_name[f"batchnorm/{what}"]
        for what in ("scale", "offset", "running_mean", "running_variance")
    )
    h = data.X @ by_name["dense/kernel"] + by_name["dense/bias"]
    z = reference.batch_norm(h, mean, variance, 1e-5, scale, offset)
    outputs = z @ by_name["dense_1/kernel"] + by_name["dense_1/bias"]
    (loss, *_), gradients = gradient_of(plan, data)
    error = data.weight[:, np.newaxis] * (outputs - data.y)
    np.testing.assert_allclose(loss, np.sum(error * (outputs - data.y)) / 2, rtol=1e-12)
    dh = error @ by_name["dense_1/kernel"].T * scale / np.sqrt(variance + 1e-5)
    np.testing.assert_allclose(
        plan.views(gradients)[0], data.X.T @ dh, rtol=1e-11, atol=1e-13
    )


def test_a_frozen_batch_norm_needs_no_whole_batches():
    assert not frozen_norm().needs_whole_batches
    assert custom(SquaredError(), BatchNorm(), Dense(2)).needs_whole_batches


@pytest.mark.parametrize("on_device", [False, True])
@pytest.mark.parametrize("name", ["frozen_layers", "frozen_below", "batch_norm_fixed"])
@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_steps_leave_frozen_parameters_alone(rule, name, on_device):
    plan = plan_of(name)
    data = draw(plan, 30)
    optimizer = OPTIMIZERS[rule]
    device = device_under_test() if on_device else None
    _, after, state, mean = trained(plan, data, device, optimizer, average=True)
    for p, block in zip(plan.parameters, plan.blocks, strict=True):
        at = slice(p.offset, p.offset + p.size)
        fixed = not block["trainable"] and not block["running"]
        assert (after[at] == data.parameters[at]).all() == fixed, p.name
        if fixed:
            assert (mean[at] == data.parameters[at]).all()
            assert not state[:, at].any()
    if on_device:
        expected = trained(plan, data, None, optimizer, average=True)
        np.testing.assert_allclose(after, expected[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_steps_are_those_of_the_reference(rule):
    plan = custom(
        SquaredError(),
        *(Dense(6, "tanh", learning_rate=0.3), PReLU(trainable=False)),
        *(Dense(4, kernel_regularizer="l1_l2", trainable=False), Dense(2)),
    )
    data = draw(plan, 20)
    optimizer = OPTIMIZERS[rule]
    table = optimizer.table(1, 4, np.full(4, 0.01))
    states = [np.zeros((optimizer.n_slots, plan.n_parameters)) for _ in range(2)]
    flat = data.parameters.copy()
    expected = reference.epoch(
        plan, flat, data.X, data.y, data.weight, np.arange(20), 5,
        optimizer.rule, states[0], table,
    )  # fmt: skip
    engine = Engine(
        plan, data.parameters, data.X, data.y, data.weight, batch_size=5,
        optimizer=optimizer, state=states[1],
    )  # fmt: skip
    with engine:
        loss = engine.epoch(table)
    np.testing.assert_allclose(loss, expected, rtol=1e-10)
    np.testing.assert_allclose(data.parameters, flat, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(states[1], states[0], rtol=1e-9, atol=1e-12)


# ------------------------------------------------------------------------ estimators


@in_pairs(rule=OPTIMIZERS, averaging=[None, EMA(), SWA(start=0.0)], n_jobs=[1, 2])
def test_fits_leave_frozen_layers_alone(rule, averaging, n_jobs, monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)
    options = {"optimizer": OPTIMIZERS[rule], "averaging": averaging, "n_jobs": n_jobs}
    model = net(*body(), **options).partial_fit(X, y, classes=[0, 1, 2])
    before = weights(freeze(model))
    for _ in range(2):
        model.partial_fit(X, y)
    after = weights(model)
    head = [name for name in after if name.startswith("dense_2/")]
    assert_same(after, before, before.keys() - head)
    assert len(head) == 2
    assert all((after[name] != before[name]).any() for name in head)
    model.set_params(warm_start=True).fit(X, y)
    assert_same(weights(model), before, before.keys() - head)
    freeze(model, trainable=True).partial_fit(X, y)
    changed = weights(model)
    kernels = [name for name in before if name.endswith("/kernel")]
    assert all((changed[name] != before[name]).any() for name in kernels)


def test_a_fresh_fit_draws_what_it_drew():
    model = net(*body(trainable=False)).fit(X, y)
    other = net(*body(), epochs=1).fit(X, y)
    expected = other._fitted.plan.views(
        other._fitted.plan.initialize(np.random.RandomState(0), np.float32)
    )
    for (name, value), drawn in zip(weights(model).items(), expected, strict=True):
        assert np.array_equal(value, drawn) != name.startswith("dense_2/"), name


def test_the_penalty_of_frozen_layers_is_no_part_of_the_loss():
    held = {"kernel_initializer": "he_normal", "trainable": False}
    losses = [
        net(Dense(6, "tanh", kernel_regularizer=penalty, **held)).fit(X, y).loss_curve_
        for penalty in (None, "l1_l2")
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("kind", [NeuralNetClassifier, NeuralNetRegressor])
def test_a_frozen_network_has_an_output_layer_that_is_trained(kind):
    network = Sequential(body(), trainable=False, learning_rate=0.5)
    model = kind(network, epochs=2, random_state=0).fit(X, y)
    by_layer = [kind(Sequential(body(trainable=False)), epochs=2, random_state=0)]
    assert_same(weights(model), weights(by_layer[0].fit(X, y)))
    # The user's description is left alone, and a copy is the same network.
    assert network.trainable is False
    assert network.layers[0].trainable
    assert_same(weights(model), weights(clone(model).fit(X, y)))


def test_layers_that_know_nothing_of_it_are_frozen_by_their_network():
    class Shift(Layer):
        def lower(self, tape, x, name):
            shape = x.shape[-1:]
            shift = tape.parameter(f"{name}/shift", shape, Zeros(), fan_in=1, fan_out=1)
            return ops.add(tape, x, shift)

    free = NeuralNetRegressor(Sequential([Shift()]), epochs=2).fit(X, X[:, 0])
    frozen = clone(free).set_params(network__trainable=False).fit(X, X[:, 0])
    assert weights(free)["shift/shift"].any()
    assert not weights(frozen)["shift/shift"].any()


@pytest.mark.parametrize(
    "network",
    [
        Sequential([Dense(4, trainable=False), Dense(3, trainable=False)]),
        Sequential([Dense(4), BatchNorm(), Dense(3)], trainable=False),
        Sequential([Dense(3, "softmax")], trainable=False),
    ],
)
def test_where_all_is_frozen_there_is_nothing_to_train(network):
    model = NeuralNetClassifier(network)
    with pytest.raises(ValueError, match=r"nothing to train.*trainable=True"):
        model.fit(X, y)
    assert "_fitted" not in vars(model)


def test_running_statistics_alone_can_be_adapted():
    layers = [Dense(4, "tanh"), BatchNorm(affine=False), Dense(3)]
    model = net(*layers, epochs=2).partial_fit(X, y, classes=[0, 1, 2])
    before = weights(freeze(model))
    model.set_params(network__batchnorm__trainable=True).partial_fit(3 * X, y)
    after = weights(model)
    moved = {name for name in after if (after[name] != before[name]).any()}
    assert moved == {"batchnorm/running_mean", "batchnorm/running_variance"}


def test_a_frozen_batch_norm_trains_as_it_predicts():
    model = net(Dense(4), BatchNorm(), Activation("tanh"), epochs=5, batch_size=60)
    model.fit(X, y).set_params(optimizer=SGD(1e-30), warm_start=True, epochs=1)
    losses = []
    for trainable in (True, False):
        model.set_params(network__batchnorm__trainable=trainable)
        model.fit(X, y, X_val=X, y_val=y)
        history = model.history_
        losses.append((history["loss"][-1], history["validation_loss"][-1]))
    assert losses[0][0] != pytest.approx(losses[0][1], rel=1e-3)
    assert losses[1][0] == pytest.approx(losses[1][1], rel=1e-5)


def test_dropout_of_a_frozen_network_stays_random():
    layers = [Dense(6, "relu"), Dropout(0.5)]
    curves = [
        NeuralNetClassifier(Sequential(each, trainable=False), epochs=2, random_state=0)
        .fit(X, y)
        .loss_curve_
        for each in (layers, layers[:1])
    ]
    assert curves[0] != curves[1]
