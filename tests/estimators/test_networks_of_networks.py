"""Estimators of networks that are more than a stack of layers."""

import pickle
import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from fastnn import (
    Branches,
    Graph,
    Heads,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Residual,
    Sequential,
)
from fastnn.layers import Activation, Add, BatchNorm, Dense, Dropout

rng = np.random.default_rng(0)
X = rng.normal(size=(150, 4))
y = np.digitize(X[:, 0] * X[:, 1], [-0.3, 0.3])
binary = y > 0


def body():
    shared = Dense(8, "relu")
    branches = [
        ("deep", Sequential([Dense(12, "relu"), BatchNorm(), Dense(8)])),
        ("wide", shared),
        ("both", Sequential([Dropout(0.2), shared], learning_rate=1.0)),
    ]
    return [Branches(branches, merge="add"), Residual(Dense(16, "tanh"))]


def stack(*more):
    return Sequential([*body(), *more])


def graph():
    branches, residual = body()
    return Graph([("end", residual, "sum"), ("sum", branches, "x")])


NETWORKS = {
    "stack": stack,
    "graph": graph,
    "branches": lambda: body()[0],
    "residual": lambda: body()[1],
    "block": lambda: Sequential([stack(Dropout(0.1))]),
}


def net(network, Estimator=NeuralNetClassifier, **params):
    params = {"epochs": 5, "random_state": 0} | params
    return Estimator(network, **params)


@pytest.mark.parametrize("Estimator", [NeuralNetClassifier, NeuralNetRegressor])
@pytest.mark.parametrize("name", NETWORKS)
def test_any_network_is_trained_saved_and_goes_on(name, Estimator):
    model = net(NETWORKS[name](), Estimator, epochs=30).fit(X, y)
    assert model.loss_curve_[-1] < 0.9 * model.loss_curve_[0]
    again = clone(model).fit(X, y)
    loaded = pickle.loads(pickle.dumps(model))
    for other in (again, loaded):
        np.testing.assert_array_equal(other.predict(X), model.predict(X))
    loaded.partial_fit(X, y)
    np.testing.assert_array_equal(loaded.predict(X), model.partial_fit(X, y).predict(X))


def test_searches_reach_through():
    grid = {
        "network__branches__deep__dense__units": [3, 12],
        "network__branches__both__dropout__rate": [0.0],
        "network__residual": [Sequential([]), Residual(Dense(5))],
        "network__branches__deep__trainable": [False],
    }
    search = GridSearchCV(net(stack(), epochs=2), grid, cv=2, error_score="raise")
    search.fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    assert search.best_params_.keys() == grid.keys()


def test_warm_starts_freeze_and_free_blocks():
    model = net(stack()).fit(X, y)

    def weights():
        fitted = model._fitted
        views = fitted.plan.views(fitted.parameters.copy())
        return {p.name: v for p, v in zip(fitted.plan.parameters, views, strict=True)}

    before = weights()
    model.set_params(warm_start=True, network__branches__trainable=False).fit(X, y)
    after = weights()
    for name, value in after.items():
        same = np.array_equal(value, before[name])
        assert same == name.startswith("branches/"), name
    model.set_params(network__branches__trainable=True, network__trainable=False)
    model.fit(X, y)
    changed = [
        name
        for name, value in weights().items()
        if not np.array_equal(value, after[name])
    ]
    assert changed == ["dense/kernel", "dense/bias"]


ENDS = {
    "nested": lambda *end: Sequential([Sequential([*end])]),
    "apart": lambda *end: Sequential([*end[:-1], Sequential([end[-1]])]),
    "empty": lambda *end: Sequential([*end, Sequential([])]),
    "graph": lambda *end: Graph(
        [(f"node{i}", each, f"node{i - 1}" if i else "x") for i, each in enumerate(end)]
    ),
    "in_graph": lambda *end: Graph([("end", Sequential([*end]), "x")]),
}


@pytest.mark.parametrize("written", ENDS)
@pytest.mark.parametrize(
    ("end", "target", "shapes"),
    [
        ([Dense(8, "relu"), Dense(3, "softmax")], y, [(4, 8), (8, 3)]),
        ([Dense(8, "relu"), Dense(3), Activation("softmax")], y, [(4, 8), (8, 3)]),
        ([Dense(8, "relu"), Dense(1, "sigmoid")], binary, [(4, 8), (8, 1)]),
        ([Dense(8, "relu"), Dense(3)], y, [(4, 8), (8, 3)]),
        ([Dense(8, "relu")], y, [(4, 8), (8, 3)]),
    ],
)
def test_the_end_of_a_network_is_found(written, end, target, shapes):
    plain = net(Sequential(end)).fit(X, target)
    network = ENDS[written](*end)
    before = repr(network)
    model = net(network).fit(X, target)
    assert repr(network) == before
    assert [kernel.shape for kernel in model.coefs_] == shapes
    np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X))


