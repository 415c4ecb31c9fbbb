"""Layers, losses, optimizers and the other parts of networks, with random options."""

from copy import deepcopy
from typing import Any

import numpy as np
from numpy.random import Generator

from fastnn import (
    Branches,
    Graph,
    Heads,
    Residual,
    Sequential,
    averaging,
    callbacks,
    layers,
    losses,
    optimizers,
    schedules,
)
from fuzz.drawing import chance, count, number, pick
from fuzz.options import (
    activation,
    constraint,
    initializer,
    learning_rate,
    rate,
    regularizer,
)
from fuzz.places import layer_of_places, of_places

WRONG = (
    *(None, "typo", -1, 0, 2.5, float("nan"), float("inf"), -float("inf"), [], {}, ""),
    *(True, 1j, b"x", 10**30, 1e-320, 1e308, object, np.array([1.0, 2.0]), np.int8(3)),
    *(
        np.float16(0.5),
        np.str_("adam"),
        [None],
        (1, 2, 3),
        [0.5, "a"],
        [[0.5], [0.1, 0.2]],
        np.datetime64("2020-01-01"),
    ),
)


class OwnError(RuntimeError):
    """What functions of the user's raise."""


def dense(rng: Generator, n_inputs: int | None = None) -> layers.Dense:
    units = count(rng, 1, 9)
    options: dict[str, Any] = {}
    if chance(rng, 0.15):
        options["use_bias"] = False
    if chance(rng, 0.25):
        shape = None if n_inputs is None else (n_inputs, units)
        options["kernel_initializer"] = initializer(rng, shape)
    if chance(rng, 0.1):
        options["bias_initializer"] = initializer(rng, (units,))
    if chance(rng, 0.15):
        options["kernel_regularizer"] = regularizer(rng)
    if chance(rng, 0.08):
        options["bias_regularizer"] = regularizer(rng)
    if chance(rng, 0.12):
        options["kernel_constraint"] = constraint(rng)
    return layers.Dense(units, activation(rng), **options)


def other_layer(rng: Generator) -> layers.Layer:
    makers = (
        lambda: layers.Activation(activation(rng)),
        lambda: layers.LeakyReLU(pick(rng, (0.0, 0.01, 1.0, 3.0))),
        lambda: layers.ELU(pick(rng, (0.0, 1.0, 0.3))),
        lambda: layers.PReLU(initializer(rng), shared=chance(rng, 0.5)),
        lambda: layers.Dropout(rate(rng)),
        lambda: layers.AlphaDropout(rate(rng)),
        lambda: layers.GaussianNoise(pick(rng, (0.0, 0.1, 10.0))),
        lambda: layers.BatchNorm(
            pick(rng, (0.1, 0.01, 1.0)), pick(rng, (1e-5, 1e-2)), chance(rng, 0.7)
        ),
        lambda: layers.LayerNorm(pick(rng, (1e-5, 1.0)), chance(rng, 0.7)),
        lambda: layers.RMSNorm(pick(rng, (1e-6, 1.0)), chance(rng, 0.7)),
        lambda: layers.BatchNorm(),
        lambda: layers.Rescaling(pick(rng, (0.1, -2.0, 1e6)), pick(rng, (0.0, 0.5))),
        lambda: layers.Reshape(pick(rng, ((-1,), (1, -1), [-1, 1], (2, -1)))),
        lambda: layers.Flatten(),
        lambda: layer_of_places(rng),
    )
    return pick(rng, makers)()


