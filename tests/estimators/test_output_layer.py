"""What the layers at the end of a user's network mean."""

import numpy as np
import pytest

from fastnn import NeuralNetClassifier, NeuralNetRegressor, Sequential
from fastnn.layers import (
    ELU,
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    LeakyReLU,
    PReLU,
)
from fastnn.losses import CustomLoss, LogLoss, SoftCrossEntropy

rng = np.random.default_rng(1)
X = rng.normal(size=(120, 4))
numbers = 1 / (1 + np.exp(-4 * X[:, 0]))
two = np.column_stack([numbers, 1 - numbers])
binary = (X[:, 0] > 0).astype(int)
three = np.digitize(X[:, 0], [-0.5, 0.5])
inf = np.inf


def net(*layers, Estimator=NeuralNetRegressor, **params):
    params = {"epochs": 5, "random_state": 0} | params
    return Estimator(Sequential([Dense(8, "relu"), *layers]), **params)


@pytest.mark.parametrize("loss", ["squared_error", "huber", "absolute_error"])
@pytest.mark.parametrize("y", [numbers, two], ids=["one", "two"])
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        *(("sigmoid", 0, 1), ("relu", 0, inf), ("softplus", 0, inf), ("tanh", -1, 1)),
        *(("softmax", 0, 1), ("exponential", 0, inf), ("hard_sigmoid", 0, 1)),
    ],
)
def test_a_regressor_keeps_the_activation_of_its_outputs(name, low, high, y, loss):
    n_outputs = 1 if y.ndim == 1 else 2
    model = net(Dense(n_outputs, name), loss=loss).fit(X, y)
    assert len(model.coefs_) == 2
    predictions = model.predict(X * 6)
    assert low <= predictions.min()
    assert predictions.max() <= high
    apart = net(Dense(n_outputs), Activation(name), loss=loss).fit(X, y)
    np.testing.assert_array_equal(predictions, apart.predict(X * 6))
    assert apart.history_["loss"][-1] == model.history_["loss"][-1]


def test_the_loss_is_taken_of_what_the_activation_makes():
    def half_square(y, z):
        return ((z - y) ** 2).sum(axis=1) / 2, z - y

    models = [
        net(Dense(1, "sigmoid"), loss=loss, validation=0.25).fit(X, numbers)
        for loss in ("squared_error", CustomLoss(half_square))
    ]
    np.testing.assert_allclose(*(model.predict(X) for model in models), rtol=1e-4)
    error = models[0].predict(X) - numbers
    assert np.mean(error**2) / 2 == pytest.approx(models[0].loss_curve_[-1], rel=0.3)


@pytest.mark.parametrize("end", [LeakyReLU(0.0), ELU(), PReLU()], ids=str)
def test_layers_that_are_activations(end):
    model = net(Dense(1), BatchNorm(), end).fit(X, numbers)
    assert len(model.coefs_) == 2
    if isinstance(end, LeakyReLU):
        assert model.predict(X).min() >= 0


@pytest.mark.parametrize(
    ("layers", "shapes"),
    [
        ([Dense(3, "sigmoid")], [(4, 8), (8, 3), (3, 1)]),
        ([Dense(3), Activation("exponential")], [(4, 8), (8, 3), (3, 1)]),
        ([Dense(1, "relu"), Dropout(0.1)], [(4, 8), (8, 1), (1, 1)]),
        ([Dense(1)], [(4, 8), (8, 1)]),
    ],
)
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_other_layers_are_hidden(layers, shapes, loss):
    model = net(*layers, loss=loss).fit(X, numbers)
    assert [kernel.shape for kernel in model.coefs_] == shapes


@pytest.mark.parametrize(
    ("loss", "y", "link"),
    [
        ("poisson", numbers, "exponential"),
        ("gamma", numbers, "exponential"),
        ("tweedie", numbers, "exponential"),
        (LogLoss(), numbers, "sigmoid"),
        (SoftCrossEntropy(), two, "softmax"),
    ],
    ids=str,
)
def test_losses_with_a_link_of_their_own(loss, y, link):
    units = 1 if y.ndim == 1 else 2
    plain = net(Dense(units), loss=loss).fit(X, y)
    for end in ([Dense(units, link)], [Dense(units), Activation(link)]):
        model = net(*end, loss=loss).fit(X, y)
        np.testing.assert_array_equal(model.predict(X), plain.predict(X))
    for end in ([Dense(units, "softplus")], [Dense(units), ELU()]):
        with pytest.raises(ValueError, match=r"ends in (softplus|ELU).* loss asks for"):
            net(*end, loss=loss).fit(X, y)


@pytest.mark.parametrize(
    ("layers", "y", "message"),
    [
        ([Dense(1, "tanh")], binary, "ends in tanh .* the loss asks for logistic"),
        ([Dense(1), Activation("relu")], binary, "ends in relu .* asks for logistic"),
        ([Dense(3, "sigmoid")], three, "ends in logistic .* asks for softmax"),
    ],
)
def test_outputs_of_a_classifier_that_contradict_the_loss(layers, y, message):
    with pytest.raises(ValueError, match=message):
        net(*layers, Estimator=NeuralNetClassifier).fit(X, y)


@pytest.mark.parametrize(
    ("layers", "y", "shapes"),
    [
        ([Dense(3, "relu")], three, [(4, 8), (8, 3), (3, 3)]),
        ([Dense(5), Activation("sigmoid")], binary, [(4, 8), (8, 5), (5, 1)]),
        ([Dense(3), BatchNorm(), Activation("softmax")], three, [(4, 8), (8, 3)]),
        ([Dense(3, "relu"), Activation("softmax")], three, [(4, 8), (8, 3)]),
        ([Dense(1), Activation("sigmoid")], binary, [(4, 8), (8, 1)]),
    ],
)
def test_the_network_of_a_classifier(layers, y, shapes):
    model = net(*layers, Estimator=NeuralNetClassifier).fit(X, y)
    assert [kernel.shape for kernel in model.coefs_] == shapes


def test_a_hidden_activation_of_the_links_name_stays():
    models = [
        net(*layers, Estimator=NeuralNetClassifier).fit(X, binary)
        for layers in ([Dense(5), Activation("sigmoid")], [Dense(5, "sigmoid")])
    ]
    np.testing.assert_array_equal(*(model.predict_proba(X) for model in models))


@pytest.mark.parametrize("Estimator", [NeuralNetClassifier, NeuralNetRegressor])
@pytest.mark.parametrize(
    ("last", "name"),
    [
        (lambda: Dense(1, ["relu"]), "activation"),
        (lambda: Dense(np.array([1.0, 2.0])), "units"),
        (lambda: Dense({}, "softmax"), "units"),
        (lambda: Activation({}), "activation"),
        (lambda: LeakyReLU([]), "negative_slope"),
    ],
)
def test_wrong_values_of_the_last_layer_are_named(Estimator, last, name):
    with pytest.raises(ValueError, match=f"'{name}' parameter of"):
        net(last(), Estimator=Estimator).fit(X, binary)
