"""What is saved of an estimator: plain, and checked when it is loaded."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone

from fastnn import (
    Heads,
    MLPClassifier,
    MLPRegressor,
    NeuralNet,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
)
from fastnn.averaging import EMA
from fastnn.callbacks import CSVLogger, EarlyStopping, ModelCheckpoint
from fastnn.engine.mirrored import MirroredArray
from fastnn.layers import Dense, Dropout

rng = np.random.RandomState(0)
X = rng.normal(size=(40, 3)).astype(np.float32)
y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)

MODELS = {
    "mlp classifier": MLPClassifier((4,), random_state=0),
    "mlp regressor": MLPRegressor(
        hidden_layer_sizes=(4,), solver="sgd", random_state=0
    ),
    "classifier": NeuralNetClassifier(averaging=EMA(), random_state=0),
    "regressor": NeuralNetRegressor(random_state=0),
}


def state_of(name):
    model = copy.copy(MODELS[name])
    if "classifier" in name:
        model.partial_fit(X, y, classes=[0, 1, 2])
    else:
        model.partial_fit(X, y.astype(float))
    # By a pickle, so that damages stay where they are done.
    return type(model), pickle.loads(pickle.dumps(model.__getstate__()))


def load(Estimator, state):
    model = Estimator.__new__(Estimator)
    model.__setstate__(state)
    return model


def at(state, path):
    for key in path:
        state = state[key]
    return state


def places(state, found, path=()):
    """Paths to all that is in the plain parts of a state."""
    for key, value in state.items():
        found.append((*path, key))
        if isinstance(value, dict):
            places(value, found, (*path, key))
    return found


PLACES = [
    (name, path)
    for name in MODELS
    for private in ("_fitted", "_targets", "_training_state")
    for path in places(state_of(name)[1][private], [], (private,))
]


class Wrong:
    """What no part of a state is."""


# What earlier versions did not save need not be there.
OPTIONAL = ("_fitted", "parameters")


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        (name, path, value)
        for name, path in PLACES
        for value in (Wrong(), "missing")
        if (path, value) != (OPTIONAL, "missing")
    ],
)
def test_every_part_is_checked(name, path, value):
    Estimator, state = state_of(name)
    holder = at(state, path[:-1])
    if value == "missing":
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    with pytest.raises(ValueError, match="damaged: its"):
        load(Estimator, state)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("initial_learning_rate", 0),
        ("initial_learning_rate", -1.0),
        ("initial_learning_rate", np.nan),
        ("initial_learning_rate", np.inf),
        ("initial_learning_rate", 10**400),
        ("learning_rate", -1.0),
        ("learning_rate", np.nan),
        ("learning_rate", np.inf),
    ],
)
@pytest.mark.parametrize("name", MODELS)
def test_learning_rates_are_checked(name, key, value):
    Estimator, state = state_of(name)
    state["_training_state"]["optimizer"][key] = value
    with pytest.raises(ValueError, match=f"'{key}' must be a finite number"):
        load(Estimator, state)


ARRAYS = [
    (name, path)
    for name, path in PLACES
    if isinstance(at(state_of(name)[1], path), np.ndarray) and path[-1] != "classes"
]
NO_NUMBERS = {
    "float16": lambda array: array.astype(np.float16),
    "int8": lambda array: array.astype(np.int8),
    "int32": lambda array: array.astype(np.int32),
    "longdouble": lambda array: array.astype(np.longdouble),
    "complex": lambda array: array.astype(np.complex64),
    "object": lambda array: array.astype(object),
    "words": lambda array: array.astype(str),
    "short": lambda array: array[..., :-1],
    "long": lambda array: np.concatenate([array, array], axis=-1),
    "another axis": lambda array: array[np.newaxis],
}


@pytest.mark.parametrize("change", NO_NUMBERS)
@pytest.mark.parametrize(("name", "path"), ARRAYS)
def test_arrays_that_loops_cannot_read(name, path, change):
    Estimator, state = state_of(name)
    holder = at(state, path[:-1])
    holder[path[-1]] = NO_NUMBERS[change](holder[path[-1]])
    with pytest.raises(ValueError, match=r"damaged|lays its network out"):
        load(Estimator, state)


@pytest.mark.parametrize(
    "change",
    [
        lambda array: array.astype(array.dtype.newbyteorder(">")),
        lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
        lambda array: np.asfortranarray(array),
    ],
)
@pytest.mark.parametrize("name", MODELS)
def test_other_layouts_are_put_right(name, change):
    Estimator, state = state_of(name)
    expected = load(Estimator, copy.deepcopy(state))
    for path in [path for each, path in ARRAYS if each == name]:
        holder = at(state, path[:-1])
        holder[path[-1]] = change(holder[path[-1]])
    model = load(Estimator, state)
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))
    for each in (model, expected):
        each.partial_fit(X, y)
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))


def words(state):
    state["_training_state"]["optimizer"]["rule"] = "adamant"


def one_output(state):
    state["_targets"]["classes"] = np.arange(2)


def no_layers(state):
    state["_fitted"]["network"].layers = [Wrong()]


def no_units(state):
    del state["_fitted"]["network"].layers[0].units


def negative_steps(state):
    state["_training_state"]["optimizer"]["step"] = -1


@pytest.mark.parametrize("shape", [(), (0,), (-4,), (2.5,), ("a",), (4, 0), {}])
def test_samples_have_a_shape(shape):
    Estimator, state = state_of("mlp classifier")
    state["_fitted"]["input_shape"] = shape
    with pytest.raises(ValueError, match="damaged: its 'input_shape' must be lengths"):
        load(Estimator, state)


def no_curve_of_the_loss(state):
    state["_training_state"]["history"]["shown"] = []


def an_unknown_curve(state):
    state["_training_state"]["history"]["shown"].append("lost")


def words_in_a_curve(state):
    history = state["_training_state"]["history"]
    history["values"] = history["values"].astype(object)


@pytest.mark.parametrize(
    "damage",
    [
        words,
        one_output,
        no_layers,
        no_units,
        negative_steps,
        no_curve_of_the_loss,
        an_unknown_curve,
        words_in_a_curve,
    ],
)
def test_values_that_cannot_be(damage):
    Estimator, state = state_of("mlp classifier")
    damage(state)
    with pytest.raises(ValueError, match="damaged"):
        load(Estimator, state)


@pytest.mark.parametrize("name", MODELS)
def test_parameters_that_came_later_have_their_defaults(name):
    Estimator, state = state_of(name)
    expected = load(Estimator, state).predict(X)
    for parameter, default in Estimator().get_params(deep=False).items():
        rest = {key: value for key, value in state.items() if key != parameter}
        model = load(Estimator, rest)
        assert model.get_params(deep=False)[parameter] == default
        np.testing.assert_array_equal(model.predict(X), expected)


def test_parameters_without_a_default_are_complete():
    model = NeuralNet(Sequential([Heads([("a", Dense(3))])]))
    state = model.__getstate__()
    assert load(NeuralNet, state).get_params() == model.get_params()
    del state["network"]
    with pytest.raises(ValueError, match="NeuralNet is damaged: its 'network'"):
        load(NeuralNet, state)


@pytest.mark.parametrize(
    "damage",
    [
        lambda model: vars(model.network).pop("layers"),
        lambda model: vars(model.network.layers[0]).pop("units"),
        lambda model: vars(model.network.layers[1][1]).pop("rate"),
        lambda model: vars(model.averaging).pop("decay"),
        lambda model: vars(model.callbacks[0]).pop("patience"),
    ],
)
def test_parts_are_complete(damage):
    network = Sequential([Dense(3, "relu"), ("mask", Dropout(0.5))])
    model = NeuralNetClassifier(network, averaging=EMA(), callbacks=[EarlyStopping()])
    damage(model)
    with pytest.raises(ValueError, match="is damaged: its"):
        pickle.loads(pickle.dumps(model))


WORDS = "best"
KEPT = [
    (EarlyStopping(patience=9), {
        "_training": 3, "_watched": 3, "best_value_": WORDS, "best_epoch_": -1,
        "stopped_epoch_": WORDS, "_best": WORDS, "_layout": WORDS, "_at_best": 0.5,
        "_ended": WORDS, "_incremental": WORDS, "_n_stalled_epochs": 0.5,
    }),
    (ModelCheckpoint("net", save_best_only=True), {"best_value_": object()}),
    (CSVLogger("log"), {"_own": 3, "_columns": 3}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("callback", "name", "value"),
    [(each, *item) for each, kept in KEPT for item in kept.items()],
)
def test_what_callbacks_keep(callback, name, value, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = NeuralNetClassifier(callbacks=[clone(callback)], random_state=0)
    model.partial_fit(X, y, classes=[0, 1, 2])
    copy.deepcopy(model).partial_fit(X, y)
    vars(model.callbacks[0])[name] = value
    state = model.__getstate__()
    with pytest.raises(ValueError, match=f"is damaged: .*'{name}'"):
        load(NeuralNetClassifier, state)


def test_the_best_weights_are_all():
    model = NeuralNetClassifier(callbacks=[EarlyStopping(patience=1, min_delta=9.0)])
    model.partial_fit(X, y, classes=[0, 1, 2])
    best = model.callbacks[0]._best
    model.callbacks[0]._best = MirroredArray(best.host[:1])
    with pytest.raises(ValueError, match=r"all \d+ weights of the network"):
        model.partial_fit(X, y)


def test_what_has_been_checked_is_checked_again_elsewhere():
    Estimator, state = state_of("mlp classifier")
    assert "_validated" not in state
    load(Estimator, {**state, "_validated": object()}).partial_fit(X, y)
    fresh = load(Estimator, {**Estimator().__getstate__(), "_validated": object()})
    fresh.partial_fit(X, y, classes=[0, 1, 2])


def test_a_state_is_a_dict():
    with pytest.raises(ValueError, match="MLPClassifier is damaged"):
        load(MLPClassifier, [1, 2])


@pytest.mark.parametrize("dtype", [np.float16, np.int8, np.int32, object])
def test_weights_that_were_exchanged(dtype):
    model = MLPRegressor(hidden_layer_sizes=(4,), random_state=0).partial_fit(X, y)
    model._fitted.weights = MirroredArray(model._fitted.weights.host.astype(dtype))
    for method in (model.predict, copy.deepcopy, copy.copy(model).predict):
        with pytest.raises(ValueError, match="float32 or float64"):
            method(model if method is copy.deepcopy else X)
    with pytest.raises(ValueError, match="float32 or float64"):
        pickle.loads(pickle.dumps(model))
