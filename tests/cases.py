"""The plans that the compiled code is tested on, and data for any plan."""

from dataclasses import dataclass, replace
from functools import cache
from itertools import count

import numpy as np
import reference
from graphs import CASES as GRAPHS
from ops.attention import CASES as ATTENTION
from ops.attention import OVER_STEPS as ATTENTION_OVER_STEPS
from ops.augment import CASES as AUGMENT
from ops.batch_norm import CASES as BATCH_NORM
from ops.batch_norm import OVER_STEPS as BATCH_NORM_OVER_STEPS
from ops.conv import CASES as CONV
from ops.elementwise import CASES as ELEMENTWISE
from ops.embedding import BY_ROWS
from ops.embedding import CASES as EMBEDDING
from ops.heads import CASES as HEADS
from ops.losses import CASES as LOSS
from ops.losses import TARGETS
from ops.mask import CASES as MASK
from ops.merge import CASES as MERGE
from ops.move import CASES as MOVE
from ops.noise import CASES as NOISE
from ops.pool import CASES as POOL
from ops.positions import CASES as POSITIONS
from ops.positions import OVER_STEPS as POSITIONS_OVER_STEPS
from ops.prelu import CASES as PRELU
from ops.product import CASES as PRODUCT
from ops.recurrent import CASES as RECURRENT
from ops.reduce import CASES as REDUCE
from ops.reduce import OVER_STEPS
from ops.row_norm import CASES as ROW_NORM
from ops.softmax import CASES as SOFTMAX
from ops.views import CASES as VIEWS
from walks import positions
from writers import ALL_LOSSES, by_hand, dense, stack

from fastnn.constraints import MaxNorm
from fastnn.engine.predictor import Predictor
from fastnn.layers import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    PReLU,
    RMSNorm,
)
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.plan.tables import ACTIVATIONS, KINDS, LOSSES, PHASES
from fastnn.regularizers import L1, L1L2, L2, SklearnL2
from fastnn.utils.sequences import Sequences


class Tables(dict):
    """The inputs of a plan by name, of which rows are taken as of an array."""

    def __len__(self):
        return len(next(iter(self.values())))

    def __getitem__(self, key):
        if isinstance(key, str):
            return super().__getitem__(key)
        return Tables({name: table[key] for name, table in self.items()})


@dataclass(frozen=True)
class Data:
    """Weights of a plan and a few samples: float64, and tokens."""

    parameters: np.ndarray
    X: np.ndarray | Sequences | Tables
    y: np.ndarray
    weight: np.ndarray

    def astype(self, dtype):
        return Data(*(as_floats(each, dtype) for each in vars(self).values()))


def as_floats(values, dtype):
    """Numbers of another type; tokens as they are."""
    if isinstance(values, Tables):
        return Tables({name: as_floats(each, dtype) for name, each in values.items()})
    if isinstance(values, Sequences):
        return Sequences(as_floats(values.values, dtype), values.starts)
    return values.astype(dtype) if values.dtype.kind == "f" else values


def draw(plan, n=7, seed=0):
    """Random weights and samples for a plan, with targets that suit its loss."""
    rng = np.random.default_rng(seed)
    parameters = np.zeros(plan.n_parameters)
    for view, p in zip(plan.views(parameters), plan.parameters, strict=True):
        fan_in = view.shape[0] if view.ndim == 2 else 4
        view[...] = rng.normal(scale=0.8 / np.sqrt(fan_in), size=view.shape)
        if p.name.endswith("running_variance"):
            view[...] = rng.uniform(0.5, 2, size=view.shape)
    y = np.hstack([draw_target(plan, target, n, rng) for target in plan.targets])
    X = Tables({each.name: draw_input(each, n, rng) for each in plan.inputs})
    if [*X] == ["X"]:
        X = X["X"]
    return Data(parameters, X, y.astype(float), rng.uniform(0.5, 2, n))


def draw_input(described, n, rng):
    if described.axis:  # the longest is a few times as long as the shortest
        lengths = rng.integers(1, 7, n)
        steps = draw_input(replace(described, axis=0), lengths.sum(), rng)
        values = steps.reshape(-1, *described.shape)
        return Sequences(values, np.append(0, np.cumsum(lengths)))
    shape = n, described.size
    if described.n_tokens:
        return rng.integers(0, described.n_tokens, shape)
    return rng.normal(size=shape)


