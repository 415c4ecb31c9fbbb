"""How plans are written by hand, op by op, and the losses that they may end in."""

from fastnn.initializers import GlorotUniform
from fastnn.layers import Dense
from fastnn.losses import (
    AbsoluteError,
    BinaryFocal,
    CosineSimilarity,
    CrossEntropy,
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
from fastnn.plan.tables import ROW_LOSSES
from fastnn.plan.tape import Tape
from fastnn.regularizers import SklearnL2

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


def parameter(tape, name, shape, **options):
    return tape.parameter(name, shape, GlorotUniform(), fan_in=1, fan_out=1, **options)


def dense(tape, x, name, units, activation="identity", **options):
    kernel = parameter(tape, f"{name}/kernel", (x.shape[-1], units), **options)
    bias = parameter(tape, f"{name}/bias", (units,), **options)
    return ops.add(tape, ops.product(tape, x, kernel), bias, activation)


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


def custom(loss, *layers, input_shape=(5,)):
    return lower(Sequential([*layers]), input_shape=input_shape, loss=loss)
