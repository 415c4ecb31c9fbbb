"""Options of parts that are given by a name."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from fastnn import (
    MLPClassifier,
    MLPRegressor,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Residual,
    Sequential,
)
from fastnn.layers import Dense, PReLU
from fastnn.losses import Huber, SquaredError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(40, 3))
y = X[:, 0]
network = Sequential(
    [Dense(4, "relu", kernel_initializer="truncated_normal", kernel_regularizer="l2")]
)


@pytest.mark.parametrize(
    ("model", "option", "value"),
    [
        (NeuralNetRegressor(loss="huber", epochs=1), "loss__delta", 0.1),
        (MLPRegressor(loss="huber", max_iter=1), "loss__delta", 0.1),
        (MLPRegressor(loss="quantile", max_iter=1), "loss__quantile", 0.9),
        (NeuralNetRegressor(optimizer="sgd", epochs=1), "optimizer__momentum", 0.5),
        (NeuralNetClassifier(epochs=1), "optimizer__beta_1", 0.5),
        (
            NeuralNetRegressor(network, epochs=1),
            "network__dense__kernel_regularizer__l2",
            0.5,
        ),
        (
            NeuralNetRegressor(network, epochs=1),
            "network__dense__kernel_initializer__std",
            0.5,
        ),
    ],
)
def test_an_option_of_a_name_makes_it_an_object(model, option, value):
    target = y > 0 if isinstance(model, NeuralNetClassifier) else y
    search = GridSearchCV(model, {option: [value]}, cv=2).fit(X, target)
    assert search.best_estimator_.get_params()[option] == value
    assert option not in model.get_params()  # nothing has been changed in place


def test_name_and_option_in_one_call():
    model = NeuralNetRegressor().set_params(loss__delta=0.5, loss="huber")
    assert isinstance(model.loss, Huber)
    assert model.loss.delta == 0.5
    model.set_params(loss="squared_error")
    assert model.loss == "squared_error"
    assert PReLU("truncated_normal").set_params(
        slope_initializer__std=0.5
    ).slope_initializer.std == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("model", "params", "message"),
    [
        (NeuralNetClassifier(), {"loss__gamma": 1}, r"LogLoss\(\) or CrossEntropy\(\)"),
        (
            NeuralNetClassifier(loss="focal"),
            {"loss__gamma": 1},
            r"loss='focal' means BinaryFocal\(\) or Focal\(\)",
        ),
        (NeuralNetClassifier(loss="focl"), {"loss__gamma": 1}, "loss must be .*'focl'"),
        (NeuralNetRegressor(), {"loss": "hubr", "loss__delta": 1}, "got 'hubr'"),
        (NeuralNetRegressor(), {"loss__delta": 1}, "Invalid parameter 'delta'"),
        (NeuralNetRegressor(optimizer="adm"), {"optimizer__beta_1": 0}, "got 'adm'"),
        (NeuralNetRegressor(), {"schedule__factor": 1}, "schedule=None, which has no"),
        (NeuralNetRegressor(), {"network__dense__units": 1}, "network=None, which has"),
        (
            MLPRegressor(),
            {"solver__beta_1": 0.5},
            "solver='adam', which has no options",
        ),
        (
            MLPRegressor(),
            {"learning_rate__power": 1},
            "learning_rate='constant', which",
        ),
        (MLPRegressor(), {"activation__alpha": 1}, "activation='relu', which has no"),
        (MLPClassifier(), {"loss__gamma": 1}, "Invalid parameter 'loss'"),
        (Dense(3), {"kernel_regularizer__l2": 1}, "kernel_regularizer=None, which"),
        (Dense(3), {"activation__alpha": 1}, "activation='identity', which"),
        (
            Dense(3, kernel_initializer="glrot"),
            {"kernel_initializer__std": 1},
            "an initializer must be one of .* got 'glrot'",
        ),
        (
            Dense(3, kernel_regularizer="l3"),
            {"kernel_regularizer__l2": 1},
            "a regularizer must be one of .* got 'l3'",
        ),
        (
            Sequential([("a", Dense(3))]),
            {"a": 3, "a__units": 4},
            "a__units sets the option 'units' of a=3, which has no options",
        ),
        (Residual(Dense(3)), {"part": 3, "part__units": 4}, "part=3, which has no"),
        (
            NeuralNetClassifier(Sequential([("a", Dense(3))])),
            {"network__a": Dense, "network__a__units": 4},
            "a__units sets .*Dense'>, which has no options",
        ),
    ],
)
def test_what_has_no_options_is_named(model, params, message):
    with pytest.raises(ValueError, match=message):
        model.set_params(**params)


def test_a_network_stays_where_one_of_its_parameters_is_refused():
    stack = Sequential([("a", Dense(3)), ("b", Dense(4))])
    with pytest.raises(ValueError, match="of b=None"):
        stack.set_params(a=Dense(5), b=None, b__units=2)
    assert [layer.units for _, layer in stack.layers] == [3, 4]


def test_the_default_of_a_regressor_is_one_loss():
    model = NeuralNetRegressor()
    assert type(model._loss_of_name(model.loss)) is SquaredError
