"""What parts of any network give, as features."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

from fastnn import (
    Branches,
    Graph,
    Heads,
    HiddenLayerTransformer,
    Inputs,
    NeuralNet,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Pretrained,
    Residual,
    Sequential,
    Targets,
)
from fastnn.layers import Add, BatchNorm, Concatenate, Dense, Dropout, Flatten

X, y = load_iris(return_X_y=True)
OPTIONS = {"epochs": 2, "random_state": 0, "dtype": "float64"}

SHARED = Dense(4, "tanh")
BRANCHES = Branches([("left", SHARED, [0, 1]), ("right", Dense(3), [2, 3])])
TWICE = Graph(
    [
        ("a", SHARED, "x"),
        ("b", SHARED, "a"),
        ("sum", Add(), ["a", "b"]),
        ("end", Residual(Dense(4, "relu")), "sum"),
    ]
)


def fitted(network, Estimator=NeuralNetClassifier):
    return Estimator(network, **OPTIONS).fit(X, y)


def weights_of(model):
    plan = model._fitted.plan
    views = plan.views(model._fitted.parameters)
    return {p.name: v for p, v in zip(plan.parameters, views, strict=True)}


def dense(x, weights, name, function=lambda z: z):
    return function(x @ weights[f"{name}/kernel"] + weights[f"{name}/bias"])


def relu(z):
    return np.maximum(z, 0)


@pytest.mark.parametrize("separator", ["__", "/"])
def test_parts_of_branches(separator):
    model = fitted(Sequential([("both", BRANCHES), Dropout(0.5), Dense(6, "relu")]))
    w = weights_of(model)
    left = dense(X[:, :2], w, "both/left", np.tanh)
    right = dense(X[:, 2:], w, "both/right")

    def features(layer):
        return model.hidden_activations(X, layer.replace("__", separator))

    assert_allclose(features("both__left"), left)
    assert_allclose(features("both__right"), right)
    assert_allclose(features("both"), np.hstack([left, right]))
    hidden = dense(np.hstack([left, right]), w, "dense", relu)
    assert_allclose(model.hidden_activations(X), hidden)
    assert_allclose(model.hidden_activations(X, 0), hidden)
    outputs = dense(hidden, w, "dense_1")
    assert_allclose(features("dense_1"), outputs)
    assert_array_equal(outputs.argmax(axis=1), model.predict(X))


def test_places_of_a_part_that_stands_twice():
    model = fitted(TWICE)
    w = weights_of(model)
    name = "graph/a"
    first = dense(X, w, name, np.tanh)
    second = dense(first, w, name, np.tanh)
    assert_allclose(model.hidden_activations(X, "a"), first)
    assert_allclose(model.hidden_activations(X, "b"), second)
    assert_allclose(model.hidden_activations(X, "sum"), first + second)
    part = dense(first + second, w, "graph/end/part", relu)
    assert_allclose(model.hidden_activations(X, "end__part"), part)
    assert_allclose(model.hidden_activations(X, "end"), part + first + second)


@pytest.mark.parametrize(
    ("network", "widths"),
    [
        (Sequential([Dense(5), Sequential([Dense(4), Sequential([Dense(6)])])]), None),
        (Sequential([Dense(5), BatchNorm(), Dense(4, "relu"), Dropout(0.1)]), [5, 4]),
        (Sequential([Dense(5), Residual(Dense(5)), Dense(4, "relu")]), [4]),
        (Graph([("a", Dense(5), "x"), ("b", Dense(4, "tanh"), "a")]), [5, 4]),
        (Sequential([Pretrained(Dense(5, "relu"), {}), Dense(4, "relu")]), [5, 4]),
        (None, [100]),
    ],
    ids=["nested", "stack", "residual", "graph", "pretrained", "none"],
)
def test_numbers_count_dense_layers_before_the_output(network, widths):
    if widths is None:
        network = Sequential([network, Dense(2, "relu")])
        widths = [5, 4, 6, 2]
    model = fitted(network)
    found = [model.hidden_activations(X, i).shape[1] for i in range(len(widths))]
    assert found == widths
    back = [model.hidden_activations(X, -1 - i).shape[1] for i in range(len(widths))]
    assert back == widths[::-1]
    with pytest.raises(ValueError, match=f"layer must be from -{len(widths)} to"):
        model.hidden_activations(X, len(widths))


def test_before_heads():
    heads = Heads([("kind", Dense(3, "relu")), ("width", Sequential([]))])
    network = Sequential([Dense(6), Dense(5, "relu"), ("heads", heads)])
    targets = Targets(kind=y.astype(str), width=X[:, 3])
    model = NeuralNet(network, **OPTIONS).fit(X[:, :3], targets)
    assert model.hidden_activations(X[:, :3]).shape == (150, 5)
    head = model.hidden_activations(X[:, :3], "heads__kind")
    assert_array_equal(
        np.array(["0", "1", "2"])[head.argmax(axis=1)], model.predict(X[:, :3])["kind"]
    )
    with pytest.raises(ValueError, match=r"several outputs. .*\['heads__kind', "):
        model.hidden_activations(X[:, :3], "heads")


def test_parts_of_several_inputs():
    images = np.arange(150 * 6).reshape(150, 3, 2) % 7
    network = Graph(
        [
            ("pixels", Sequential([Dense(5), Flatten()]), "image"),
            ("table", Dense(4, "relu"), "flat"),
            ("both", Concatenate(), ["pixels", "table"]),
        ],
        inputs=["image", "flat"],
    )
    both = Inputs(image=images, flat=X)
    model = NeuralNetRegressor(network, **OPTIONS).fit(both, y)
    table = dense(X, weights_of(model), "graph/table", relu)
    assert_allclose(model.hidden_activations(both, "table"), table)
    # What has several axes is flattened.
    rows = model.hidden_activations(both, "pixels__dense")
    assert_array_equal(rows, model.hidden_activations(both, "pixels"))
    assert rows.shape == (150, 15)
    branches = Branches([("a", Dense(2), "flat"), ("b", Flatten(), "image")])
    model = NeuralNetRegressor(branches, **OPTIONS).fit(both, y)
    assert_array_equal(model.hidden_activations(both, "b"), images.reshape(150, 6))


def test_there_is_no_such_part():
    model = fitted(BRANCHES)
    with pytest.raises(ValueError, match=r"no part 'lefts'. Its parts are \['branches"):
        model.hidden_activations(X, "lefts")
    with pytest.raises(ValueError, match=r"no hidden layers .*Name a part .*branches"):
        model.hidden_activations(X)


def test_transformer_of_a_named_block_in_a_search():
    frame = pd.DataFrame(X, columns=list("abcd"))
    base = Sequential([Dense(8, "relu"), BatchNorm(), Dense(5, "tanh")])
    network = Sequential([("base", base)])
    features = HiddenLayerTransformer(NeuralNetClassifier(network, **OPTIONS), "base")
    model = make_pipeline(features, GaussianNB())
    grid = {
        "hiddenlayertransformer__layer": ["base", "base__dense", -1],
        "hiddenlayertransformer__estimator__network__base__dense__units": [6, 7],
    }
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(frame, y)
    assert search.predict(frame).shape == (150,)
    features.set_output(transform="pandas").fit(frame, y)
    found = pickle.loads(pickle.dumps(features)).transform(frame)
    assert list(found) == [f"hiddenlayertransformer{i}" for i in range(5)]
    prefit = HiddenLayerTransformer(features.estimator_, "base", prefit=True)
    assert_array_equal(prefit.fit(frame).transform(frame), found.to_numpy())
    with pytest.raises(ValueError, match="no part 'bass'"):
        features.set_params(layer="bass").fit(frame, y)
