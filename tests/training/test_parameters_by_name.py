"""Parameters find their places by name and shape, never by order."""

import copy
import pickle

import numpy as np
import pytest
from writers import by_hand, dense, parameter

from fastnn import (
    MLPClassifier,
    MLPRegressor,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
)
from fastnn.averaging import EMA
from fastnn.callbacks import EarlyStopping, ModelCheckpoint
from fastnn.constraints import MaxNorm
from fastnn.initializers import Constant, FromArray, GlorotNormal, Zeros
from fastnn.layers import BatchNorm, Dense, PReLU
from fastnn.optimizers import SGD
from fastnn.plan.layout import Layout
from fastnn.plan.tape import Tape
from fastnn.regularizers import L2
from fastnn.utils.plain import PlainState

rng = np.random.RandomState(0)
X = rng.normal(size=(40, 5)).astype(np.float32)
y = (X[:, 0] > 0).astype(int)

# Two layers of the same shapes, and one of another.
NAMES = ("first", "second", "third")


def layers(names=NAMES):
    made = {
        "first": Dense(5, "tanh"),
        "second": Dense(5, "tanh"),
        "third": BatchNorm(),
    }
    return [(name, made[name]) for name in names]


def net(names=NAMES, Estimator=NeuralNetRegressor, **options):
    options = {"epochs": 2, "batch_size": 10, "random_state": 0, **options}
    return Estimator(Sequential(layers(names)), **options)


def views(fitted, flat):
    plan = fitted.plan
    return {p.name: v for p, v in zip(plan.parameters, plan.views(flat), strict=True)}


def weights(model):
    return views(model._fitted, model._fitted.parameters.copy())


def assert_same(actual, expected):
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(actual[name], value, err_msg=name)


def layout(**shapes):
    """Of parameters one after another, 16 numbers apart."""
    places = {name: (16 * i, shape) for i, (name, shape) in enumerate(shapes.items())}
    return Layout(16 * len(shapes), places)


# ------------------------------------------------------------------------- layouts


def test_arrays_move_by_name():
    here, there = layout(a=(2, 2), b=(4,), c=()), layout(b=(4,), c=(), a=(2, 2))
    array = np.zeros((3, 48))
    array[:, 0:4], array[:, 16], array[:, 32:36] = 2, 3, 1
    moved = here.move_from(there)(array)
    expected = np.zeros((3, 48))
    expected[:, 0:4], expected[:, 16:20], expected[:, 32] = 1, 2, 3
    np.testing.assert_array_equal(moved, expected)
    np.testing.assert_array_equal(there.move_from(here)(moved), array)
    assert here.move_from(layout(a=(2, 2), b=(4,), c=())) is None


@pytest.mark.parametrize(
    "other",
    [
        {"a": (4,)},
        {"a": (4,), "c": (2, 2)},
        {"a": (4,), "b": (4,)},
        {"a": (2, 2), "b": (4,)},
        {"a": (4,), "b": (2, 2), "c": (1,)},
    ],
)
def test_other_names_and_other_shapes_do_not_move(other):
    here = layout(a=(4,), b=(2, 2))
    with pytest.raises(ValueError, match=r"are not a \(4,\), b \(2, 2\)"):
        here.move_from(layout(**other))


@pytest.mark.parametrize(
    "value",
    [
        *([3], [("a", 0)], [(3, 0, (4,))], [("a", -1, (4,))], [("a", 0.5, (4,))]),
        *([("a", 0, 4)], [("a", 0, ("4",))], [("a", 60, (5,))], [("a", 0, (4,))] * 2),
    ],
)
def test_saved_places_are_checked(value):
    saved = PlainState("a model", {"parameters": value})
    with pytest.raises(ValueError, match="a model is damaged: its 'parameters'"):
        Layout.from_plain(saved, "parameters", 64)


def test_what_is_saved_of_a_layout_is_the_layout():
    own = layout(a=(2, 2), b=(), c=(3,))
    saved = PlainState("a model", {"parameters": own.to_plain()})
    assert Layout.from_plain(saved, "parameters", own.size) == own


# --------------------------------------------------------- calls that go on with others


@pytest.mark.parametrize("order", [("second", "first", "third"), NAMES[::-1]])
def test_layers_in_another_order_keep_their_weights(order):
    model = net(optimizer=SGD(0.01, momentum=0.9)).partial_fit(X, y)
    before = weights(model)
    model.set_params(network__layers=layers(order), optimizer__learning_rate=1e-30)
    model.partial_fit(X, y)
    after = weights(model)
    stacked = dict.fromkeys(name.partition("/")[0] for name in after)
    assert tuple(stacked)[:3] == order
    for name in before:
        if "running" not in name:
            np.testing.assert_allclose(after[name], before[name], atol=1e-20)
    kernels = [before[f"{name}/kernel"] for name in NAMES[:2]]
    assert (kernels[0] != kernels[1]).any()


