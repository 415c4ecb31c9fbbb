"""The plans that the compiled code is tested on, and data for any plan."""

from dataclasses import dataclass
from functools import cache
from itertools import count

import numpy as np
import reference
from writers import (
    MASKED,
    REDUCED,
    batch_norm,
    batch_norm_fixed,
    batch_norm_frozen,
    batch_norm_used_twice,
    dense,
    learned_slopes,
    noisy,
    normed,
    normed_above_frozen,
    normed_first,
    parameter,
    reduced,
    slopes_first,
    slopes_from,
    slopes_of_each_sample,
)

from fastnn.constraints import MaxNorm
from fastnn.engine.predictor import Predictor
from fastnn.layers import (
    ELU,
    Activation,
    AlphaDropout,
    BatchNorm,
    Dense,
    Dropout,
    GaussianNoise,
    LayerNorm,
    LeakyReLU,
    PReLU,
    RMSNorm,
)
from fastnn.losses import (
    AbsoluteError,
    BinaryFocal,
    CosineSimilarity,
    CrossEntropies,
    CrossEntropy,
    CustomLoss,
    Focal,
    Gamma,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    LogLoss,
    MultiMargin,
    Poisson,
    Quantile,
    SoftCrossEntropy,
    SquaredError,
    SquaredHinge,
    Tweedie,
)
from fastnn.network import Sequential, lower
from fastnn.plan import ops
from fastnn.plan.tables import (
    ACTIVATIONS,
    KINDS,
    LOSSES,
    PHASES,
    ROW_LOSSES,
    ROW_NORMS,
)
from fastnn.plan.tape import Tape
from fastnn.regularizers import L1, L1L2, L2, SklearnL2

ALL_LOSSES = {
    "squared_error": SquaredError(),
    "absolute_error": AbsoluteError(),
    "huber": Huber(delta=0.7),
    "log_cosh": LogCosh(),
    "quantile": Quantile(0.8),
    "quantiles": Quantile([0.2, 0.5, 0.9]),
    "poisson": Poisson(),
    "gamma": Gamma(),
    "tweedie": Tweedie(1.5),
    "tweedie_rare": Tweedie(2.5),
    "log_loss": LogLoss(),
    "log_loss_smooth": LogLoss(label_smoothing=0.2),
    "binary_focal": BinaryFocal(gamma=1.5),
    "binary_focal_weighted": BinaryFocal(alpha=0.3),
    "hinge": Hinge(),
    "squared_hinge": SquaredHinge(),
    "cross_entropy": CrossEntropy(),
    "cross_entropy_smooth": CrossEntropy(label_smoothing=0.1),
    "soft_cross_entropy": SoftCrossEntropy(),
    "soft_cross_entropy_smooth": SoftCrossEntropy(label_smoothing=0.1),
    "kl_divergence": KLDivergence(),
    "focal": Focal(),
    "focal_flat": Focal(gamma=0.5),
    "multi_margin": MultiMargin(),
    "multi_margin_squared": MultiMargin(power=2, margin=0.7),
    "cosine_similarity": CosineSimilarity(),
}

# Targets that suit a loss, where they are not class numbers.
TARGETS = {
    **dict.fromkeys(
        (
            *("squared_error", "absolute_error", "huber", "log_cosh", "quantile"),
            "cosine_similarity",
        ),
        lambda rng, shape: rng.normal(size=shape),
    ),
    **dict.fromkeys(
        ("log_loss", "binary_focal", "hinge", "squared_hinge"),
        lambda rng, shape: rng.integers(0, 2, shape),
    ),
    "poisson": lambda rng, shape: rng.poisson(1.5, shape),
    **dict.fromkeys(
        ("gamma", "tweedie"), lambda rng, shape: rng.gamma(2, 0.7, shape) + 0.01
    ),
    **dict.fromkeys(
        ("soft_cross_entropy", "kl_divergence"),
        lambda rng, shape: rng.dirichlet(np.ones(shape[1]), shape[0]),
    ),
}


@dataclass(frozen=True)
class Data:
    """Weights of a plan and a few samples, all float64."""

    parameters: np.ndarray
    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray

    def astype(self, dtype):
        return Data(*(array.astype(dtype) for array in vars(self).values()))