def network(rng: Generator, n_inputs: int) -> Sequential | None:
    if chance(rng, 0.03):
        return None
    parts: list[Any] = []
    for _ in range(pick(rng, (0, 1, 2, 2, 3, 4))):
        if chance(rng, 0.5):
            parts.append(dense(rng, None if parts else n_inputs))
        else:
            parts.append(other_layer(rng))
    if chance(rng, 0.08):
        parts[:0] = of_places(rng, n_inputs)
    if parts and chance(rng, 0.06):
        parts.append(pick(rng, parts))  # the same object twice
    for position, part in enumerate(parts):
        if chance(rng, 0.12):
            parts[position] = within(rng, part)
    if chance(rng, 0.08):
        end = pick(rng, ("softmax", "sigmoid", "identity"))
        parts.append(layers.Dense(count(rng, 1, 2), end))
    if parts and chance(rng, 0.04):
        wrong(rng, pick(rng, parts))
    if chance(rng, 0.01):
        parts.append(pick(rng, WRONG))
    for part in parts:
        if "trainable" in getattr(part, "_parameter_constraints", ()):
            if chance(rng, 0.08):
                part.trainable = False
            if chance(rng, 0.04):
                part.learning_rate = pick(rng, (0.1, 3.0, np.float32(0.5), 1e-40))
    if len(parts) == 1 and chance(rng, 0.2):
        return parts[0]
    return Sequential(parts, trainable=not chance(rng, 0.03))


def within(rng: Generator, part: Any) -> Any:
    """A network that a part stands in, perhaps twice, and perhaps where it cannot."""
    other = pick(rng, (part, dense(rng), other_layer(rng), Sequential([])))
    merge = pick(rng, ("concatenate", "concatenate", "add", "multiply", "maximum"))
    columns = pick(
        rng,
        (
            *(slice(None), slice(0, 1), slice(-1, None), 0, -1, [0, -1], "rest"),
            *(np.array([True]), np.int8(0), "a", [], 10**9),
        ),
    )
    makers = (
        lambda: Sequential([part]),
        lambda: Sequential([part, other]),
        lambda: Residual(part),
        lambda: Branches([("a", part), ("b", other)], merge),
        lambda: Branches([("a", part, columns), ("b", other)], merge),
        lambda: Branches([("a", part, columns), ("b", other, "rest")], merge),
        lambda: Graph([("b", other, "a"), ("a", part, "x")]),
        lambda: Graph(
            [("a", part, "x"), ("b", other, "x"), ("c", layers.Add(), ["a", "b"])]
        ),
        lambda: Graph([("a", part, "x"), ("c", layers.Concatenate(), ["x", "a", "x"])]),
        lambda: Residual(Branches([("a", Residual(part)), ("b", other)], merge)),
        lambda: Heads([("a", part), ("b", other)]) if chance(rng, 0.1) else part,
    )
    network = pick(rng, makers)()
    if chance(rng, 0.1) and network is not part:
        network.set_params(trainable=False)
    return network


def wrong(rng: Generator, part: Any) -> None:
    """Set a parameter of a part to something that may be none of its values."""
    names = sorted(part.get_params(deep=False))
    if not names:
        return
    name = pick(rng, names)
    if hasattr(getattr(part, name), "get_params"):
        wrong(rng, getattr(part, name))  # of a part of the part
    else:
        setattr(part, name, pick(rng, WRONG))


# ----------------------------------------------------------------------------- losses


def _squared(y: np.ndarray, z: np.ndarray) -> tuple:
    return ((z - y) ** 2).sum(axis=1) / 2, z - y


def _of_wrong_shape(y: np.ndarray, z: np.ndarray) -> tuple:
    return z.sum(), z[:1]


def _not_a_number(y: np.ndarray, z: np.ndarray) -> tuple:
    return z.sum(axis=1) * np.nan, z * np.nan


def _raising(y: np.ndarray, z: np.ndarray) -> tuple:
    raise OwnError("inside a loss")


def _nothing(y: np.ndarray, z: np.ndarray) -> Any:
    return None


def _changing(y: np.ndarray, z: np.ndarray) -> tuple:
    z[:] = 0
    y[:] = np.nan
    return z.sum(axis=1), z


FUNCTIONS = (
    *(_squared, _squared, _squared, _squared, _of_wrong_shape, _not_a_number),
    *(_raising, _nothing, _changing),
)


