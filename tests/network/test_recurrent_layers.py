"""Recurrent layers as users see them, beside what all plans and PyTorch say of them."""

import pickle
from itertools import product

import numpy as np
import pytest
from cases import draw, predict
from engines import gradient_of
from sklearn.base import clone

from fastnn import NeuralNetRegressor, Sequential
from fastnn.engine.cuda import walk
from fastnn.layers import (
    GRU,
    LSTM,
    Bidirectional,
    Conv1D,
    Dense,
    Flatten,
    Masking,
    SimpleRNN,
)
from fastnn.losses import SquaredError
from fastnn.network import lower
from fastnn.utils.sequences import Sequences

each_layer = pytest.mark.parametrize(
    "layer", [SimpleRNN(5), LSTM(5), GRU(5), GRU(5, reset_after=False)], ids=str
)


def plan_for(*layers, shape=(None, 3)):
    return lower(Sequential([*layers]), input_shape=shape, loss=SquaredError())


def named(plan, flat):
    views = zip(plan.parameters, plan.views(flat), strict=True)
    return {p.name: view for p, view in views}


@each_layer
def test_initial_values(layer):
    plan = plan_for(("it", layer), shape=(4, 3))
    values = named(plan, plan.initialize(np.random.RandomState(0), np.float64))
    recurrent = values["it/recurrent_kernel"]
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(5), atol=1e-12)
    n = recurrent.shape[1]
    assert abs(values["it/kernel"]).max() <= np.sqrt(6 / (3 + n))
    assert values["it/kernel"].shape == (3, n)
    bias = values["it/bias"]
    assert bias.shape == ((2, n) if layer == GRU(5) or bias.ndim == 2 else (n,))
    ones = np.zeros_like(bias)
    if isinstance(layer, LSTM):
        ones[5:10] = 1
    np.testing.assert_array_equal(bias, ones)


def test_biases_of_forget_gates():
    given = np.arange(8.0)
    for layer, expected in [
        (LSTM(2, unit_forget_bias=False), np.zeros(8)),
        (LSTM(2, bias_initializer=given), given),
        (LSTM(2, bias_initializer="zeros"), [0, 0, 1, 1, 0, 0, 0, 0]),
    ]:
        plan = plan_for(("it", layer))
        values = named(plan, plan.initialize(np.random.RandomState(0), np.float64))
        np.testing.assert_array_equal(values["it/bias"], expected)
    assert [p.name for p in plan_for(("it", LSTM(2, use_bias=False))).parameters] == [
        "it/kernel",
        "it/recurrent_kernel",
    ]


@each_layer
def test_backwards_is_forwards_from_the_end(layer):
    X = np.random.default_rng(0).normal(size=(6, 4, 3))
    for all_states in (False, True):
        layer = clone(layer).set_params(return_sequences=all_states)
        back = clone(layer).set_params(go_backwards=True)
        plans = [plan_for(each, shape=(4, 3)) for each in (layer, back)]
        flat = draw(plans[0]).parameters
        found = predict(plans[1], flat, X.reshape(6, -1))
        expected = predict(plans[0], flat, X[:, ::-1].reshape(6, -1).copy())
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("all_states", [False, True])
@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave"])
def test_both_directions(mode, all_states):
    layer = GRU(4, return_sequences=all_states)
    both = plan_for(("it", Bidirectional(layer, mode)), shape=(5, 3))
    data = draw(both)
    weights = named(both, data.parameters)
    found = []
    for way in ("forward", "backward"):
        plan = plan_for(layer, shape=(5, 3))
        flat = np.zeros(plan.n_parameters)
        for name, view in named(plan, flat).items():
            view[...] = weights[f"it/{way}/{name.rpartition('/')[2]}"]
        X = data.X.reshape(-1, 5, 3)
        X = (X if way == "forward" else X[:, ::-1]).reshape(-1, 15).copy()
        y = predict(plan, flat, X).reshape(len(X), -1, 4)
        found.append(y if way == "forward" else y[:, ::-1])
    merge = {
        "concat": lambda a, b: np.concatenate([a, b], axis=-1),
        "sum": lambda a, b: a + b,
        "mul": lambda a, b: a * b,
        "ave": lambda a, b: (a + b) / 2,
    }[mode]
    y = predict(both, data.parameters, data.X)
    np.testing.assert_allclose(y, merge(*found).reshape(y.shape), rtol=1e-12)


def test_both_directions_by_name():
    layer = Bidirectional(LSTM(4), None)
    assert layer.many_outputs
    assert layer.output_shape((5, 3)) == {"forward": (4,), "backward": (4,)}