def draw(plan, n=7, seed=0):
    """Random weights and samples for a plan, with targets that suit its loss."""
    rng = np.random.default_rng(seed)
    parameters = np.zeros(plan.n_parameters)
    for view, p in zip(plan.views(parameters), plan.parameters, strict=True):
        fan_in = view.shape[0] if view.ndim == 2 else 4
        view[...] = rng.normal(scale=0.8 / np.sqrt(fan_in), size=view.shape)
        if p.name.endswith("running_variance"):
            view[...] = rng.uniform(0.5, 2, size=view.shape)
    shape = (n, plan.target_columns)
    if plan.n_classes:
        y = rng.integers(0, plan.n_classes, shape)
    else:
        codes = plan.ops["code"][plan.ops["kind"] == KINDS["loss"]]
        names = {LOSSES[code] for code in codes} or {"squared_error"}  # custom losses
        (name,) = names
        y = TARGETS[name](rng, shape)
    X = rng.normal(size=(n, plan.n_inputs))
    return Data(parameters, X, y.astype(float), rng.uniform(0.5, 2, n))


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
    values = reference.walk(plan, data.parameters, data.X, data.y).values
    nearest = np.inf
    for op in plan.ops[plan.ops["kind"] == KINDS["prelu"]]:
        x = values.get(op["input"][0], data.X.ravel())
        nearest = min(nearest, abs(x).min())
    for op in plan.ops[plan.ops["kind"] == KINDS["add"]]:
        kinks = KINKS.get(ACTIVATIONS[op["code"]], ())
        if not kinks:
            continue
        a, b = op["input"][:2]
        x = values.get(a, data.X.ravel())
        if b >= 0:
            tensor = plan.tensors[b]
            at = slice(tensor["train_offset"], tensor["train_offset"] + tensor["size"])
            b = values.get(b, data.parameters[at])
            scaled = [len(data.X) if op["scaled"] >> i & 1 else 1 for i in range(4)]
            where = reference.positions(op["dim"] * scaled, op["stride"])
            x = x + b[where].ravel()
        for kink in kinks:
            nearest = min(nearest, abs(x - kink).min())
    return nearest


def outputs_for(loss, n):
    """The number of outputs nearest to n that a loss can take."""
    if loss.startswith("quantiles"):
        return 3 * n
    return max(n, 2) if ALL_LOSSES[loss].name in ROW_LOSSES else n


def by_hand(write, input_shape=(5,), loss="squared_error"):
    """The plan of a network that ``write(tape, x) -> raw outputs`` writes."""
    tape = Tape()
    z = write(tape, tape.input(input_shape))
    return tape.finish(ALL_LOSSES[loss].lower(tape, z))


def stack(widths, activation="tanh", loss="squared_error", input_shape=(5,)):
    """A dense network with these hidden widths and, last, this many outputs."""
    penalty = SklearnL2(0.1)
    layers = [Dense(w, activation, kernel_regularizer=penalty) for w in widths[:-1]]
    return lower(
        Sequential([*layers, Dense(widths[-1])]),
        input_shape=input_shape,
        loss=ALL_LOSSES[loss],
    )


def two_branches(tape, x):
    a = dense(tape, x, "a", 4, "tanh")
    b = dense(tape, x, "b", 4, "logistic")
    return dense(tape, ops.add(tape, a, b), "output", 2)


def used_twice(tape, x):
    """A hidden value goes into two products, and is added to itself and a function."""
    h = dense(tape, x, "hidden", 4, "tanh")
    doubled = ops.add(tape, ops.add(tape, h, h), dense(tape, h, "inner", 4, "relu"))
    return ops.add(
        tape, dense(tape, h, "left", 3), dense(tape, doubled, "right", 3), "tanh"
    )


def shared(tape, x):
    """One kernel and one bias, used twice."""
    kernel = parameter(tape, "kernel", (5, 5), regularizer=SklearnL2(0.2))
    bias = parameter(tape, "bias", (5,))
    for _ in range(2):
        x = ops.add(tape, ops.product(tape, x, kernel), bias, "tanh")
    return x


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


def softmax_inside(tape, x):
    """A softmax feeds a product and, once more, the output."""
    p = ops.softmax(tape, dense(tape, x, "scores", 4))
    return ops.add(tape, dense(tape, p, "output", 4), p)


def residual(tape, x):
    """The input itself is added, and one value for each position is broadcast."""
    y = ops.add(tape, dense(tape, x, "body", x.shape[-1], "relu"), x)
    gate = dense(tape, y, "gate", 1, "logistic")
    return ops.add(tape, y, gate, "tanh")