def test_behind_other_networks_there_is_an_output_layer():
    branches = Branches([("a", Dense(3)), ("b", Dense(3))], merge="add")
    for network in (
        Sequential([branches]),
        Sequential([Dense(3), Residual(Dense(3))]),
        Graph([("sum", Add(), ["a", "b"]), ("a", Dense(3), "x"), ("b", Dense(3), "x")]),
    ):
        model = net(network).fit(X, y)
        assert model.coefs_[-1].shape == (3, 3)
        assert len(model.coefs_) == 3


def test_an_end_of_the_wrong_size_is_named_by_the_way_to_it():
    network = Sequential([Sequential([("last", Dense(5))], trainable=True)])
    with pytest.raises(ValueError, match="dense layer, 'sequential/last', has 5 units"):
        net(network).fit(X, y)


@pytest.mark.parametrize(
    "block",
    [
        Sequential([Dense(4), Dense(4), Activation("softmax")]),
        Sequential([Dense(4, "softmax")]),
    ],
)
def test_the_end_of_a_block_that_stands_twice_cannot_change(block):
    four = np.digitize(X[:, 0], [-0.5, 0, 0.5])
    with pytest.raises(ValueError, match="stands elsewhere in the network too"):
        net(Sequential([block, block])).fit(X, four)


def test_options_of_a_stack_with_a_layer_at_two_depths():
    shared = Dense(4, "tanh")
    network = Sequential(
        [shared, Sequential([shared])], trainable=False, learning_rate=0.5
    )
    model = net(network).fit(X, y)
    blocks = model._fitted.plan.blocks
    assert blocks["trainable"].tolist() == [0, 0, 1, 1]
    assert blocks["learning_rate"].tolist() == [0.5, 0.5, 1, 1]


@pytest.mark.parametrize("Estimator", [NeuralNetClassifier, NeuralNetRegressor])
@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            Sequential([Heads([("a", Dense(1)), ("b", Dense(1))])]),
            r"heads \['a', 'b'\]",
        ),
        (
            Graph([("a", Dense(1), "x"), ("b", Dense(1), "x")], outputs=["a", "b"]),
            r"each of the heads \['a', 'b'\]",
        ),
        (
            Graph([("a", Add(), ["u", "v"])], inputs=["u", "v"]),
            "the network has several inputs",
        ),
    ],
)
def test_networks_of_several_values_are_refused(network, message, Estimator):
    with pytest.raises(ValueError, match=message):
        net(network, Estimator).fit(X, y)


def test_the_summary_is_a_tree(capsys):
    network = stack(Sequential([BatchNorm(), Dense(6)], trainable=False), Dropout(0.1))
    net(network).fit(X, y).summary()
    lines = capsys.readouterr().out.splitlines()
    rows = [line.rsplit("  ", 1) for line in lines[2:18]]
    assert [re.split(r"  +", row.strip()) for row, _ in rows] == [
        ["branches", "Branches", "(8,)"],
        ["deep", "Sequential", "(8,)"],
        ["dense", "Dense", "(12,)"],
        ["batchnorm", "BatchNorm", "(12,)"],
        ["dense_1", "Dense", "(8,)"],
        ["wide", "Dense", "(8,)"],
        ["both", "Sequential", "(8,)"],
        ["dropout", "Dropout", "(4,)"],
        ["dense", "Dense", "(8,)"],
        ["residual", "Residual", "(16,)"],
        ["part", "Dense", "(16,)"],
        ["sequential", "Sequential, frozen", "(6,)"],
        ["batchnorm", "BatchNorm, frozen", "(16,)"],
        ["dense", "Dense, frozen", "(6,)"],
        ["dropout", "Dropout", "(6,)"],
        ["dense", "Dense", "(3,)"],
    ]
    depths = [len(row) - len(row.lstrip()) for row, _ in rows]
    assert depths == [0, 2, 4, 4, 4, 2, 2, 4, 4, 0, 2, 0, 2, 2, 0, 0]
    counts = [count.strip() for _, count in rows]
    deep = 4 * 12 + 12 + 4 * 12 + 12 * 8 + 8
    assert counts[:2] == [str(deep + 40), str(deep)]
    assert counts[8] == "shared"
    assert counts[9] == str(8 * 16 + 16 + 8 * 16)
