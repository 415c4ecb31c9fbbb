"""Learning rates of layers, and how layers and networks say how they are trained."""

import copy
import inspect
import pickle

import numpy as np
import pytest
from cases import draw
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from test_frozen_layers import X, assert_same, body, each_layer, freeze, net, weights, y
from writers import custom

from fastnn import NeuralNetClassifier, NeuralNetRegressor, Sequential
from fastnn.averaging import EMA
from fastnn.engine.engine import Engine
from fastnn.layers import BatchNorm, Conv2D, Dense, SpatialDropout2D
from fastnn.layers.base import Part
from fastnn.losses import SquaredError
from fastnn.optimizers import (
    SGD,
)

# -------------------------------------------------------------------- learning rates


@pytest.mark.parametrize("factor", [0.25, 4.0])
@each_layer
def test_a_step_is_as_long_as_the_factor_says(layer, factor):
    steps = []
    for own in (1.0, factor):
        plan = custom(
            SquaredError(),
            *(Dense(4), clone(layer).set_params(learning_rate=own), Dense(2)),
        )
        data = draw(plan, 8)
        before = data.parameters.copy()
        sgd = SGD(0.01)
        state = np.zeros((1, plan.n_parameters))
        options = {"batch_size": 8, "optimizer": sgd, "state": state}
        with Engine(plan, data.parameters, data.X, data.y, **options) as engine:
            engine.epoch(sgd.table(1, 1, 0.01))
        steps.append(data.parameters - before)
    role = "dense_1/" if isinstance(layer, Dense) else type(layer).__name__.lower()
    for p, block in zip(plan.parameters, plan.blocks, strict=True):
        at = slice(p.offset, p.offset + p.size)
        ours = p.name.startswith(role) and block["trainable"]
        expected = factor if ours else 1
        np.testing.assert_allclose(
            steps[1][at], expected * steps[0][at], rtol=1e-9, atol=1e-14
        )


def test_factors_of_networks_and_layers_are_multiplied():
    layers = [Dense(6, "tanh", learning_rate=0.5), Dense(2, "tanh")]
    network = Sequential(layers, learning_rate=0.1)
    plan = custom(SquaredError(), *layers)
    np.testing.assert_array_equal(plan.blocks["learning_rate"], [0.5, 0.5, 1, 1])
    model = NeuralNetRegressor(network, epochs=1).fit(X, np.c_[y, y])
    rates = model._fitted.plan.blocks["learning_rate"]
    np.testing.assert_allclose(rates, [0.05, 0.05, 0.1, 0.1])
    # An output layer that is added is none of the network's.
    model = NeuralNetRegressor(network, epochs=1).fit(X, y)
    rates = model._fitted.plan.blocks["learning_rate"]
    np.testing.assert_allclose(rates, [0.05, 0.05, 0.1, 0.1, 1, 1])
    assert [layer.learning_rate for layer in layers] == [0.5, 1.0]


def test_a_layer_used_twice_has_the_factor_of_its_network_once():
    layer = Dense(5, "tanh", learning_rate=0.5)
    network = Sequential([layer, layer], learning_rate=0.5)
    model = NeuralNetRegressor(network, epochs=1).fit(X, y)
    assert model._fitted.plan.blocks["learning_rate"][0] == 0.25


# ------------------------------------------------------------------- the descriptions


@each_layer
def test_layers_say_so(layer):
    held = clone(layer).set_params(trainable=False, learning_rate=0.5)
    assert held.get_params()["trainable"] is False
    assert "trainable=False" in repr(held)
    assert "learning_rate=0.5" in repr(held)
    assert "trainable" not in repr(layer)
    for twin in (clone(held), copy.deepcopy(held), pickle.loads(pickle.dumps(held))):
        assert twin.get_params() == held.get_params()


def test_networks_say_so():
    network = Sequential([Dense(4)], trainable=False, learning_rate=0.5)
    assert repr(network) == (
        "Sequential(layers=[Dense(units=4)], learning_rate=0.5, trainable=False)"
    )
    for twin in (clone(network), pickle.loads(pickle.dumps(network))):
        assert (twin.trainable, twin.learning_rate) == (False, 0.5)
    network.set_params(trainable=True, learning_rate=2.0, dense__trainable=False)
    assert repr(network) == (
        "Sequential(layers=[Dense(trainable=False, units=4)], learning_rate=2.0)"
    )