def broadcast_from(shape):
    def write(tape, x):
        kernel = parameter(tape, "kernel", (4, 4))
        y = ops.add(
            tape, ops.product(tape, x, kernel), parameter(tape, "b", shape), "tanh"
        )
        # A second use: the sums over the broadcast axes add up.
        return ops.add(tape, y, parameter(tape, "c", shape), "logistic")

    return write


def dropped(tape, x):
    """Two masks, of which the second lies over a value that is used twice."""
    x = ops.dropout(tape, dense(tape, x, "first", 19, "tanh"), 0.5, scale=2)
    h = dense(tape, x, "second", 4, "tanh")
    return ops.add(tape, ops.dropout(tape, h, 0.25, 0.9, shift=0.3, value=-1.7), h)


def two_losses():
    """Two heads with weights of their own against one target."""
    tape = Tape()
    h = dense(tape, tape.input((5,)), "hidden", 4, "tanh")
    target = tape.target((3,))
    heads = [dense(tape, h, name, 3) for name in ("main", "auxiliary")]
    for z, weight, report in zip(heads, (1.0, 0.3), (0.5, 2.0), strict=True):
        ops.loss(tape, "squared_error", z, target, weight=weight, report=report)
    return tape.finish(heads[0])


def quartic(y, z):
    """A loss that no table has, which looks at a whole sample: ``|z - y|^4 / 4``."""
    square = ((z - y) ** 2).sum(axis=1)
    return square**2 / 4, square[:, np.newaxis] * (z - y)


def contrast(y, z):
    """A loss whose target is one number for several outputs."""
    error = z.sum(axis=1, keepdims=True) - y
    return error[:, 0] ** 2 / 2, error + 0 * z


def custom(loss, *layers, input_shape=(5,)):
    return lower(Sequential([*layers]), input_shape=input_shape, loss=loss)


