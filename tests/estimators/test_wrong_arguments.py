"""A wrong value of any argument of any part of a network is named by fit."""

import inspect
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from pairs import in_turn
from sklearn.datasets import load_iris

from fastnn import (
    Graph,
    MLPClassifier,
    MLPRegressor,
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
from fastnn.layers import LSTM, Dense, Flatten, GlobalAveragePooling1D, Reshape

X, y = load_iris(return_X_y=True)
X = X.round().astype(int)  # embeddings read it as tokens


def network_of(layer):
    name = type(layer).__name__
    if name == "Embedding":
        return {"network": Sequential([layer, GlobalAveragePooling1D()])}
    if name.endswith("1D") or name == "Masking":
        last = GlobalAveragePooling1D() if name == "Masking" else Flatten()
        return {"network": Sequential([Reshape((4, 1)), layer, last])}
    if name.endswith("1D") or name in ("MultiHeadAttention", "PositionEmbedding"):
        return {"network": Sequential([Reshape((4, 1)), layer, Flatten()])}
    if name in ("LSTM", "GRU", "SimpleRNN", "Bidirectional"):
        return {"network": Sequential([Reshape((4, 1)), layer])}
    if name.endswith(("2D", "2DTranspose")) or name.startswith(("Random", "Permute")):
        return {"network": Sequential([Reshape((2, 2, 1)), layer, Flatten()])}
    if not layer.many_inputs:
        return {"network": Sequential([layer])}
    nodes = [("hidden", Dense(4, "relu"), "x"), ("both", layer, ["x", "hidden"])]
    return {"network": Graph(nodes)}


# Where a part of each package goes.
USES = {
    layers: network_of,
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
    "scale": 0.5,
    "target_shape": (4,),
    "filters": 2,
    "kernel_size": 1,
    "dims": (2, 1, 3),
    "height": 1,
    "width": 1,
    "height_factor": 0.5,
    "width_factor": 0.5,
    "factor": 0.5,
    "input_dim": 9,
    "output_dim": 2,
    "num_heads": 2,
    "key_dim": 3,
    "max_length": 4,
    "layer": LSTM(2),
}
# Arguments that may be any number.
ANY_NUMBER = "value", "mean", "scale", "offset", "fill_value", "low", "mask_value"

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
                    yield use, description, argument


@in_turn(part=parts(), wrong=["typo", -3.5, float("nan"), object()])
def test_a_wrong_value_is_named(part, wrong):
    use, description, argument = part
    if argument == "path" and wrong == "typo":
        pytest.skip("is a valid path")
    if argument in ANY_NUMBER and wrong == -3.5:
        pytest.skip("is a valid value")
    if argument == "mask_value" and isinstance(wrong, float):
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


# ----------------------------------------------------------------- numbers of all kinds


def numbers():
    """Arguments that are a number, with one that is valid."""
    given = {"clip_norm": 1.0, "clip_value": 0.5, "patience": 2, "min_delta": 0.25}
    for use, description, argument in parts():
        default = inspect.signature(description).parameters[argument].default
        value = VALID.get(argument) if default is inspect.Parameter.empty else default
        value = given.get(argument, value) if value is None else value
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield use, description, argument, value


def kinds_of(value):
    if isinstance(value, int):
        return [np.int8(value), np.int64(value) if value < 0 else np.uint64(value)]
    return [np.float16(value), np.float32(value), np.longdouble(value)]


def fitted_with(use, description, argument, value):
    options = {
        name: VALID[name]
        for name, option in inspect.signature(description).parameters.items()
        if option.default is option.empty
    }
    part = description(**{**options, argument: value})
    Estimator, target = NeuralNetClassifier, y
    if description.__module__ in ("fastnn.losses.regression", "fastnn.losses.custom"):
        Estimator, target = NeuralNetRegressor, y + 1.0
    elif description.__module__ == "fastnn.losses.binary":
        target = y == 0
    elif description in (losses.SoftCrossEntropy, losses.KLDivergence):
        Estimator, target = NeuralNetRegressor, np.eye(3)[y]
    model = Estimator(epochs=2, random_state=0, **use(part)).fit(X, target)
    return np.concatenate([kernel.ravel() for kernel in model.coefs_])


# Which of the kinds: the first is there of all numbers, the last of fractions.
@in_turn(number=numbers(), kinds=[slice(0, 1), slice(1, 2), slice(-1, None)])
def test_numbers_of_numpy_are_numbers(number, kinds):
    use, description, argument, value = number
    for kind in kinds_of(value)[kinds]:
        plain = int(kind) if isinstance(kind, np.integer) else float(kind)
        if argument == "epsilon" and not plain:
            continue  # too small for half precision
        np.testing.assert_array_equal(
            fitted_with(use, description, argument, kind),
            fitted_with(use, description, argument, plain),
        )


@in_turn(number=numbers(), wrong=[np.float32("nan"), np.datetime64("2020-01-01")])
def test_scalars_of_numpy_are_checked(number, wrong):
    use, description, argument, _ = number
    if argument == "mask_value" and isinstance(wrong, np.floating):
        pytest.skip("is a valid value")
    with pytest.raises((ValueError, TypeError), match=argument):
        fitted_with(use, description, argument, wrong)


NO_NUMBERS = [10**400, np.array(1.0), Fraction(1, 2), Decimal("0.5"), 1j, -(2**70)]


@in_turn(number=numbers(), wrong=[*NO_NUMBERS, True])
def test_what_are_no_numbers_is_named(number, wrong):
    use, description, argument, value = number
    is_integer = isinstance(wrong, int) and not isinstance(wrong, bool)
    if is_integer and (isinstance(value, int) or argument in ANY_NUMBER):
        pytest.skip("is a valid value")
    with pytest.raises((ValueError, TypeError), match=argument):
        fitted_with(use, description, argument, wrong)


def parameters_that_are_no_booleans():
    for Estimator in (MLPClassifier, MLPRegressor, NeuralNetClassifier):
        for name, allowed in Estimator._parameter_constraints.items():
            if not {"boolean", "verbose", "random_state", "no_validation"} & {
                each for each in allowed if isinstance(each, str)
            }:
                yield pytest.param(Estimator, name, id=f"{Estimator.__name__}-{name}")


@pytest.mark.parametrize(("Estimator", "name"), list(parameters_that_are_no_booleans()))
def test_booleans_are_no_numbers(Estimator, name):
    with pytest.raises((ValueError, TypeError), match=name):
        Estimator(**{name: True}).fit(X, y)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("averaging", averaging.SWA(period=2**70)),
        ("schedule", schedules.CosineDecayRestarts(multiplier=2**70)),
        ("schedule", schedules.LinearWarmup(epochs=1e308)),
        ("schedule", schedules.InverseScaling(2**70)),
        ("early_stopping", callbacks.EarlyStopping(patience=2**70)),
    ],
    ids=str,
)
def test_huge_numbers_are_the_end_of_a_range(argument, value):
    NeuralNetClassifier(epochs=2, **{argument: value}).fit(X, y)


