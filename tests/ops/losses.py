"""Losses of numbers and of rows, and those that are Python functions."""

import numpy as np
from ops.elementwise import logistic
from scipy import special
from scipy.special import log_expit, log_softmax, softmax, xlogy
from walks import head
from writers import custom, dense, stack

from fastnn.layers import BatchNorm, Dense
from fastnn.losses import CrossEntropies, CustomLoss
from fastnn.network import Sequential, lower
from fastnn.plan import ops, tables
from fastnn.plan.tape import Tape

# name: loss of the raw output z against the target y, derivative with respect to z,
# both with the loss' own options after these.
# log_loss is -y log p - (1 - y) log(1 - p) with p = logistic(z), for targets smoothed
# towards 1/2 (Szegedy et al., CVPR 2016). binary_focal is Lin et al.'s of ICCV 2017.
# poisson, gamma and tweedie are half the deviance of these distributions (McCullagh and
# Nelder, "Generalized linear models", 1989) with mean p = exp(z). huber is Huber's of
# 1964, which its option turns linear, and quantile Koenker and Bassett's of 1978.


def smoothed(y, share):
    return (1 - share) * y + share / 2


def log_loss(z, y, share=0.0):
    y = smoothed(y, share)
    return -y * log_expit(z) - (1 - y) * log_expit(-z)


def tweedie(z, y, p=1.5):
    power = np.where(y > 0, np.abs(y) ** (2 - p), 0)
    # Each term by itself: the sum of two that overflow is not the sum.
    return (
        np.exp((2 - p) * z) / (2 - p)
        - np.where(y > 0, y * np.exp((1 - p) * z), 0) / (1 - p)
        + power / ((1 - p) * (2 - p))
    )


def tweedie_gradient(z, y, p=1.5):
    return np.exp((2 - p) * z) - np.where(y > 0, y * np.exp((1 - p) * z), 0)


def sign_of(y):
    return 2 * y - 1


def binary_focal(z, y, gamma=2.0, alpha=0.25):
    x = sign_of(y) * z
    weight = alpha * y + (1 - alpha) * (1 - y)
    return weight * logistic(-x) ** gamma * -log_expit(x)


def binary_focal_gradient(z, y, gamma=2.0, alpha=0.25):
    x = sign_of(y) * z
    q = logistic(x)
    weight = alpha * y + (1 - alpha) * (1 - y)
    slope = logistic(-x) ** gamma * (gamma * q * log_expit(x) - logistic(-x))
    return sign_of(y) * weight * slope


def margin(z, y):
    return np.maximum(1 - sign_of(y) * z, 0)


LOSSES = {
    "squared_error": (lambda z, y: (z - y) ** 2 / 2, lambda z, y: z - y),
    "absolute_error": (lambda z, y: abs(z - y), lambda z, y: np.sign(z - y)),
    "huber": (
        lambda z, y, delta=0.7: special.huber(delta, z - y),
        lambda z, y, delta=0.7: np.clip(z - y, -delta, delta),
    ),
    "log_cosh": (
        lambda z, y: np.logaddexp(z - y, y - z) - np.log(2),
        lambda z, y: np.tanh(z - y),
    ),
    "quantile": (
        lambda z, y, q=0.8: np.maximum(q * (y - z), (q - 1) * (y - z)),
        lambda z, y, q=0.8: np.where(z < y, -q, 1 - q) * (z != y),
    ),
    "poisson": (
        lambda z, y: xlogy(y, y) - y * z - y + np.exp(z),
        lambda z, y: np.exp(z) - y,
    ),
    "gamma": (
        lambda z, y: z - np.log(y) + y * np.exp(-z) - 1,
        lambda z, y: 1 - y * np.exp(-z),
    ),
    "tweedie": (tweedie, tweedie_gradient),
    "log_loss": (log_loss, lambda z, y, share=0.0: logistic(z) - smoothed(y, share)),
    "binary_focal": (binary_focal, binary_focal_gradient),
    "hinge": (margin, lambda z, y: -sign_of(y) * (margin(z, y) > 0)),
    "squared_hinge": (
        lambda z, y: margin(z, y) ** 2,
        lambda z, y: -2 * sign_of(y) * margin(z, y),
    ),
}


def onehot(z, label):
    return np.eye(z.shape[1])[label[:, 0].astype(int)]


def soft_cross_entropy(z, y, share=0.0):
    """``-sum(y log softmax(z))`` of each row, a share of y spread over all classes."""
    y = (1 - share) * y + share / z.shape[1]
    gradient = softmax(z, axis=1) * y.sum(axis=1, keepdims=True) - y
    return -np.sum(y * log_softmax(z, axis=1), axis=1), gradient


def cross_entropy(z, label, share=0.0):
    """The same of class numbers."""
    return soft_cross_entropy(z, onehot(z, label), share)


def kl_divergence(z, y):
    """Kullback and Leibler, 1951."""
    value, gradient = soft_cross_entropy(z, y)
    return value + xlogy(y, y).sum(axis=1), gradient


