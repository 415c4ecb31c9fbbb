"""Building on what was trained: extracted parts in other networks."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from fastnn import (
    Branches,
    Graph,
    Heads,
    NeuralNet,
    NeuralNetClassifier,
    Pretrained,
    Residual,
    Sequential,
    Targets,
)
from fastnn.layers import Activation, Add, BatchNorm, Dense, Dropout

DATA, LABELS = load_digits(return_X_y=True)
OLD, NEW = LABELS < 5, LABELS >= 5
OPTIONS = {"epochs": 3, "random_state": 0}


def block():
    return Sequential([Dense(24, "relu"), BatchNorm(), Residual(Dense(24, "tanh"))])


@pytest.fixture(scope="module")
def model():
    network = Sequential([("base", block()), Dropout(0.1), Dense(8, "relu")])
    return NeuralNetClassifier(network, **OPTIONS).fit(DATA[OLD], LABELS[OLD])


def weights_of(model):
    plan = model._fitted.plan
    views = plan.views(model._fitted.parameters)
    return {p.name: v for p, v in zip(plan.parameters, views, strict=True)}


def fitted_on(part, **options):
    network = Sequential([("base", part), Dense(5, "relu")])
    model = NeuralNetClassifier(network, **(OPTIONS | options))
    return model.fit(DATA[NEW], LABELS[NEW])


def test_an_extracted_part_has_the_fitted_weights(model):
    part = model.extract("base")
    assert isinstance(part, Pretrained)
    found = weights_of(model)
    assert set(part.weights) == {
        "dense/kernel", "dense/bias", "batchnorm/running_mean",
        "batchnorm/running_variance", "batchnorm/scale", "batchnorm/offset",
        "residual/part/kernel", "residual/part/bias",
    }  # fmt: skip
    for name, values in part.weights.items():
        assert_array_equal(values, found[f"base/{name}"])
        assert not np.shares_memory(values, found[f"base/{name}"])


def test_a_frozen_part_keeps_them_to_the_last_bit(model):
    part = model.extract("base").set_params(trainable=False)
    frozen = weights_of(fitted_on(part))
    for name, values in part.weights.items():
        assert_array_equal(frozen[f"base/part/{name}"], values)
    moved = weights_of(fitted_on(model.extract("base")))
    assert (moved["base/part/dense/kernel"] != part.weights["dense/kernel"]).any()


def test_layers_and_deeper_parts(model):
    first = ("before", Dense(24, "relu"))
    for name in ("base__dense", "base__residual__part", "base__residual"):
        part = model.extract(name).set_params(trainable=False)
        stack = [("base", part)] if name == "base__dense" else [first, ("base", part)]
        once = NeuralNetClassifier(Sequential(stack), **OPTIONS).fit(DATA, LABELS)
        again = once.extract("base")
        assert set(again.weights) == set(part.weights)
        assert not isinstance(again.part, Pretrained)
        for key, values in part.weights.items():
            assert_array_equal(again.weights[key], values)


def test_warm_starts_unfreeze_and_go_on(model):
    part = model.extract("base").set_params(trainable=False)
    fitted = fitted_on(part, warm_start=True)
    before = weights_of(fitted)["base/part/dense/kernel"].copy()
    fitted.set_params(network__base__trainable=True, network__base__learning_rate=0.1)
    fitted.fit(DATA[NEW], LABELS[NEW])
    assert (weights_of(fitted)["base/part/dense/kernel"] != before).any()
    assert len(fitted.history_["loss"]) == 6


SHARED = Dense(8, "tanh")
BLOCK = Sequential([SHARED, Dense(8, "relu")])


@pytest.mark.parametrize(
    ("network", "name"),
    [
        (Sequential([SHARED, ("base", BLOCK)]), "base"),
        (Sequential([("base", BLOCK), SHARED]), "base"),
        (Branches([("a", SHARED), ("b", BLOCK)]), "b"),
        (Sequential([Dense(4), Residual(Dense(8)), ("r", Residual(BLOCK))]), "r"),
        (Sequential([("a", Residual(BLOCK)), ("b", Residual(BLOCK))]), "b__part"),
        (Graph([("a", SHARED, "x"), ("b", BLOCK, "a")]), "b"),
    ],
    ids=["behind", "before", "beside", "residual", "twice", "graph"],
)
def test_weights_of_parts_that_stand_elsewhere_too(network, name):
    network = Sequential([("first", Dense(8)), ("net", network)])
    old = NeuralNetClassifier(network, **OPTIONS).fit(DATA[OLD], LABELS[OLD])
    part = old.extract(f"net__{name}").set_params(trainable=False)
    new = NeuralNetClassifier(
        Sequential([Dense(8), ("base", part), Dense(4, "relu")]), **OPTIONS
    )
    found = weights_of(new.fit(DATA[NEW], LABELS[NEW]))
    found = {key: each for key, each in found.items() if key.startswith("base/part/")}
    assert {f"base/part/{key}" for key in part.weights} == set(found)
    for key, each in part.weights.items():
        assert_array_equal(found[f"base/part/{key}"], each)


def test_names_are_those_of_the_description():
    """Also where the whole of it becomes one part, before the output layer."""
    graph = Graph(
        [("a", Dense(8), "x"), ("b", Dense(8), "x"), ("m", Add(), ["a", "b"])]
    )
    model = NeuralNetClassifier(graph, **OPTIONS).fit(DATA[OLD], LABELS[OLD])
    assert_array_equal(model.extract("b").weights["kernel"], model.coefs_[1])
    with pytest.raises(ValueError, match=r"Add, which has several inputs or outputs"):
        model.extract("m")


def test_heads_are_extracted_one_by_one():
    heads = Heads([("digit", Dense(8, "relu")), ("even", Dense(4, "relu"))])
    model = NeuralNet(Sequential([("heads", heads)]), **OPTIONS)
    model.fit(DATA, Targets(digit=LABELS.astype(str), even=LABELS % 2 == 0))
    with pytest.raises(ValueError, match=r"several .*'heads__digit'"):
        model.extract("heads")
    assert_array_equal(
        model.extract("heads__even").weights["dense/kernel"], model.coefs_[2]
    )


@pytest.mark.parametrize("weights", [None, 3, [np.zeros(3)]])
def test_weights_are_a_dict(weights):
    assert repr(weights) in repr(Pretrained(Dense(3), weights))
    with pytest.raises(ValueError, match="'weights' parameter of Pretrained"):
        fitted_on(Pretrained(Dense(3), weights))


def test_it_is_cloned_searched_and_pickled(model):
    part = model.extract("base")
    assert_array_equal(
        clone(part).weights["dense/kernel"], part.weights["dense/kernel"]
    )
    search = GridSearchCV(
        NeuralNetClassifier(Sequential([("base", part)]), **OPTIONS),
        {"network__base__trainable": [True, False]},
        cv=2,
        error_score="raise",
    ).fit(DATA[NEW], LABELS[NEW])
    loaded = pickle.loads(pickle.dumps(search.best_estimator_))
    assert_array_equal(loaded.predict(DATA[NEW]), search.predict(DATA[NEW]))
    assert "<2256 weights>" in repr(part)


def test_what_is_printed_of_a_network_around_it_is_short(model):
    part = model.extract("base")
    network = Sequential([("old", Residual(Sequential([part, Dense(64)]))), Dense(3)])
    estimator = NeuralNetClassifier(network)
    for each in (network, estimator, clone(estimator), copy.deepcopy(estimator)):
        printed = repr(each)
        assert "weights=<2256 weights>" in printed
        assert "array(" not in printed
        assert len(printed) < 500
    loaded = pickle.loads(pickle.dumps(estimator))
    assert repr(loaded) == repr(estimator)


def test_it_stands_in_branches(model):
    two = Branches([("old", model.extract("base")), ("new", Dense(24, "relu"))], "add")
    fitted = fitted_on(two, epochs=20)
    assert fitted.score(DATA[NEW], LABELS[NEW]) > 0.8


@pytest.mark.parametrize("name", ["bases", "base__dens", "", "dropout__rate"])
def test_there_is_no_such_part(name, model):
    with pytest.raises(ValueError, match=rf"no part '{name}'. Its parts are \['base'"):
        model.extract(name)


def test_sizes_that_do_not_fit(model):
    part = model.extract("base")
    with pytest.raises(ValueError, match=r"kernel has weights of shape \(64, 24\)"):
        fitted_on(clone(part).set_params(part__dense__units=8))
    with pytest.raises(ValueError, match="dense/kernel has weights of shape"):
        NeuralNetClassifier(Sequential([part])).fit(DATA[:, :9], LABELS)
    fewer = clone(part).set_params(part=Sequential([Dense(24)]))
    with pytest.raises(ValueError, match=r"weights of .*no such parameters"):
        fitted_on(fewer)
    broken = clone(part)
    broken.weights["dense/bias"] = np.full(24, np.nan)
    with pytest.raises(ValueError, match="finite"):
        fitted_on(broken)


def head_network(part=None):
    heads = [("digit", part or Dense(8, "relu")), ("even", Dense(4, "relu"))]
    return Sequential([Dense(16, "relu"), Heads(heads)])


def test_what_is_pretrained_may_end_in_the_output_layer():
    y = Targets(digit=LABELS.astype(str), even=LABELS % 2 == 0)
    model = NeuralNet(head_network(), **OPTIONS).fit(DATA, y)
    head = model.extract("heads__digit")
    assert [layer.units for layer in head.part.layers] == [8, 10]
    again = NeuralNet(head_network(head), **OPTIONS).fit(DATA, y)
    shapes = [kernel.shape for kernel in again.coefs_]
    assert shapes == [kernel.shape for kernel in model.coefs_]
    # As the head of a network of one output, too; here frozen, in a graph.
    frozen = clone(head).set_params(trainable=False)
    graph = Graph([("hidden", Dense(16), "x"), ("head", frozen, "hidden")])
    one = NeuralNetClassifier(graph, **OPTIONS).fit(DATA, LABELS)
    assert [kernel.shape for kernel in one.coefs_] == [(64, 16), (16, 8), (8, 10)]
    assert_array_equal(one.coefs_[2], head.weights["dense_1/kernel"])


@pytest.mark.parametrize(
    "part",
    [
        Dense(10, "softmax"),
        Sequential([Dense(10), Activation("softmax")]),
        Graph([("a", Dense(10), "x"), ("b", Activation("softmax"), "a")]),
        Pretrained(Dense(10, "softmax"), {}),
    ],
    ids=["dense", "stack", "graph", "within"],
)
def test_an_activation_is_taken_off_within_it(part):
    model = NeuralNetClassifier(Pretrained(part, {}), **OPTIONS).fit(DATA, LABELS)
    assert [kernel.shape for kernel in model.coefs_] == [(64, 10)]
    plain = NeuralNetClassifier(Sequential([Dense(10)]), **OPTIONS).fit(DATA, LABELS)
    assert_array_equal(model.predict_proba(DATA), plain.predict_proba(DATA))


@pytest.mark.parametrize("activation", ["identity", "softmax", "relu"])
def test_outputs_of_other_numbers_are_features(activation):
    """Their weights say how many they are, which nobody could set."""
    part = Pretrained(Dense(7, activation), {"bias": np.zeros(7)})
    model = NeuralNetClassifier(Sequential([("base", part)]), **OPTIONS)
    model.fit(DATA, LABELS)
    assert [kernel.shape for kernel in model.coefs_] == [(64, 7), (7, 10)]


def size_of(model):
    return len(pickle.dumps(model))


def test_a_fitted_model_holds_its_initial_weights_once(model):
    """In its parameter alone, which is what a clone starts from."""
    wide = Sequential([Dense(400, "relu"), Dense(300, "relu")])
    first = NeuralNetClassifier(Sequential([("base", wide)]), **OPTIONS)
    part = first.fit(DATA[OLD], LABELS[OLD]).extract("base")
    of_weights = sum(each.nbytes for each in part.weights.values())
    plain, built = (
        NeuralNetClassifier(Sequential([("base", each)]), **OPTIONS)
        for each in (wide, part)
    )
    sizes = []
    for each in (plain, built):
        each.fit(DATA[NEW], LABELS[NEW])
        sizes.append(size_of(each))
        assert size_of(each._fitted) < 1.1 * of_weights + 20_000
        each.set_params(network=None)
        assert size_of(each) < sizes[0] + 3000
    assert sizes[1] - sizes[0] < of_weights + 3000
    assert built._fitted.plan is not plain._fitted.plan


def test_a_fit_starts_from_the_weights_again(model):
    part = model.extract("base").set_params(trainable=False)
    fitted = fitted_on(part)
    kept = pickle.loads(pickle.dumps(fitted))
    for each in (fitted, kept):
        again = each.fit(DATA[NEW], LABELS[NEW])
        for name, values in part.weights.items():
            assert_array_equal(weights_of(again)[f"base/part/{name}"], values)
    before = kept.coefs_[-1].copy()
    kept.partial_fit(DATA[NEW], LABELS[NEW])
    assert (kept.coefs_[-1] != before).any()
    assert_array_equal(
        weights_of(kept)["base/part/dense/kernel"], part.weights["dense/kernel"]
    )
    # Calls that go on share one plan, as those of networks without weights do.
    plan = kept._fitted.plan
    assert kept.partial_fit(DATA[NEW], LABELS[NEW])._fitted.plan is plan
    assert "<2256 weights>" in repr(kept.network.layers[0][1])