@each_layer
@pytest.mark.parametrize("backwards", [False, True])
def test_masked_steps_are_as_if_they_were_not_there(layer, backwards):
    """At any places: in front, between others and at the end."""
    layer = clone(layer).set_params(go_backwards=backwards)
    rng = np.random.default_rng(0)
    masks = np.array([*product([False, True], repeat=4)][1:])
    steps = rng.normal(size=(len(masks), 4, 3)) * masks[:, :, None]
    masked = plan_for(Masking(), layer, shape=(4, 3))
    left = plan_for(layer)
    data = draw(masked, len(masks))
    lengths = np.append(0, np.cumsum(masks.sum(axis=1)))
    X = Sequences(steps[masks], lengths)
    found = []
    for plan, table in ((masked, steps.reshape(len(masks), -1)), (left, X)):
        outputs = predict(plan, data.parameters, table)
        own = type(data)(data.parameters, table, data.y, data.weight)
        found.append((outputs, gradient_of(plan, own)[1]))
    (outputs, gradients), (expected, expected_gradients) = found
    np.testing.assert_allclose(outputs, expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(gradients, expected_gradients, rtol=1e-10, atol=1e-13)
    assert (predict(masked, data.parameters, np.zeros((2, 12))) == 0).all()


@each_layer
def test_sequences_do_not_know_of_one_another(layer):
    """More than are sorted together."""
    layer = Bidirectional(layer)
    plan, rng = plan_for(layer), np.random.default_rng(0)
    lengths = rng.integers(1, 12, 300)
    starts = np.append(0, np.cumsum(lengths))
    X = Sequences(rng.normal(size=(starts[-1], 3)), starts)
    flat = draw(plan).parameters
    whole = predict(plan, flat, X)
    order = rng.permutation(300)
    np.testing.assert_allclose(predict(plan, flat, X[order]), whole[order], rtol=1e-12)
    for i in (0, 7, 299):
        alone = predict(plan, flat, X[i : i + 1])
        np.testing.assert_allclose(alone[0], whole[i], rtol=1e-12, atol=1e-15)
    table = plan_for(layer, shape=(7, 3))
    sevens = X[lengths == 7]
    found = predict(table, flat, sevens.values.reshape(len(sevens), -1))
    np.testing.assert_allclose(found, whole[lengths == 7], rtol=1e-12)


@each_layer
def test_a_masked_layer_on_top_reads_the_same_steps(layer):
    """What is masked repeats the state, and a layer above is told."""
    below = clone(layer).set_params(return_sequences=True)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(8, 6, 3))
    X[:, 1:][rng.random((8, 5)) < 0.4] = 0
    masked = plan_for(Masking(), below, clone(layer), shape=(6, 3))
    left = plan_for(below, clone(layer))
    flat, kept = draw(masked).parameters, (X != 0).any(axis=2)
    sequences = Sequences(X[kept], np.append(0, np.cumsum(kept.sum(axis=1))))
    found = predict(masked, flat, X.reshape(8, -1))
    np.testing.assert_allclose(found, predict(left, flat, sequences), rtol=1e-12)


def test_nothing_is_dropped_at_predict():
    plain, dropping = LSTM(4), LSTM(4, dropout=0.5, recurrent_dropout=0.5)
    plans = [plan_for(each, shape=(5, 3)) for each in (plain, dropping)]
    data = draw(plans[0])
    outputs = [predict(plan, data.parameters, data.X) for plan in plans]
    np.testing.assert_array_equal(*outputs)
    losses = [gradient_of(plan, data)[0][0] for plan in plans]
    assert losses[0] != losses[1]


def test_a_fitted_model_is_saved_and_cloned():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 7, 2)), rng.normal(size=60)
    layers = [Bidirectional(GRU(4, return_sequences=True)), LSTM(3)]
    model = NeuralNetRegressor(Sequential(layers), epochs=2, random_state=0).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert clone(model).network.layers[0].layer.units == 4
    model.set_params(network__bidirectional__layer__units=6)
    assert model.network.layers[0].layer == layers[0].layer
    assert model.fit(X, y).predict(X).shape == (60,)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([LSTM(3, "gelu")], "'activation' parameter of LSTM"),
        ([GRU(3, recurrent_activation="softmax")], "'recurrent_activation' parameter"),
        ([SimpleRNN(3, dropout=1.0)], "'dropout' parameter of SimpleRNN"),
        ([Flatten(), LSTM(3)], "LSTM takes samples of shape .steps, channels."),
        ([Bidirectional(Dense(3))], "layer of a Bidirectional must be an LSTM"),
        ([Bidirectional(GRU(3, go_backwards=True))], "set go_backwards=False"),
        (
            [Masking(), GRU(3, return_sequences=True, go_backwards=True), LSTM(2)],
            "would return the last of its steps first",
        ),
        (
            [Masking(), GRU(3, return_sequences=True), Conv1D(2, 1), Flatten()],
            "would lose the mask",
        ),
    ],
)
def test_refused_layers(layers, message):
    X, y = np.ones((6, 4, 2)), np.arange(6.0)
    with pytest.raises((TypeError, ValueError), match=message):
        NeuralNetRegressor(Sequential(layers), epochs=1).fit(X, y)


def test_a_gpu_refuses_them_before_the_first_step():
    with pytest.raises(ValueError, match="Use device='cpu'"):
        walk.check_supported(plan_for(LSTM(2), shape=(4, 3)))