def test_moments_averages_and_live_weights_go_with_their_layers():
    model = net(averaging=EMA()).partial_fit(X, y)
    other = net(NAMES[::-1], averaging=EMA()).partial_fit(X, y)
    state, fitted = model._training_state, model._fitted
    moved = state.moved(other._fitted.move_from(fitted))
    for actual, expected in (
        (moved.average.values.host, state.average.values.host),
        (moved.live.host, state.live.host),
        *zip(moved.optimizer.slots.host, state.optimizer.slots.host, strict=True),
    ):
        assert expected.any()
        assert_same(views(other._fitted, actual), views(fitted, expected))
    assert moved.optimizer.step == state.optimizer.step
    assert state.moved(None) is state


RENAMED = [
    [("first", Dense(5, "tanh")), ("other", Dense(5, "tanh")), ("third", BatchNorm())],
    [Dense(5, "tanh"), Dense(5, "tanh"), BatchNorm()],
    [("first", Dense(5, "tanh")), ("third", BatchNorm())],
    [*layers(), PReLU()],
]


@pytest.mark.parametrize("renamed", RENAMED)
@pytest.mark.parametrize("warm", [False, True])
def test_layers_with_other_names_are_refused(renamed, warm):
    model = net(warm_start=True).fit(X, y)
    before = weights(model)
    model.set_params(network__layers=renamed)
    with pytest.raises(ValueError, match="cannot go on training") as caught:
        model.fit(X, y) if warm else model.partial_fit(X, y)
    told = str(caught.value)
    assert "fitted parameters are first/kernel (5, 5), first/bias (5,)" in told
    first = "first" if isinstance(renamed[0], tuple) else "dense"
    assert f"now ask for {first}/kernel (5, 5)" in told
    assert_same(weights(model), before)


def test_perceptrons_of_another_size_are_refused():
    model = MLPRegressor(hidden_layer_sizes=(4, 4)).partial_fit(X, y)
    model.set_params(hidden_layer_sizes=(4, 4, 4))
    with pytest.raises(ValueError, match=r"are dense/kernel \(5, 4\).*dense_3/kernel"):
        model.partial_fit(X, y)


@pytest.mark.parametrize("order", [NAMES, ("second", "first", "third")])
def test_the_best_weights_are_restored_by_name(order):
    # The second call is worse, and ends the training.
    stop = EarlyStopping("loss", patience=1)
    model = net(early_stopping=stop).partial_fit(X, y)
    best = weights(model)
    model.set_params(network__layers=layers(order))
    model = pickle.loads(pickle.dumps(model))
    model.set_params(optimizer__learning_rate=1e-30).partial_fit(X, 100 * y + 100)
    assert model.early_stopping.stopped_epoch_ == 2
    assert_same(dict(sorted(weights(model).items())), dict(sorted(best.items())))


def test_best_weights_of_other_layers_are_refused():
    stop = EarlyStopping("loss", patience=1)
    model = net(early_stopping=stop).partial_fit(X, y)
    stop._layout = [("x" + name, *rest) for name, *rest in stop._layout]
    with pytest.raises(ValueError, match=r"parameters xfirst/kernel .* has first/kern"):
        model.partial_fit(X, 100 * y + 100)


def test_best_weights_of_versions_without_names_are_restored():
    stop = EarlyStopping("loss", patience=1)
    model = net(early_stopping=stop).partial_fit(X, y)
    best = weights(model)
    del stop._layout
    model = pickle.loads(pickle.dumps(model)).partial_fit(X, 100 * y + 100)
    assert model.early_stopping.stopped_epoch_ == 2
    assert_same(weights(model), best)


def test_callbacks_see_which_weights_are_which():
    seen = []

    class Look(EarlyStopping):
        def on_epoch_end(self, run):
            name, offset, shape = run.layout[2]
            flat = run.parameters[offset : offset + np.prod(shape)]
            seen.append((name, flat.reshape(shape).copy()))

    model = net(epochs=1, callbacks=[Look()]).fit(X, y)
    assert_same(dict(seen), {"second/kernel": weights(model)["second/kernel"]})


# ----------------------------------------------------------------------------- files


def state_of(model):
    return pickle.loads(pickle.dumps(model.__getstate__()))


def load(Estimator, state):
    model = Estimator.__new__(Estimator)
    model.__setstate__(state)
    return model


MODELS = {
    "averaged": lambda: net(averaging=EMA()).fit(X, y),
    "classifier": lambda: net(Estimator=NeuralNetClassifier).fit(X, y),
    "mlp": lambda: MLPClassifier((5, 5), random_state=0).partial_fit(
        X, y, classes=[0, 1]
    ),
}
each_model = pytest.mark.parametrize("name", MODELS)


def reversed_in_the_file(state):
    """What a version would save that lays the last parameter out first."""
    own = state["_fitted"]["parameters"]
    n, places, at = state["_fitted"]["weights"].size, [], 8
    for name, _, shape in own[::-1]:
        places.append((name, at, shape))
        at += int(np.prod(shape)) + 3

    def moved(array):
        result = np.full((*array.shape[:-1], at), np.nan, array.dtype)
        for (_, before, shape), (_, after, _) in zip(own[::-1], places, strict=True):
            size = int(np.prod(shape))
            result[..., after : after + size] = array[..., before : before + size]
        return result

    def walk(part):
        for key, value in part.items():
            if isinstance(value, dict):
                walk(value)
            elif isinstance(value, np.ndarray) and value.shape[-1:] == (n,):
                part[key] = moved(value)

    state["_fitted"]["parameters"] = places
    walk(state["_fitted"])
    walk(state["_training_state"])
    return state