@pytest.mark.parametrize("name", ["trainable", "learning_rate"])
def test_options_of_a_network_are_no_names_of_layers(name):
    with pytest.raises(ValueError, match=f"cannot be named '{name}'"):
        Sequential([(name, Dense(3))]).named_parts()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trainable": "no"}, "'trainable' parameter of {} must be an instance of"),
        ({"trainable": None}, "'trainable' parameter of {} must be an instance of"),
        ({"learning_rate": 0}, "'learning_rate' parameter of {} must be a float in"),
        ({"learning_rate": -1.0}, "'learning_rate' parameter of {} must be a float"),
        ({"learning_rate": True}, "'learning_rate' parameter of {} must be a float"),
        ({"learning_rate": np.inf}, "'learning_rate' parameter of {} must be a float"),
        ({"learning_rate": "low"}, "'learning_rate' parameter of {} must be a float"),
        ({"learning_rate": 1e-40}, "'learning_rate' parameter of {} must be at least"),
    ],
)
@pytest.mark.parametrize("of", ["layer", "network"])
def test_values_that_cannot_be(options, message, of):
    layer = Dense(4, "tanh", **(options if of == "layer" else {}))
    network = Sequential([layer], **(options if of == "network" else {}))
    model = NeuralNetClassifier(network)
    kind = "Dense" if of == "layer" or 1e-40 in options.values() else "Sequential"
    with pytest.raises(ValueError, match=message.format(kind)):
        model.fit(X, y)


def test_a_search_decides_what_is_trained():
    model = net(Dense(6, "tanh"), Dense(4, "tanh"), epochs=2)
    grid = {
        "network__dense__trainable": [True, False],
        "network__dense_1__learning_rate": [1.0, 0.1],
    }
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    assert set(search.best_params_) == set(grid)


def test_the_summary_counts_what_is_frozen(capsys):
    model = net(Dense(6, trainable=False), BatchNorm(), epochs=1).fit(X, y)
    model.summary()
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split() == ["dense", "Dense,", "frozen", "(6,)", "36"]
    assert lines[3].split() == ["batchnorm", "BatchNorm", "(6,)", "24"]
    assert lines[-2] == "not trained: 48, of which frozen: 36"
    model.set_params(network__dense__trainable=True).fit(X, y).summary()
    assert capsys.readouterr().out.splitlines()[-2] == "not trained: 12"


def test_models_of_versions_without_these_options_are_loaded():
    model = net(*body(), epochs=1).fit(X, y)
    state = pickle.loads(pickle.dumps(model.__getstate__()))
    for network in (state["network"], state["_fitted"]["network"]):
        for part in (network, *[layer for _, layer in network.named_parts()]):
            for name in ("trainable", "learning_rate"):
                vars(part).pop(name, None)
    older = NeuralNetClassifier.__new__(NeuralNetClassifier)
    older.__setstate__(pickle.loads(pickle.dumps(state)))
    assert repr(older) == repr(model)
    assert older.network.layers[0].get_params().keys() >= Dense(1).get_params().keys()
    assert_same(weights(older.partial_fit(X, y)), weights(model.partial_fit(X, y)))
    before = weights(freeze(older))
    twins = clone(older), freeze(clone(model))
    assert_same(*(weights(twin.fit(X, y)) for twin in twins))
    older.partial_fit(X, y)
    assert_same(weights(older), before, ["dense/kernel", "batchnorm/running_mean"])


def test_saved_models_go_on_frozen():
    model = net(*body(), averaging=EMA()).fit(X, y)
    freeze(model).partial_fit(X, y)
    loaded = pickle.loads(pickle.dumps(model))
    assert loaded.network.layers[0].trainable is False
    assert_same(weights(loaded.partial_fit(X, y)), weights(model.partial_fit(X, y)))


# ----------------------------------------------------------------- what they are called


def classes_of(base):
    """All public parts."""
    for each in base.__subclasses__():
        yield from classes_of(each)
        if each.__module__.startswith("fastnn.") and not each.__name__.startswith("_"):
            yield each


@pytest.mark.parametrize("part", sorted(classes_of(Part), key=str))
def test_errors_about_arguments_name_the_class(part):
    with pytest.raises(TypeError) as error:
        part(**{"no such option": 1})
    own = f"{part.__name__}.__init__()"
    # What takes no arguments at all says so without the name of a function.
    assert own in str(error.value) or str(error.value).startswith(part.__name__)


def test_a_missing_argument_is_missed_by_the_layer():
    missing = r"\.__init__\(\) missing 1 required positional argument: "
    with pytest.raises(TypeError, match=rf"^Conv2D{missing}'kernel_size'"):
        Conv2D(3)
    with pytest.raises(TypeError, match=rf"^SpatialDropout2D{missing}'rate'"):
        SpatialDropout2D()

    class Own(Conv2D):
        """A user's."""

    with pytest.raises(TypeError, match=rf"Own{missing}'kernel_size'"):
        Own(3)
    layer = pickle.loads(pickle.dumps(Conv2D(3, 2, "relu", strides=2)))
    assert clone(layer).get_params() == layer.get_params()
    assert str(inspect.signature(Conv2D)).startswith("(filters: int, kernel_size: ")