MLP_NUMBERS = {
    "hidden_layer_sizes": 5, "dropout": 0.3, "alpha": 0.1, "batch_size": 20,
    "learning_rate_init": 0.01, "power_t": 0.3, "max_iter": 3, "tol": 0.1,
    "momentum": 0.8, "validation_fraction": 0.2, "beta_1": 0.8, "beta_2": 0.9,
    "epsilon": 1e-3, "n_iter_no_change": 3, "max_fun": 3, "n_jobs": 2,
}  # fmt: skip


def mlp_with(argument, value):
    needs = {
        "momentum": {"solver": "sgd"},
        "power_t": {"solver": "sgd", "learning_rate": "invscaling"},
        "validation_fraction": {"early_stopping": True},
        "max_fun": {"solver": "lbfgs"},
    }
    params = {"hidden_layer_sizes": (5,), "max_iter": 3, "random_state": 0}
    model = MLPRegressor(**params | needs.get(argument, {}) | {argument: value})
    return model.fit(X, y + 1.0).coefs_[0]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("argument", "value"), MLP_NUMBERS.items())
def test_numbers_of_a_perceptron(argument, value):
    for number in kinds_of(value):
        plain = int(number) if isinstance(number, np.integer) else float(number)
        np.testing.assert_array_equal(
            mlp_with(argument, number), mlp_with(argument, plain)
        )
    for wrong in (np.array(value), Fraction(1, 3), 1j, "3"):
        with pytest.raises((ValueError, TypeError), match=argument):
            mlp_with(argument, wrong)
    if isinstance(value, float):
        with pytest.raises(ValueError, match=argument):
            mlp_with(argument, 10**400)


@pytest.mark.parametrize("units", [2**31, 2**62, 10**30])
def test_layers_that_no_machine_holds(units):
    for sizes in (units, (units,), (5, units)):
        with pytest.raises(
            ValueError, match="hidden_layer_sizes must be at most 2147483"
        ):
            MLPRegressor(hidden_layer_sizes=sizes).fit(X, y)
    with pytest.raises(ValueError, match="'units' parameter of Dense"):
        NeuralNetRegressor(Sequential([Dense(units, "relu")])).fit(X, y)
    with pytest.raises(ValueError, match=r"no memory holds .*hidden_layer_sizes"):
        MLPRegressor(hidden_layer_sizes=(2**31 - 1,) * 3).fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_large_power_ends_the_learning_rate():
    assert np.isfinite(mlp_with("power_t", 1e308)).all()


def test_scalars_of_numpy_are_checked_where_training_goes_on():
    model = NeuralNetClassifier(optimizer=optimizers.Adam(), epochs=1).fit(X, y)
    model.set_params(optimizer__learning_rate=np.float32("nan"))
    with pytest.raises(ValueError, match="'learning_rate' parameter of Adam"):
        model.partial_fit(X, y)