def focal(z, label, gamma=2.0):
    """``-(1 - p)^gamma log p`` of the label's p, by the chain rule: Lin et al."""
    hot = onehot(z, label)
    log_p = np.sum(hot * log_softmax(z, axis=1), axis=1)
    p = np.exp(log_p)
    wrong = np.sum((1 - hot) * softmax(z, axis=1), axis=1)  # 1 - p
    wrong = np.maximum(wrong, np.finfo(float).tiny)
    slope_of_log = -(wrong**gamma)
    if gamma:
        slope_of_log += gamma * wrong ** (gamma - 1) * p * log_p
    slope_of_z = hot - softmax(z, axis=1)
    return -(wrong**gamma) * log_p, slope_of_log[:, np.newaxis] * slope_of_z


def multi_margin(z, label, power=1.0, least=1.0):
    """Weston and Watkins, ESANN 1999, divided by the number of classes."""
    hot = onehot(z, label)
    own = np.sum(hot * z, axis=1, keepdims=True)
    lack = (1 - hot) * np.maximum(least - own + z, 0)
    slope = (1 - hot) * power * np.where(lack > 0, lack, 1) ** (power - 1) * (lack > 0)
    gradient = slope - hot * slope.sum(axis=1, keepdims=True)
    return np.mean(lack**power, axis=1), gradient / z.shape[1]


def cosine_similarity(z, y):
    """One less the cosine of the angle between two rows."""
    norm, target_norm = (
        np.maximum(np.linalg.norm(each, axis=1, keepdims=True), 1e-8) for each in (z, y)
    )
    z_unit, y_unit = z / norm, y / target_norm
    cosine = np.sum(z_unit * y_unit, axis=1, keepdims=True)
    along = cosine * z_unit * (norm > 1e-8)
    return 1 - cosine[:, 0], -(y_unit - along) / norm


ROW_LOSSES = {
    "cross_entropy": cross_entropy,
    "soft_cross_entropy": soft_cross_entropy,
    "kl_divergence": kl_divergence,
    "focal": focal,
    "multi_margin": multi_margin,
    "cosine_similarity": cosine_similarity,
}


def loss_of_rows(name, z, y, options):
    """The loss of each row of outputs, derivative with respect to z."""
    if name in ROW_LOSSES:
        return ROW_LOSSES[name](z, y, *options)
    value, gradient = LOSSES[name]
    return value(z, y, *options).sum(axis=1), gradient(z, y, *options)


# How many options a loss reads; the others of an op are of no meaning.
N_OPTIONS = {"huber": 1, "quantile": 1, "tweedie": 1, "log_loss": 1, "binary_focal": 2}
N_OPTIONS |= {
    "cross_entropy": 1,
    "soft_cross_entropy": 1,
    "focal": 1,
    "multi_margin": 2,
}


def run_loss(walk, op, dim, z, y, *_):
    name = tables.LOSSES[op["code"]]
    first, y = op["stride"][1], y.reshape(dim[2], -1)
    # A sample may have several rows of outputs, which share its weight.
    weight = op["scalar"][0] * np.repeat(walk.weights_of(op["loss"]), op["dim"][2])
    options = op["scalar"][2:][: N_OPTIONS.get(name, 0)]
    counts = weight > 0  # other targets may be missing
    value, gradient = loss_of_rows(
        name, head(op, dim, z)[counts], y[counts, first : first + dim[3]], options
    )
    keep(walk, op, weight[counts] @ value)
    dz = np.zeros(z.shape) if op["output"][0] < 0 else walk.read(op["output"][0]).copy()
    own = np.zeros((dim[2], dim[3]))
    own[counts] = weight[counts, np.newaxis] * gradient
    head(op, dim, dz)[:] = own
    return (dz,)


def run_custom_loss(walk, op, dim, z, y, *_):
    n = len(walk.weight)
    weight = op["scalar"][0] * walk.weights_of(op["loss"])
    counts, function = weight > 0, walk.functions[op["code"]]
    loss, gradient = function(y.reshape(n, -1)[counts], z.reshape(n, -1)[counts])
    keep(walk, op, weight[counts] @ loss)
    dz = np.zeros((n, gradient.shape[1]))
    dz[counts] = weight[counts, np.newaxis] * gradient
    return (dz,)


def keep(walk, op, loss):
    walk.loss += loss
    walk.reported += op["scalar"][1] * loss
    number = op["loss"]
    walk.reports[number, 0] += op["scalar"][1] * loss / walk.factors[number]


OPS = {
    "loss": run_loss,
    "custom_loss": run_custom_loss,
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


CASES = {
    "two_losses": two_losses,
    "rank_2_weighted_rows": lambda: stack([4, 3], "tanh", "kl_divergence", (3, 5)),
    "quantiles_of_two": lambda: stack([4, 6], "tanh", "quantiles"),
    "class_columns": lambda: lower(
        Sequential([Dense(6, "tanh"), Dense(9)]),
        input_shape=(5,),
        loss=CrossEntropies([3, 2, 4]),
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
}