def draw_target(plan, target, n, rng):
    """Columns of y that suit the loss which reads them."""
    if target.n_classes:
        width = len(target.n_classes)
        labels = rng.integers(0, target.n_classes, (n * target.size // width, width))
        return labels.reshape(n, target.size)
    of_loss = np.isin(plan.ops["loss"], plan.losses_of(target))
    codes = plan.ops["code"][of_loss & (plan.ops["kind"] == KINDS["loss"])]
    names = {LOSSES[code] for code in codes} or {"squared_error"}  # custom losses
    width = target.shape[-1]
    y = TARGETS[min(names)](rng, (n * target.size // width, width))
    return y.reshape(n, target.size)


def predict(plan, parameters, X):
    return Predictor(plan).predict(parameters, X)


def evaluate(plan, *arguments):
    return Predictor(plan).evaluate(*arguments)


def judge(plan, *arguments):
    return Predictor(plan).judge(*arguments)


def shuffled_epoch(engine, table, seed):
    """The loss of an epoch in an order that a seed decides."""
    engine.shuffle(np.random.RandomState(seed))
    return engine.epoch(table)


# Where the slope of an activation jumps.
KINKS = {
    "relu": (0,),
    "leaky_relu": (0,),
    "elu": (0,),
    "selu": (0,),
    "hard_sigmoid": (-3, 3),
    "hard_swish": (-3, 3),
}


def draw_smooth(plan, n=7, distance=1e-3):
    """As draw, away from the points where an activation has no derivative."""
    for seed in count():
        data = draw(plan, n, seed)
        if nearest_kink(plan, data) > distance:
            return data


def nearest_kink(plan, data):
    """The smallest distance from a kink of what an activation is applied to."""
    walk = reference.walk(plan, data.parameters, data.X, data.y)
    nearest = np.inf
    for op in plan.ops[plan.ops["kind"] == KINDS["prelu"]]:
        x = walk.read(op["input"][0])
        nearest = min(nearest, abs(x).min())
    for op in plan.ops[plan.ops["kind"] == KINDS["add"]]:
        kinks = KINKS.get(ACTIVATIONS[op["code"]], ())
        if not kinks:
            continue
        a, b = op["input"][:2]
        x = walk.read(a)
        if b >= 0:
            rows = len(data.X.values if op["axis"] else data.X)
            rows = walk.starts[op["axis"]][-1] if op["axis"] else len(data.X)
            scaled = [rows if op["per_sample"] >> i & 1 else 1 for i in range(4)]
            places = positions(op["dim"] * scaled, op["stride"])
            x = x + walk.read(b)[walk.numbers_at(b, places)].ravel()
        for kink in kinks:
            nearest = min(nearest, abs(x - kink).min())
    return nearest


def frozen(tape, x):
    """The first and the third of three layers are not trained; the second is."""
    strong, weak = SklearnL2(0.3), SklearnL2(0.1)
    x = dense(tape, x, "first", 4, "tanh", trainable=False, regularizer=strong)
    x = dense(tape, x, "second", 3, "tanh", regularizer=weak, learning_rate=0.5)
    return dense(tape, x, "third", 2, trainable=False)


def regularized(tape, x):
    """Every regularizer; that of a frozen layer is not felt."""
    both = L1L2(l1=0.03, l2=0.05)
    x = dense(tape, x, "lasso", 6, "tanh", regularizer=L1(0.02))
    x = dense(tape, x, "ridge", 5, "tanh", regularizer=L2(0.04))
    x = dense(tape, x, "frozen", 4, "tanh", regularizer=both, trainable=False)
    x = dense(tape, x, "both", 4, "tanh", regularizer=both, learning_rate=0.5)
    return dense(tape, x, "scikit-learn", 2, regularizer=SklearnL2(0.3))


def norms_limited():
    """Columns that are too long, and columns that are not."""
    layers = [
        Dense(19, "tanh", kernel_constraint=MaxNorm(0.8)),
        Dense(5, "tanh", kernel_constraint=MaxNorm(100.0), kernel_regularizer="l1_l2"),
        Dense(3, kernel_constraint=MaxNorm(0.5)),
    ]
    return lower(Sequential(layers), input_shape=(7,), loss=SquaredError())


def frozen_layers():
    """Every layer with weights is frozen, between some that are trained."""
    held = {"trainable": False}
    layers = [
        *(Dense(6, "tanh", learning_rate=2.0), BatchNorm(**held), PReLU(**held)),
        *(LayerNorm(**held), Dense(5, **held), RMSNorm(**held), Dropout(0.2)),
        Dense(4, kernel_regularizer="l1_l2", kernel_constraint=MaxNorm(0.1), **held),
        *(Activation("tanh"), BatchNorm(learning_rate=0.5), Dense(2)),
    ]
    return lower(Sequential(layers), input_shape=(5,), loss=SquaredError())


def frozen_below():
    """Nothing that is trained stands below the last two layers."""
    held = {"trainable": False}
    layers = [Dense(6, "tanh", **held), BatchNorm(**held), PReLU(**held), Dropout(0.3)]
    trained = [Dense(4, "tanh"), Dense(2, learning_rate=0.1)]
    return lower(
        Sequential([*layers, *trained]), input_shape=(3, 5), loss=SquaredError()
    )


MAKERS = {
    "linear": lambda: stack([3]),
    "no_bias": lambda: lower(
        Sequential([Dense(4, "tanh", use_bias=False), Dense(2, use_bias=False)]),
        input_shape=(5,),
        loss=SquaredError(),
    ),
    "one_feature": lambda: stack([4, 1], input_shape=(1,)),
    "deep": lambda: stack([6, 5, 4, 3, 2], "tanh"),
    "wide": lambda: stack([67, 33, 2], "relu"),
    "many_outputs": lambda: stack([4, 19], "logistic"),
    "binary": lambda: stack([6, 1], "relu", "log_loss"),
    "multilabel": lambda: stack([6, 4], "tanh", "log_loss"),
    "counts": lambda: stack([6, 2], "relu", "poisson"),
    "classes": lambda: stack([6, 10], "relu", "cross_entropy"),
    "rank_2": lambda: stack([4, 2], "tanh", input_shape=(3, 5)),
    "rank_3": lambda: stack([4, 2], "relu", "poisson", input_shape=(2, 3, 4)),
    "rank_2_classes": lambda: stack([4, 3], "tanh", "cross_entropy", (3, 5)),
    **PRODUCT,
    "frozen": lambda: by_hand(frozen),
    "regularized": lambda: by_hand(regularized),
    "norms_limited": norms_limited,
    **SOFTMAX,
    **NOISE,
    **AUGMENT,
    **ROW_NORM,
    **PRELU,
    **ELEMENTWISE,
    **BATCH_NORM,
    "frozen_layers": frozen_layers,
    "frozen_below": frozen_below,
    **LOSS,
    **REDUCE,
    **OVER_STEPS,
    **BATCH_NORM_OVER_STEPS,
    **POOL,
    **MOVE,
    **MASK,
    **MERGE,
    **ATTENTION,
    **ATTENTION_OVER_STEPS,
    **POSITIONS,
    **POSITIONS_OVER_STEPS,
    **CONV,
    **RECURRENT,
    **GRAPHS,
    **HEADS,
    **VIEWS,
    **EMBEDDING,
    **BY_ROWS,
    **{
        f"{activation}-{loss}": (
            lambda activation=activation, loss=loss: stack([5, 4, 3], activation, loss)
        )
        for activation in ACTIVATIONS
        for loss in ALL_LOSSES
        if activation == "tanh" or loss in ("squared_error", "cross_entropy")
    },
}


NOT_ON_DEVICES = {
    *(*BY_ROWS, *OVER_STEPS, *BATCH_NORM_OVER_STEPS, *RECURRENT),
    *(*ATTENTION_OVER_STEPS, *POSITIONS_OVER_STEPS),
}
ON_DEVICES = [name for name in MAKERS if name not in NOT_ON_DEVICES]


@cache
def plan_of(name):
    return MAKERS[name]()


def n_ops(plan, phase):
    return int(np.count_nonzero(plan.ops["phase"] & PHASES[phase]))
