"""A wrong value of any argument of any part of a network is named by fit."""

import inspect

import numpy as np
import pytest
from sklearn.datasets import load_iris

from fastnn import (
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
    averaging,
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    optimizers,
    regularizers,
    schedules,
)
from fastnn.layers import Dense

X, y = load_iris(return_X_y=True)

# Where a part of each package goes.
USES = {
    layers: lambda part: {"network": Sequential([part])},
    callbacks: lambda part: {"callbacks": [part]},
    averaging: lambda part: {"averaging": part},
    optimizers: lambda part: {"optimizer": part},
    schedules: lambda part: {"schedule": part},
    losses: lambda part: {"loss": part},
    regularizers: lambda part: {
        "network": Sequential([Dense(3, "relu", kernel_regularizer=part)])
    },
    constraints: lambda part: {
        "network": Sequential([Dense(3, "relu", kernel_constraint=part)])
    },
    initializers: lambda part: {
        "network": Sequential([Dense(3, "relu", kernel_initializer=part)])
    },
}

# Values of arguments that have no default.
VALID = {
    "units": 3,
    "rate": 0.1,
    "stddev": 0.1,
    "activation": "relu",
    "path": "unused",
    "function": lambda target, z: (z.sum(axis=1), z),
    "value": 0.5,
    "values": np.ones((4, 3)),
}

# Base classes, what is made by the estimators, and what is no part of a fit.
LEFT_OUT = {
    *(callbacks.Run, callbacks.LearningRateDisplay, callbacks.LearningRateFinder),
    *(losses.CrossEntropies, regularizers.SklearnL2, losses.ElementwiseLoss),
}


def parts():
    for package, use in USES.items():
        for description in vars(package).values():
            if (
                inspect.isclass(description)
                and description.__module__.startswith(package.__name__)
                and not inspect.isabstract(description)
                and description not in LEFT_OUT
            ):
                for argument in inspect.signature(description).parameters:
                    yield pytest.param(
                        use, description, argument,
                        id=f"{description.__name__}-{argument}",
                    )  # fmt: skip


@pytest.mark.parametrize("wrong", ["typo", -3.5, float("nan"), object()], ids=str)
@pytest.mark.parametrize(("use", "description", "argument"), list(parts()))
def test_a_wrong_value_is_named(use, description, argument, wrong):
    if argument == "path" and wrong == "typo":
        pytest.skip("is a valid path")
    if argument in ("value", "mean") and wrong == -3.5:
        pytest.skip("is a valid value")
    options = {
        name: VALID[name]
        for name, option in inspect.signature(description).parameters.items()
        if option.default is option.empty
    }
    part = description(**{**options, argument: wrong})
    Estimator, target = NeuralNetClassifier, y
    if description.__module__ in ("fastnn.losses.regression", "fastnn.losses.custom"):
        Estimator = NeuralNetRegressor
    elif description.__module__ == "fastnn.losses.binary":
        target = y == 0
    elif description in (losses.SoftCrossEntropy, losses.KLDivergence):
        Estimator, target = NeuralNetRegressor, np.eye(3)[y]
    with pytest.raises((ValueError, TypeError), match=argument):
        Estimator(epochs=1, **use(part)).fit(X, target)


def test_the_list_is_long():
    assert len(list(parts())) > 80
