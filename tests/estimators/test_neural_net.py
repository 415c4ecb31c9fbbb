"""The estimators of any network: their parts, their history, and what they add."""

import inspect
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_regression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import (
    MLPClassifier,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
)
from fastnn.averaging import SWA
from fastnn.callbacks import Callback
from fastnn.initializers import GlorotUniform
from fastnn.layers import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    RMSNorm,
)
from fastnn.losses import (
    CrossEntropy,
)
from fastnn.optimizers import OPTIMIZERS, SGD, Adam
from fastnn.schedules import StepDecay

X, y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
binary = np.where(y == 0, "no", "yes")
labels = np.column_stack([y == 0, y != 1]).astype(int)
X_numbers, numbers = make_regression(120, 5, noise=0.1, random_state=0)
numbers = numbers / 100
both = pytest.mark.parametrize("Estimator", [NeuralNetClassifier, NeuralNetRegressor])


def net(*layers, Estimator=NeuralNetClassifier, **params):
    params = {"epochs": 20, "random_state": 0, "batch_size": 16} | params
    return Estimator(Sequential(list(layers)) if layers else None, **params)


def shapes(model):
    return [kernel.shape for kernel in model.coefs_]


# ------------------------------------------------------------------- output layers


@pytest.mark.parametrize(
    ("layers", "target", "expected"),
    [
        ([], y, [(4, 100), (100, 3)]),
        ([Dense(8, "relu")], y, [(4, 8), (8, 3)]),
        ([Dense(8, "relu")], binary, [(4, 8), (8, 1)]),
        ([Dense(8, "relu"), Dropout(0.1)], labels, [(4, 8), (8, 2)]),
        ([Dense(8, "relu"), Dense(3)], y, [(4, 8), (8, 3)]),
        ([Dense(8, "relu"), Dense(3, "softmax")], y, [(4, 8), (8, 3)]),
        ([Dense(8, "relu"), Dense(3), Activation("softmax")], y, [(4, 8), (8, 3)]),
        ([Dense(8, "relu"), Dense(1, "sigmoid")], binary, [(4, 8), (8, 1)]),
        ([Dense(8, "relu"), Dense(2, "softmax")], binary, [(4, 8), (8, 2)]),
        ([Dense(2, "sigmoid")], labels, [(4, 2)]),
        ([Dense(8, "sigmoid")], binary, [(4, 8), (8, 1)]),
        ([Dropout(0.1)], y, [(4, 3)]),
    ],
)
def test_the_output_layer(layers, target, expected):
    model = net(*layers, epochs=2).fit(X, target)
    assert shapes(model) == expected
    probabilities = model.predict_proba(X)
    assert probabilities.shape == (
        150,
        len(np.unique(target)) if target.ndim == 1 else 2,
    )
    if target.ndim == 1:
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_an_output_layer_of_ones_own_is_no_other_network():
    own = net(Dense(8, "relu"), Dense(3, "softmax")).fit(X, y)
    added = net(Dense(8, "relu")).fit(X, y)
    assert own.history_["loss"] == added.history_["loss"]
    np.testing.assert_array_equal(own.predict_proba(X), added.predict_proba(X))


@pytest.mark.parametrize(
    ("layers", "target", "message"),
    [
        ([Dense(10)], y, "'dense', has 10 units and is linear.* ask for 3 outputs"),
        ([Dense(9, "softmax")], y, "has 9 units and is softmax"),
        ([Dense(2, "softmax")], labels, r"one-hot, pass .* y.argmax\(axis=1\)"),
        ([Dense(2, "softmax")], y, "has 2 units and is softmax.*ask for 3 outputs"),
        ([("top", Dense(2))], binary, "'top', has 2 units.*ask for one output"),
    ],
)
def test_output_layers_that_do_not_fit(layers, target, message):
    with pytest.raises(ValueError, match=message):
        net(*layers).fit(X, target)


def test_a_shared_output_layer():
    layer = Dense(4)
    model = net(layer, Activation("tanh"), layer, Estimator=NeuralNetRegressor)
    model.fit(X, np.column_stack([y, y, y, y]))
    assert shapes(model) == [(4, 4)]
    layer = Dense(3, "softmax")
    with pytest.raises(ValueError, match="stands elsewhere in the network too"):
        net(Dense(3), layer, layer).fit(X, y)


# ------------------------------------------------------------------- descriptions