BROADCASTS = [
    (4,),
    (3, 1),
    (1, 4),
    (3, 4),
    (2, 1, 1),
    (2, 1, 4),
    (1, 3, 1),
    (2, 3, 4),
    (1,),
    (),
]

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
    "two_branches": lambda: by_hand(two_branches),
    "used_twice": lambda: by_hand(used_twice),
    "shared": lambda: by_hand(shared),
    "frozen": lambda: by_hand(frozen),
    "regularized": lambda: by_hand(regularized),
    "norms_limited": norms_limited,
    "softmax_inside": lambda: by_hand(softmax_inside),
    "softmax_rank_2": lambda: by_hand(softmax_inside, (3, 5), "cross_entropy"),
    "residual": lambda: by_hand(residual),
    "residual_rank_3": lambda: by_hand(residual, (2, 3, 4)),
    "two_losses": two_losses,
    "dropout": lambda: by_hand(dropped),
    "dropout_rank_2": lambda: by_hand(dropped, (3, 5)),
    "dropout_first": lambda: lower(
        Sequential([Dropout(0.25), Dense(2)]), input_shape=(33,), loss=SquaredError()
    ),
    "alpha_dropout": lambda: lower(
        Sequential([Dense(21, "selu"), AlphaDropout(0.3), Dense(2)]),
        input_shape=(3, 5),
        loss=SquaredError(),
    ),
    "noise": lambda: by_hand(noisy),
    "noise_rank_2": lambda: by_hand(noisy, (3, 5)),
    "noise_last": lambda: lower(
        Sequential([Dense(7), GaussianNoise(0.5)]),
        input_shape=(5,),
        loss=SquaredError(),
    ),
    **{
        f"{kind}{name}": lambda kind=kind, shape=shape: by_hand(normed(kind), shape)
        for kind in ROW_NORMS
        for name, shape in (("", (5,)), ("_rank_2", (3, 5)))
    },
    **{
        f"layer_norm_{name}_fixed": (
            lambda trainable=trainable: by_hand(normed("layer_norm", trainable))
        )
        for name, trainable in (("scale", (False, True)), ("offset", (True, False)))
    },
    "norm_first": lambda: by_hand(normed_first),
    "norm_first_rank_2": lambda: by_hand(normed_first, (3, 5)),
    "norm_above_frozen": lambda: by_hand(normed_above_frozen),
    "norm_layers": lambda: lower(
        Sequential(
            [
                *(Dense(33), LayerNorm(), Activation("tanh")),
                *(Dense(16), RMSNorm(), Activation("tanh")),
                *(Dense(3), LayerNorm(1e-3, affine=False), RMSNorm(0.1, affine=False)),
            ]
        ),
        input_shape=(2, 5),
        loss=SquaredError(),
    ),
    "prelu": lambda: lower(
        Sequential([Dense(6), PReLU(), Dense(4), PReLU(shared=False), Dense(2)]),
        input_shape=(3, 5),
        loss=SquaredError(),
    ),
    "prelu_twice": lambda: by_hand(learned_slopes),
    "prelu_first": lambda: by_hand(slopes_first),
    "prelu_each_sample": lambda: by_hand(slopes_of_each_sample, (3, 5)),
    "activation_layers": lambda: lower(
        Sequential(
            [
                Activation("silu"),
                Dense(6, "softmax"),
                *(Dense(5), LeakyReLU(0.3)),
                *(Dense(4), ELU(0.7)),
                *(Dense(4, "swish"), Activation("softmax")),
                Dense(2),
            ]
        ),
        input_shape=(5,),
        loss=SquaredError(),
    ),
    "softmax_layer_rank_2": lambda: stack([4, 2], "softmax", input_shape=(3, 5)),
    "rank_2_weighted_rows": lambda: stack([4, 3], "tanh", "kl_divergence", (3, 5)),
    "quantiles_of_two": lambda: stack([4, 6], "tanh", "quantiles"),
    "class_columns": lambda: lower(
        Sequential([Dense(6, "tanh"), Dense(9)]),
        input_shape=(5,),
        loss=CrossEntropies([3, 2, 4]),
    ),
    "batch_norm": lambda: by_hand(batch_norm()),
    "batch_norm_plain": lambda: by_hand(batch_norm(affine=False)),
    "batch_norm_rank_2": lambda: by_hand(batch_norm(), (3, 5)),
    "batch_norm_rank_3": lambda: by_hand(batch_norm(), (2, 3, 4), "log_loss"),
    "batch_norm_used_twice": lambda: by_hand(batch_norm_used_twice),
    "batch_norm_frozen": lambda: by_hand(batch_norm_frozen),
    "batch_norm_fixed": lambda: by_hand(batch_norm_fixed),
    "batch_norm_fixed_rank_2": lambda: by_hand(batch_norm_fixed, (3, 5)),
    "frozen_layers": frozen_layers,
    "frozen_below": frozen_below,
    "batch_norm_first": lambda: lower(
        Sequential([BatchNorm(), Dense(6, "tanh"), Dropout(0.3), Dense(3)]),
        input_shape=(5,),
        loss=CrossEntropy(),
    ),
    "custom_loss": lambda: custom(CustomLoss(quartic), Dense(6, "tanh"), Dense(3)),
    "custom_loss_rank_2": lambda: custom(
        CustomLoss(quartic, link="softmax"),
        Dense(4, "tanh"),
        Dense(2),
        input_shape=(3, 5),
    ),
    "custom_loss_of_one_column": lambda: custom(
        CustomLoss(contrast, "sigmoid", 1), BatchNorm(), Dense(4, "tanh"), Dense(3)
    ),
    **{
        f"broadcast_{'x'.join(map(str, shape)) or 'scalar'}": (
            lambda shape=shape: by_hand(broadcast_from(shape), (2, 3, 4))
        )
        for shape in BROADCASTS
    },
    **{
        f"prelu_{'x'.join(map(str, shape)) or 'scalar'}": (
            lambda shape=shape: by_hand(slopes_from(shape), (2, 3, 4))
        )
        for shape in BROADCASTS
    },
    **{
        f"{kind}_of_{axes}_masked_{mask}": (
            lambda kind=kind, axes=axes, mask=mask: by_hand(
                reduced(kind, axes, mask), (3, 4, 2)
            )
        )
        # Each axes with each kind, and each mask with each kind.
        for i, axes in enumerate(REDUCED)
        for j, kind in enumerate(("mean", "sum", "max"))
        for mask in {None, MASKED[(i + 2 * j) % len(MASKED)]}
    },
    **{
        f"{activation}-{loss}": (
            lambda activation=activation, loss=loss: stack([5, 4, 3], activation, loss)
        )
        for activation in ACTIVATIONS
        for loss in ALL_LOSSES
        if activation == "tanh" or loss in ("squared_error", "cross_entropy")
    },
}


@cache
def plan_of(name):
    return MAKERS[name]()


def n_ops(plan, phase):
    return int(np.count_nonzero(plan.ops["phase"] & PHASES[phase]))