def regression_loss(rng: Generator, any_loss: bool) -> tuple[Any, str]:
    """A loss, of those that a drop-in has or of all, and what its targets must be."""
    quantiles = (0.5, 0.1, [0.1, 0.5, 0.9], (0.5,), np.array([0.2, 0.8]))
    makers = (
        lambda: ("squared_error", "real"),
        lambda: ("squared_error", "real"),
        lambda: ("absolute_error", "real"),
        lambda: ("huber", "real"),
        lambda: ("log_cosh", "real"),
        lambda: ("quantile", "real"),
        lambda: ("poisson", "positive"),
        lambda: ("gamma", "positive"),
        lambda: ("tweedie", "positive"),
        lambda: (losses.SquaredError(), "real"),
        lambda: (losses.Huber(pick(rng, (1.0, 1e-3, 100.0))), "real"),
        lambda: (losses.Quantile(pick(rng, quantiles)), "real"),
        lambda: (losses.Tweedie(pick(rng, (1.0, 1.2, 2.0, 2.5, 3.0))), "positive"),
    )
    others = (
        lambda: (losses.LogLoss(pick(rng, (0.0, 0.2))), "bits"),
        lambda: (losses.Hinge(), "bits"),
        lambda: (losses.BinaryFocal(), "bits"),
        lambda: (losses.CosineSimilarity(), "real"),
        lambda: (losses.SoftCrossEntropy(pick(rng, (0.0, 0.1))), "shares"),
        lambda: (losses.KLDivergence(), "shares"),
        lambda: (losses.CustomLoss(pick(rng, FUNCTIONS)), "real"),
        lambda: (pick(rng, FUNCTIONS), "real"),
    )
    made, suited = pick(rng, makers + others if any_loss else makers)()
    if not isinstance(made, str) and hasattr(made, "get_params") and chance(rng, 0.1):
        wrong(rng, made)
    return made, suited


def class_loss(rng: Generator) -> Any:
    makers = (
        *("auto", "auto", "auto", "auto", "log_loss", "focal", "hinge"),
        "squared_hinge",
        *("auto", "auto", "auto", "auto", "log_loss", "focal", "hinge"),
        lambda: losses.CrossEntropy(pick(rng, (0.0, 0.3))),
        lambda: losses.LogLoss(pick(rng, (0.0, 0.3))),
        lambda: losses.Focal(pick(rng, (0.0, 0.5, 2.0))),
        lambda: losses.BinaryFocal(2.0, pick(rng, (None, 0.3))),
        lambda: losses.MultiMargin(pick(rng, (1, 2)), pick(rng, (0.1, 1.0))),
        lambda: losses.SquaredHinge(),
        lambda: deepcopy(pick(rng, FOR_OTHERS)),
        lambda: losses.CustomLoss(pick(rng, FUNCTIONS), pick(rng, LINKS)),
    )
    made = pick(rng, makers)
    if isinstance(made, str):
        return made
    made = made()
    if chance(rng, 0.1):
        wrong(rng, made)
    return made


FOR_OTHERS = (
    *(losses.SoftCrossEntropy(), losses.KLDivergence(), losses.CosineSimilarity()),
    *(losses.CrossEntropies([2, 3]), losses.Poisson()),
)
LINKS = ("identity", "sigmoid", "softmax", "logistic", "exponential", "typo")


# ----------------------------------------------------------- optimizers and schedules