def test_a_dense_network_is_the_perceptron():
    glorot = GlorotUniform()

    def dense(*args):
        return Dense(*args, kernel_initializer=glorot, bias_initializer=glorot)

    layers = [dense(12, "relu"), Dropout(0.25), dense(8, "tanh"), dense(3)]
    options = {"batch_size": 16, "random_state": 0, "dtype": "float64"}
    model = net(*layers, optimizer=SGD(0.05), epochs=7, **options).fit(X, y)
    twin = MLPClassifier(
        (12, 8), ["relu", "tanh"], dropout=[0.25, 0.0], solver=SGD(0.05),
        alpha=0.0, max_iter=7, n_iter_no_change=7, **options,
    )  # fmt: skip
    with pytest.warns(match="Maximum iterations"):
        twin.fit(X, y)
    assert model.history_["loss"] == twin.loss_curve_
    for ours, theirs in zip(model.coefs_, twin.coefs_, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@both
def test_defaults_are_no_objects(Estimator):
    for name, parameter in inspect.signature(Estimator).parameters.items():
        assert parameter.default is None or isinstance(
            parameter.default, (str, int, float, bool, tuple)
        ), name


def test_parameters_of_all_parts():
    model = NeuralNetClassifier(
        Sequential([Dense(8, "relu"), Dropout(0.5)]),
        optimizer=Adam(0.01),
        schedule=StepDecay(3),
        loss=CrossEntropy(),
    )
    params = model.get_params()
    for name in (
        "network__dropout__rate",
        "network__dense__units",
        "optimizer__learning_rate",
        "schedule__epochs",
        "loss__label_smoothing",
    ):
        assert name in params
    twin = clone(model).set_params(network__dropout__rate=0.1, optimizer__beta_1=0.5)
    assert model.network.layers[1].rate == 0.5
    assert twin.network.layers[1].rate == 0.1
    assert (model.optimizer.beta_1, twin.optimizer.beta_1) == (0.9, 0.5)
    assert "Dropout(rate=0.1)" in repr(twin)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_name_of_an_optimizer_has_options(name):
    model = net(optimizer=name, epochs=3).set_params(optimizer__learning_rate=0.02)
    assert type(model.optimizer) is OPTIMIZERS[name]
    model.fit(X, y)
    assert model.history_["learning_rate"] == [0.02] * 3
    assert np.isfinite(model.history_["loss"]).all()


def test_grid_search_reaches_inside():
    model = make_pipeline(StandardScaler(), net(Dense(8, "relu"), Dropout(0.5)))
    grid = {
        "neuralnetclassifier__network__dropout__rate": [0.0, 0.9],
        "neuralnetclassifier__optimizer__learning_rate": [1e-5, 1e-2],
    }
    search = GridSearchCV(model, grid, cv=3).fit(X, y)
    assert search.best_params_["neuralnetclassifier__optimizer__learning_rate"] == 1e-2
    assert search.best_score_ > 0.8


def test_fit_changes_no_description():
    network = Sequential([Dense(8, "relu"), Dense(3, "softmax")])
    model = net(epochs=2).set_params(network=network, optimizer=Adam(0.01))
    before = repr(model)
    model.fit(X, y)
    assert repr(model) == before
    network.layers[0].units = 50
    assert shapes(pickle.loads(pickle.dumps(model))) == [(4, 8), (8, 3)]


# ------------------------------------------------------------------- normalisation


@pytest.mark.parametrize("norm", [BatchNorm, LayerNorm, RMSNorm])
def test_normalised_networks(norm):
    model = net(Dense(16), norm(), Activation("relu"), norm(affine=False), epochs=30)
    assert model.fit(X, y).score(X, y) > 0.9
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(twin.predict_proba(X), model.predict_proba(X))
    # What is predicted for a sample does not depend on its neighbours.
    np.testing.assert_allclose(
        model.predict_proba(X[:1]), model.predict_proba(X)[:1], rtol=1e-5
    )


def test_statistics_of_averaged_weights():
    """Those that the averaged network has over the training data, not an average."""
    layers = [Dense(8, "tanh"), BatchNorm(), Dense(8, "tanh")]
    options = {"optimizer": SGD(0.5), "dtype": "float64", "epochs": 6}
    model = net(*layers, averaging=SWA(0.3), batch_size=150, **options).fit(X, y)
    hidden = np.tanh(X @ model.coefs_[0] + model.intercepts_[0])
    mean, variance = (
        view
        for parameter, view in zip(
            model._fitted.plan.parameters,
            model._fitted.plan.views(model._fitted.parameters),
            strict=True,
        )
        if "running" in parameter.name
    )
    np.testing.assert_allclose(mean, hidden.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(variance, hidden.var(axis=0, ddof=1), rtol=1e-9)


def test_layers_without_a_bias():
    model = net(Dense(8, "relu", use_bias=False), Dense(3)).fit(X, y)
    assert shapes(model) == [(4, 8), (8, 3)]
    assert [bias.shape for bias in model.intercepts_] == [(3,)]
    hidden = np.maximum(X @ model.coefs_[0], 0)
    z = hidden @ model.coefs_[1] + model.intercepts_[0]
    np.testing.assert_array_equal(model.predict(X), z.argmax(axis=1))


def test_names_of_features():
    frame = pd.DataFrame(X, columns=list("abcd"))
    recorded = []

    class Save(Callback):
        def on_epoch_end(self, run):
            recorded.append(run.estimator())

    model = net(metrics=["accuracy"], validation=0.2, callbacks=[Save()], epochs=2)
    model.fit(frame, binary)
    assert list(model.feature_names_in_) == list("abcd")
    np.testing.assert_array_equal(recorded[-1].predict(frame), model.predict(frame))
    assert model.history_["validation_accuracy"] == model.validation_scores_
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["b", "a", "c", "d"]])


def test_representations():
    model = net(Dense(8, "relu"), ("half", Dropout(0.5)), optimizer=Adam(0.01))
    for each in (model, model.network, clone(model).fit(X, y)):
        assert "half" in each._repr_html_()
        assert "half" in repr(each)
