"""Estimators with random parameters, most of them valid."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator

from fastnn import (
    MLPClassifier,
    MLPRegressor,
    NeuralNetClassifier,
    NeuralNetRegressor,
    callbacks,
)
from fuzz import parts
from fuzz.drawing import chance, count, number, pick

Option = Callable[[Generator], Any]


def of(*values: Any) -> Option:
    return lambda rng: pick(rng, values)


def _batch_size(rng: Generator) -> int:
    return pick(rng, (1, 2, 5, 8, 16, 32, 64, 500))


def _class_weight(rng: Generator) -> Any:
    return pick(
        rng,
        (
            *("balanced", {0: 2.0}, {0: 1, 1: 5, 2: 0.5}, {1: 0}, {"yes": 3}, {}),
            *([{0: 1, 1: 2}, {0: 1, 1: 1}], {0: 1e300}, {0: float("nan")}, {0: "a"}),
        ),
    )


SHARED: dict[str, Option] = {
    "batch_size": _batch_size,
    "shuffle": of(True, False),
    "dtype": of("float32", "float64", "float64", None),
    "n_jobs": of(1, 2, 3, 4, -1, None),
    "precision": of("bf16", "high", "tf32", None),
    "device": of("cpu", "auto"),
    "warm_start": of(True, True, False),
}

OPTIONS_OF_MLP: dict[str, Option] = {
    **SHARED,
    "activation": parts.activation,
    "alpha": of(0.0, 1e-4, 1.0, 1e3, 1e30),
    "batch_size": lambda rng: pick(rng, ("auto", _batch_size(rng))),
    "learning_rate": lambda rng: pick(
        rng, ("constant", "invscaling", "adaptive", parts.schedule(rng))
    ),
    "learning_rate_init": parts.learning_rate,
    "power_t": of(0.0, 0.5, 2.0),
    "tol": of(0.0, 1e-4, 10.0),
    "momentum": of(0.0, 0.9, 1.0),
    "nesterovs_momentum": of(True, False),
    "early_stopping": of(True, True, False),
    "validation_fraction": of(0.1, 0.5, 0.9, 0.0),
    "beta_1": of(0.0, 0.9, 0.999),
    "beta_2": of(0.0, 0.9, 0.999),
    "epsilon": of(1e-8, 1.0, 1e-300),
    "n_iter_no_change": of(1, 2, float("inf")),
    "dropout": parts.rate,
}

OPTIONS_OF_NETWORKS: dict[str, Option] = {
    **SHARED,
    "optimizer": lambda rng: pick(
        rng, (parts.optimizer(rng), pick(rng, sorted(parts.optimizers.OPTIMIZERS)))
    ),
    "schedule": parts.schedule,
    "validation": of(0.1, 0.5, 0.3),
    "early_stopping": lambda rng: callbacks.EarlyStopping(
        pick(rng, ("auto", "loss")), patience=1, restore_best=chance(rng, 0.5)
    ),
    "averaging": parts.average,
    "callbacks": lambda rng: [parts.callback(rng) for _ in range(count(rng, 1, 2))],
}


def _random_state(rng: Generator) -> Any:
    seed = count(rng, 0, 1000)
    return pick(rng, (seed, seed, seed, np.random.RandomState(seed), None, np.int64(3)))


def _drawn(rng: Generator, options: dict[str, Option], share: float) -> dict[str, Any]:
    return {name: draw(rng) for name, draw in options.items() if chance(rng, share)}


def _mlp(rng: Generator, n_features: int, classifier: bool) -> tuple[Any, str]:
    n_hidden = pick(rng, (0, 1, 1, 1, 2, 3))
    sizes: Any = tuple(count(rng, 1, 9) for _ in range(n_hidden))
    if n_hidden == 1 and chance(rng, 0.2):
        sizes = sizes[0]
    if chance(rng, 0.02):
        sizes = pick(rng, ([64, 64], np.array([3, 2]), (0,), (2**31,), "a", (1.5,)))
    parameters = {
        "hidden_layer_sizes": sizes,
        "max_iter": pick(rng, (1, 1, 2, 3)),
        "random_state": _random_state(rng),
        **_drawn(rng, OPTIONS_OF_MLP, 0.12),
    }
    if chance(rng, 0.4):
        solver = pick(rng, ("sgd", "sgd", "lbfgs", "lbfgs", parts.optimizer(rng)))
        parameters["solver"] = solver
        parameters["max_fun"] = 15
    if chance(rng, 0.1):
        parameters["activation"] = [parts.activation(rng) for _ in range(n_hidden)]
    if chance(rng, 0.05):
        parameters["dropout"] = [parts.rate(rng) for _ in range(n_hidden)]
    if parameters.get("solver") == "lbfgs" and chance(rng, 0.9):
        parameters["dropout"] = 0.0
    suited = ""
    if classifier:
        if chance(rng, 0.1):
            parameters["class_weight"] = _class_weight(rng)
        return MLPClassifier(**parameters), suited
    parameters["loss"], suited = parts.regression_loss(rng, chance(rng, 0.02))
    return MLPRegressor(**parameters), suited


def _network(rng: Generator, n_features: int, classifier: bool) -> tuple[Any, str]:
    parameters = {
        "network": parts.network(rng, n_features),
        "epochs": pick(rng, (1, 1, 2, 3)),
        "random_state": _random_state(rng),
        **_drawn(rng, OPTIONS_OF_NETWORKS, 0.15),
    }
    if "validation" in parameters and chance(rng, 0.4):
        odd = chance(rng, 0.1)
        parameters["metrics"] = [
            pick(rng, parts.ODD_METRICS if odd else parts.METRICS[classifier])
        ]
    if classifier:
        parameters["loss"] = parts.class_loss(rng)
        if chance(rng, 0.1):
            parameters["class_weight"] = _class_weight(rng)
        return NeuralNetClassifier(**parameters), ""
    parameters["loss"], suited = parts.regression_loss(rng, True)
    return NeuralNetRegressor(**parameters), suited


def estimator(rng: Generator, n_features: int) -> tuple[Any, str]:
    """An estimator, and what a regressor's targets must be for its loss."""
    make = pick(rng, (_mlp, _network))
    model, suited = make(rng, n_features, chance(rng, 0.5))
    if chance(rng, 0.05):
        set_wrong(rng, model)
    return model, suited


def set_wrong(rng: Generator, model: Any) -> None:
    """Set a parameter to something that may be none of its values."""
    names = [each for each in model.get_params(deep=False) if each not in _NOT_CHANGED]
    setattr(model, pick(rng, names), pick(rng, parts.WRONG))


# Such values print to the terminal, train for long, or ask for gigabytes.
_NOT_CHANGED = {"verbose", "epochs", "max_iter", "max_fun", "hidden_layer_sizes"}


def change(rng: Generator, model: Any) -> dict[str, Any]:
    """New parameters for ``set_params``."""
    options = OPTIONS_OF_NETWORKS if hasattr(model, "network") else OPTIONS_OF_MLP
    parameters = _drawn(rng, options, 0.1)
    nested = [name for name in model.get_params() if "__" in name]
    if nested and chance(rng, 0.3):
        name = pick(rng, sorted(nested))
        if not name.endswith("units"):
            value = model.get_params()[name]
            scaled = isinstance(value, float) and chance(rng, 0.7)
            parameters[name] = value * number(rng, 0.5, 1) if scaled else value
            if chance(rng, 0.15):
                parameters[name] = pick(rng, parts.WRONG)
    if chance(rng, 0.05):
        parameters[pick(rng, ("loss__power", "typo", "network__0", "_fitted"))] = 1
    return parameters