@each_model
def test_saved_weights_find_their_places(name):
    model = MODELS[name]()
    other = load(type(model), reversed_in_the_file(state_of(model)))
    assert_same(weights(other), weights(model))
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    for each in (other, model):
        each.partial_fit(X, y)
    assert_same(weights(other), weights(model))


@each_model
def test_models_that_were_saved_without_names_are_loaded(name):
    model = MODELS[name]()
    state = state_of(model)
    del state["_fitted"]["parameters"]
    other = load(type(model), state)
    assert_same(weights(other), weights(model))
    for each in (other, model):
        each.partial_fit(X, y)
    assert_same(weights(other), weights(model))


@each_model
def test_files_with_other_names_are_refused(name):
    model = MODELS[name]()
    state = state_of(model)
    saved = state["_fitted"]["parameters"]
    first = saved[0][0]
    saved[0], saved[2] = (saved[2][0], *saved[0][1:]), ("other", *saved[2][1:])
    with pytest.raises(ValueError, match="was saved with the parameters") as caught:
        load(type(model), state)
    assert f"makes of its network {first} (5, 5)" in str(caught.value)
    assert "other (5, 5)" in str(caught.value)


def test_checkpoints_know_their_names(tmp_path):
    save = ModelCheckpoint(tmp_path / "net.joblib")
    model = net(callbacks=[save], epochs=1).fit(X, y)
    names = [name for name, _, _ in state_of(model)["_fitted"]["parameters"]]
    assert names == [*weights(model)]
    assert (tmp_path / "net.joblib").read_bytes().count(b"second/kernel") == 1


# ---------------------------------------------------------------- parameters used twice

USED = {"initializer": Zeros(), "fan_in": 4, "fan_out": 4}
OTHERS = [
    {"initializer": GlorotNormal()},
    {"initializer": Constant(0.0)},
    {"fan_in": 5},
    {"fan_out": 5},
    {"regularizer": L2(0.1)},
    {"regularizer": "l1"},
    {"constraint": MaxNorm(1.0)},
    {"learning_rate": 0.5},
    {"weight_decay": 0.0},
    {"trainable": False},
]


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_a_parameter_used_again_has_the_same_options(other):
    tape = Tape()
    tape.parameter("dense/kernel", (4, 4), **USED)
    tape.parameter("dense/kernel", (4, 4), **USED)
    (option,) = other
    with pytest.raises(
        ValueError,
        match=rf"layer 'dense' is used twice.*'dense/kernel' has {option}=.* once and",
    ):
        tape.parameter("dense/kernel", (4, 4), **{**USED, **other})


@pytest.mark.parametrize(
    "options",
    [
        {"initializer": Constant(0.5), "regularizer": L2(0.1)},
        {"initializer": FromArray(np.ones((4, 4))), "constraint": MaxNorm(1.0)},
        {"regularizer": "l1_l2", "learning_rate": 0.5, "trainable": False},
    ],
)
def test_options_that_say_the_same_are_the_same(options):
    tape = Tape()
    kernel = tape.parameter("kernel", (4, 4), **{**USED, **options})
    alike = copy.deepcopy({**USED, **options})
    assert tape.parameter("kernel", (4, 4), **alike) is kernel


@pytest.mark.parametrize(
    ("part", "told"),
    [((False, 1.0), "frozen=False once and frozen=True"), ((True, 0.5), "=2.0 once")],
)
def test_a_parameter_used_again_stands_in_parts_that_say_the_same(part, told):
    tape = Tape()
    with tape.part(True, 0.5), tape.part(True, 4.0):
        kernel = parameter(tape, "kernel", (4, 4))
    with tape.part(True, 2.0):
        assert parameter(tape, "kernel", (4, 4)) is kernel
    assert parameter(tape, "kernel", (4, 4), learning_rate=2.0) is kernel
    with tape.part(*part), pytest.raises(ValueError, match=told):
        parameter(tape, "kernel", (4, 4), learning_rate=2.0)


@pytest.mark.parametrize("frozen_first", [False, True])
def test_running_statistics_used_again_move_or_do_not(frozen_first):
    tape = Tape()
    with tape.part(not frozen_first, 1.0):
        tape.running_statistic("mean", (4,), Zeros())
    told = f"frozen={frozen_first} once"
    with tape.part(frozen_first, 1.0), pytest.raises(ValueError, match=told):
        tape.running_statistic("mean", (4,), Zeros())


def test_a_layer_used_twice_is_one_parameter():
    plan = by_hand(lambda tape, x: dense(tape, dense(tape, x, "a", 5), "a", 5))
    assert [p.name for p in plan.parameters] == ["a/kernel", "a/bias"]