def optimizer(rng: Generator) -> optimizers.Optimizer:
    rate = learning_rate(rng)
    makers = (
        lambda: optimizers.SGD(
            rate, momentum=pick(rng, (0.0, 0.9)), dampening=pick(rng, (0.0, 0.1))
        ),
        lambda: optimizers.SGD(rate, momentum=0.9, nesterov=True),
        lambda: optimizers.Adam(rate, amsgrad=chance(rng, 0.5)),
        lambda: optimizers.Adam(rate, beta_1=pick(rng, (0.0, 0.5)), epsilon=1e-300),
        lambda: optimizers.AdamW(rate),
        lambda: optimizers.NAdam(rate, decoupled_weight_decay=chance(rng, 0.5)),
        lambda: optimizers.RMSprop(rate, momentum=pick(rng, (0.0, 0.9))),
        lambda: optimizers.RMSprop(rate, centered=True),
        lambda: optimizers.Adagrad(rate),
        lambda: optimizers.Adadelta(rate),
        lambda: optimizers.Lion(rate),
    )
    made = pick(rng, makers)()
    if chance(rng, 0.2):
        made.weight_decay = pick(rng, (0.01, 0.5, 10.0))
    if chance(rng, 0.15):
        made.clip_norm = pick(rng, (1.0, 1e-3, 1e30))
    if chance(rng, 0.1):
        made.clip_value = pick(rng, (1.0, 1e-3))
    if chance(rng, 0.03):
        wrong(rng, made)
    return made


def schedule(rng: Generator) -> Any:
    makers = (
        lambda: schedules.Constant(),
        lambda: schedules.StepDecay(pick(rng, (1, 0.5, 30)), 0.1),
        lambda: schedules.ExponentialDecay(pick(rng, (0.95, 1e-9))),
        lambda: schedules.InverseScaling(number(rng, 0, 2)),
        lambda: schedules.CosineDecay(pick(rng, (None, 1, 3.5)), 0.1),
        lambda: schedules.CosineDecayRestarts(pick(rng, (1, 0.1)), pick(rng, (1, 2))),
        lambda: schedules.LinearWarmup(1, 0.1, then=schedules.CosineDecay()),
        lambda: schedules.OneCycle(pick(rng, (None, 2))),
        lambda: schedules.ReduceOnPlateau(patience=1, min_delta=1.0),
        lambda: schedules.LambdaSchedule(_halving),
        lambda: pick(rng, (_halving, _halving, _negative, _words, _raising_schedule)),
    )
    made = pick(rng, makers)()
    if isinstance(made, schedules.Schedule) and chance(rng, 0.04):
        wrong(rng, made)
    return made


def _halving(step: int) -> float:
    return 0.5**step


def _negative(step: int) -> float:
    return -1.0


def _words(step: int) -> Any:
    return "a"


def _raising_schedule(step: int) -> float:
    raise OwnError("inside a schedule")


# ------------------------------------------------------------------ what looks on


class Looks(callbacks.Callback):
    """Looks at everything, and predicts with what it is handed."""

    def on_epoch_end(self, run: Any) -> None:
        run.estimator()
        dict(run.history)


class Raises(callbacks.Callback):
    def on_epoch_end(self, run: Any) -> None:
        raise OwnError("inside a callback")


def callback(rng: Generator) -> Any:
    return pick(
        rng,
        (
            *(Looks(), Looks(), Looks(), Looks(), Looks()),
            *(callbacks.TerminateOnNaN(), callbacks.TerminateOnNaN()),
            *(callbacks.EarlyStopping("loss", 1), callbacks.EarlyStopping("auto", 1)),
            pick(rng, (Raises(), callbacks.EarlyStopping("typo"), pick(rng, WRONG))),
        ),
    )


def average(rng: Generator) -> averaging.Averaging:
    makers = (
        lambda: averaging.EMA(pick(rng, (0.999, 0.0, 0.5)), warmup=chance(rng, 0.5)),
        lambda: averaging.SWA(pick(rng, (0.0, 0.5, 0.99)), period=pick(rng, (1, 2))),
    )
    made = pick(rng, makers)()
    if chance(rng, 0.04):
        wrong(rng, made)
    return made


def always_half(estimator: Any, X: Any, y: Any) -> float:
    """A metric of the user's."""
    estimator.predict(X)
    return 0.5


METRICS = {
    True: ("accuracy", "balanced_accuracy", "roc_auc_ovr", "neg_log_loss", always_half),
    False: ("r2", "neg_mean_absolute_error", "neg_max_error", always_half),
}
ODD_METRICS = ("accuracy", "r2", "roc_auc", "typo", 3)
