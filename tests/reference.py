"""What the compiled code means, in plain NumPy and float64: naive, and made to be read.

Rows are keyed by the names in the compiled tables, ops by the names of their kinds. A
walk over a plan keeps one array for each tensor and knows nothing of memory offsets,
batches in chunks, threads or in-place work: all that must not change a result.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.lib.stride_tricks import as_strided
from scipy import special
from scipy.special import log_expit, log_softmax, softmax, xlogy

from fastnn.plan import tables

# ---------------------------------------------------------------------- activations


def logistic(x):
    """``1 / (1 + exp(-x))``, without the overflow of that form."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def gaussian(x):
    """The density of the normal distribution."""
    return np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


def gelu_argument(x):
    """Hendrycks and Gimpel, 2016, section 2, where tanh(u) = 2 logistic(2u) - 1."""
    return 2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)


def softplus(x):
    return np.logaddexp(0, x)


def expm1_below(x):
    """``exp(x) - 1`` of the negative x; 0 of the others."""
    return np.expm1(np.minimum(x, 0))


SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170430


# name: value of the input x, derivative with respect to x in terms of what the row
# reads: the output y, or the input x where tables.ACTIVATION_READS says so. The second
# argument is the function's own option.
ACTIVATIONS = {
    "identity": (lambda x, _=0: x, lambda y, _=0: np.ones_like(y)),
    "relu": (lambda x, _=0: np.maximum(x, 0), lambda y, _=0: (y > 0).astype(float)),
    "logistic": (lambda x, _=0: logistic(x), lambda y, _=0: y * (1 - y)),
    "tanh": (lambda x, _=0: np.tanh(x), lambda y, _=0: 1 - y**2),
    "exponential": (lambda x, _=0: np.exp(x), lambda y, _=0: y),
    "leaky_relu": (
        lambda x, slope=0.01: np.where(x < 0, slope * x, x),
        lambda y, slope=0.01: np.where(y > 0, 1, slope),
    ),
    "elu": (
        lambda x, alpha=1.0: np.maximum(x, 0) + alpha * expm1_below(x),
        lambda y, alpha=1.0: np.where(y > 0, 1, y + alpha),
    ),
    "selu": (
        lambda x, _=0: SELU_SCALE * (np.maximum(x, 0) + SELU_ALPHA * expm1_below(x)),
        lambda y, _=0: np.where(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA),
    ),
    "gelu": (
        lambda x, _=0: x * special.ndtr(x),
        lambda x, _=0: special.ndtr(x) + x * gaussian(x),
    ),
    "gelu_tanh": (
        lambda x, _=0: x * logistic(gelu_argument(x)),
        lambda x, _=0: (
            logistic(gelu_argument(x))
            + x
            * logistic(gelu_argument(x))
            * logistic(-gelu_argument(x))
            * 2
            * np.sqrt(2 / np.pi)
            * (1 + 3 * 0.044715 * x**2)
        ),
    ),
    "silu": (
        lambda x, _=0: x * logistic(x),
        lambda x, _=0: logistic(x) + x * logistic(x) * logistic(-x),
    ),
    "mish": (
        lambda x, _=0: x * np.tanh(softplus(x)),
        lambda x, _=0: (
            np.tanh(softplus(x)) + x * logistic(x) / np.cosh(softplus(x)) ** 2
        ),
    ),
    "softplus": (lambda x, _=0: softplus(x), lambda y, _=0: -np.expm1(-y)),
    "softsign": (lambda x, _=0: x / (1 + abs(x)), lambda y, _=0: (1 - abs(y)) ** 2),
    "hard_sigmoid": (
        lambda x, _=0: np.clip((x + 3) / 6, 0, 1),
        lambda y, _=0: ((y > 0) & (y < 1)) / 6,
    ),
    "hard_swish": (
        lambda x, _=0: x * np.clip((x + 3) / 6, 0, 1),
        lambda x, _=0: np.where(x < -3, 0, np.where(x > 3, 1, (2 * x + 3) / 6)),
    ),
}


def add(a, b, activation="identity", *option):
    """``activation(a + b)``, b broadcast to the shape of a."""
    return ACTIVATIONS[activation][0](a + b, *option)


def slope(x, activation, *option):
    """The derivative of an activation at x."""
    value, slope_of = ACTIVATIONS[activation]
    reads_input = tables.ACTIVATION_READS[activation] == "input"
    return slope_of(x if reads_input else value(x, *option), *option)


def add_adjoint(dy, a, b, activation):
    """Gradients of a and b: b's is summed over the axes that it was broadcast over."""
    da = dy * slope(a + b, activation)
    padded = (1,) * (da.ndim - b.ndim) + b.shape
    axes = tuple(i for i, n in enumerate(padded) if n == 1)
    return da, da.sum(axis=axes, keepdims=True).reshape(b.shape)


def softmax_adjoint(dy, y):
    """The Jacobian of the softmax is ``diag(y) - y y^T``, for each row."""
    return np.array(
        [(np.diag(p) - np.outer(p, p)) @ d for p, d in zip(y, dy, strict=True)]
    ).reshape(y.shape)


# --------------------------------------------------------------------------- losses

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


# ----------------------------------------------------------------------- optimizers


def sgd(w, g, slots, h, rate):
    """Momentum, plain or Nesterov's: Sutskever et al., ICML 2013, equations 1 to 4.

    The velocity is a sum of steps, then h[5] and h[2] are not 0, or one of gradients,
    then h[4] and h[6] are not.
    """
    velocity = slots[0]
    velocity[:] = h[1] * velocity + (h[4] - h[5] * rate) * g
    w += (h[2] - h[6] * rate) * velocity - h[3] * rate * g


def moments(g, slots, h):
    mean, square = slots[:2]
    mean[:] = h[1] * mean + h[2] * g
    square[:] = h[3] * square + h[4] * g**2
    return mean, square


def adam(w, g, slots, h, rate):
    """Kingma and Ba, ICLR 2015, algorithm 1 in the order of the end of section 2."""
    mean, square = moments(g, slots, h)
    w -= rate * mean / (np.sqrt(square) + h[5])


def amsgrad(w, g, slots, h, rate):
    """Reddi, Kale and Kumar, ICLR 2018, algorithm 2."""
    mean, square = moments(g, slots, h)
    slots[2][:] = np.maximum(slots[2], square)
    w -= rate * mean / (np.sqrt(slots[2]) + h[5])


def nadam(w, g, slots, h, rate):
    """Dozat, ICLR workshop 2016, algorithm 2: gradient and mean are mixed."""
    mean, square = moments(g, slots, h)
    w -= rate * (h[6] * g + h[7] * mean) / (np.sqrt(square) + h[5])


def rmsprop(w, g, slots, h, rate):
    """Tieleman and Hinton, 2012, with a running sum of the steps."""
    square, steps = slots[:2]
    square[:] = h[1] * square + h[2] * g**2
    steps[:] = h[3] * steps + g / (np.sqrt(square) + h[4])
    w -= rate * steps


def rmsprop_centered(w, g, slots, h, rate):
    """Graves, 2013, equations 38 to 41, but for where epsilon stands."""
    square, steps, mean = slots
    square[:] = h[1] * square + h[2] * g**2
    mean[:] = h[1] * mean + h[2] * g
    variance = np.maximum(square - mean**2, 0)
    steps[:] = h[3] * steps + g / (np.sqrt(variance) + h[4])
    w -= rate * steps


def adagrad(w, g, slots, h, rate):
    """Duchi, Hazan and Singer, JMLR 2011, with diagonal matrices."""
    slots[0] += g**2
    w -= rate * g / (np.sqrt(h[2] + slots[0]) + h[1])


def adadelta(w, g, slots, h, rate):
    """Zeiler, 2012, algorithm 1."""
    square, moved = slots
    square[:] = h[1] * square + h[2] * g**2
    move = np.sqrt(moved + h[3]) / np.sqrt(square + h[3]) * g
    moved[:] = h[1] * moved + h[2] * move**2
    w -= rate * move


def lion(w, g, slots, h, rate):
    """Chen et al., NeurIPS 2023, algorithm 2."""
    mean = slots[0]
    w -= rate * np.sign(h[1] * mean + h[2] * g)
    mean[:] = h[3] * mean + h[4] * g


OPTIMIZERS = {
    rule.__name__: rule
    for rule in (
        *(sgd, adam, amsgrad, nadam, rmsprop, rmsprop_centered),
        *(adagrad, adadelta, lion),
    )
}


def penalty(blocks, parameters, weight):
    """What regularizers add to the mean loss of samples, and the gradient of that.

    Keras' do so whatever the samples, scikit-learn's is divided by their weight.
    """
    value, gradient = 0.0, np.zeros_like(parameters)
    for block in blocks[blocks["trainable"] == 1]:
        at = slice(block["offset"], block["offset"] + block["size"])
        w, l2 = parameters[at], block["l2"] + block["penalty"] / 2 / weight
        value += block["l1"] * np.sum(abs(w)) + l2 * np.sum(w**2)
        gradient[at] = block["l1"] * np.sign(w) + 2 * l2 * w
    return value, gradient


def limit_norms(blocks, parameters):
    """Srivastava et al., JMLR 2014, section 5.1, in place."""
    limited = (blocks["trainable"] == 1) & (blocks["max_norm"] > 0)
    for block in blocks[limited]:
        at = slice(block["offset"], block["offset"] + block["size"])
        w = parameters[at].reshape(-1, block["columns"])
        norm = np.linalg.norm(w, axis=0)
        w *= np.where(norm > block["max_norm"], block["max_norm"] / norm, 1)


def update(blocks, parameters, gradients, weight, rule, state, h):
    """One step in place; returns the penalty of the mean loss from before it.

    The gradient is that of the mean over the sum of weights, penalty included. It is
    clipped before the optimizer's own weight decay is added, or stands beside the step.
    Running statistics make room for their gradients, whatever the optimizer.
    """
    for block in blocks[blocks["running"] > 0]:
        at = slice(block["offset"], block["offset"] + block["size"])
        parameters[at] = (1 - block["running"]) * parameters[at] + gradients[at]
    value, slope = penalty(blocks, parameters, weight)
    pieces = []
    for block in blocks[blocks["trainable"] == 1]:
        at = slice(block["offset"], block["offset"] + block["size"])
        pieces.append((block, at, gradients[at] / weight + slope[at]))
    factor = 1.0
    if h[tables.CLIP_NORM]:
        norm = np.sqrt(sum(np.sum(g**2) for _, _, g in pieces))
        factor = min(1, h[tables.CLIP_NORM] / (norm + 1e-6))
    for block, at, g in pieces:
        g, w = factor * g, parameters[at]
        if h[tables.CLIP_VALUE]:
            g = np.clip(g, -h[tables.CLIP_VALUE], h[tables.CLIP_VALUE])
        g += h[tables.COUPLED_DECAY] * block["weight_decay"] * w
        decay = h[tables.DECOUPLED_DECAY] * block["weight_decay"]
        w -= decay * block["learning_rate"] * w
        OPTIMIZERS[rule](w, g, state[:, at], h, h[0] * block["learning_rate"])
    limit_norms(blocks, parameters)
    return value


# ------------------------------------------------------------------- ops of a plan


@dataclass
class Walk:
    """What a walk over the ops of a plan leaves behind."""

    weight: np.ndarray
    gradients: np.ndarray
    values: dict = field(default_factory=dict)  # flat arrays, by number of tensor
    loss: float = 0.0
    reported: float = 0.0
    seed: int = 0  # of the random masks
    step: int = 0
    functions: tuple = ()  # of custom losses
    params: np.ndarray | None = None
    read: Callable | None = None  # the present value of a tensor, by its number


def matrices(flat, count, rows, columns, lead, stride):
    """Matrices in flat memory: their rows lie lead apart, and they stride apart."""
    assert (count - 1) * stride + (rows - 1) * lead + columns <= flat.size
    item = flat.itemsize
    return as_strided(flat, (count, rows, columns), (stride * item, lead * item, item))


def positions(dim, stride):
    """Where an operand with these strides is read, for each place of shape dim."""
    return sum(
        step * place for step, place in zip(stride, np.indices(dim), strict=True)
    )


def run_product(walk, op, dim, a, b, *_):
    count, m, n, k = dim
    shape_a = (k, m) if op["transpose"] & 1 else (m, k)
    shape_b = (n, k) if op["transpose"] & 2 else (k, n)
    a = matrices(a, count, *shape_a, op["lead"][0], op["stride"][0])
    b = matrices(b, count, *shape_b, op["lead"][1], op["stride"][1])
    if op["transpose"] & 1:
        a = a.transpose(0, 2, 1)
    if op["transpose"] & 2:
        b = b.transpose(0, 2, 1)
    assert op["lead"][2] == n
    return (a @ b,)


def run_add(walk, op, dim, a, b, *_):
    b = 0 if b is None else b[positions(dim, op["stride"])]
    name, option = tables.ACTIVATIONS[op["code"]], op["scalar"][0]
    return (add(a.reshape(dim), b, name, option),)


def run_add_gradient(walk, op, dim, dy, saved, *_):
    slope_of = ACTIVATIONS[tables.ACTIVATIONS[op["code"]]][1]
    da = dy if saved is None else dy * slope_of(saved, op["scalar"][0])
    return da, np.bincount(positions(dim, op["stride"]).ravel(), da)


def head(op, dim, values):
    """The columns of a table that belong to one of several heads side by side."""
    start = op["stride"][0]
    return values.reshape(dim[2], -1)[:, start : start + dim[3]]


def run_prelu(walk, op, dim, x, slope, *_):
    slope = slope[positions(dim, op["stride"])]
    return (np.where(x.reshape(dim) < 0, slope, 1) * x.reshape(dim),)


def run_prelu_gradient(walk, op, dim, dy, x, slope, *_):
    places = positions(dim, op["stride"]).ravel()
    dx = dy * np.where(x > 0, 1, slope[places])
    return dx, np.bincount(places, dy * np.minimum(x, 0))


def run_row_norm(walk, op, dim, x, scale, offset, *_):
    x = x.reshape(dim[2:])
    if op["code"] == tables.ROW_NORMS["layer_norm"]:
        x = x - x.mean(axis=1, keepdims=True)
    root = np.sqrt(np.mean(x**2, axis=1, keepdims=True) + op["scalar"][0])
    h = x / root
    y = h * (1 if scale is None else scale) + (0 if offset is None else offset)
    return y, np.hstack([h, root])


def run_row_norm_gradient(walk, op, dim, dy, x, scale, saved, *_):
    """dx is ``(g - mean(g) - h mean(g h)) / root``, means over rows, and the first one
    for those that lost theirs."""
    dy = dy.reshape(dim[2:])
    h, root = np.split(saved.reshape(dim[2], -1), [dim[3]], axis=1)
    g = dy * (1 if scale is None else scale)
    dx = g - h * np.mean(g * h, axis=1, keepdims=True)
    if op["code"] == tables.ROW_NORMS["layer_norm"]:
        dx -= g.mean(axis=1, keepdims=True)
    return dx / root, np.sum(dy * h, axis=0), dy.sum(axis=0)


def run_softmax(walk, op, dim, z, *_):
    y = walk.values.get(op["output"][0], np.zeros(z.shape)).copy()
    head(op, dim, y)[:] = softmax(head(op, dim, z), axis=1)
    return (y,)


def run_softmax_gradient(walk, op, dim, dy, y, *_):
    return (softmax_adjoint(dy.reshape(dim[2:]), y.reshape(dim[2:])),)


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
    weight = op["scalar"][0] * np.repeat(walk.weight, op["dim"][2])
    options = op["scalar"][2:][: N_OPTIONS.get(name, 0)]
    value, gradient = loss_of_rows(
        name, head(op, dim, z), y[:, first : first + dim[3]], options
    )
    keep(walk, op, weight @ value)
    dz = walk.values.get(op["output"][0], np.zeros(z.shape)).copy()
    head(op, dim, dz)[:] = weight[:, np.newaxis] * gradient
    return (dz,)


def run_dropout(walk, op, dim, x, *_):
    rate, scale, shift, value = op["scalar"]
    kept = keeps(walk.seed, walk.step, op["code"], *dim[2:], rate)
    return (np.where(kept, scale * x.reshape(dim[2:]) + shift, value),)


def run_gaussian_noise(walk, op, dim, x, *_):
    z = normal(walk.seed, walk.step, op["code"], *dim[2:])
    return (x.reshape(dim[2:]) + op["scalar"][0] * z,)


def batch_norm(x, mean, variance, epsilon, scale=1, offset=0):
    """Ioffe and Szegedy, ICML 2015, algorithm 1, for each column of x."""
    return scale * (x - mean) / np.sqrt(variance + epsilon) + offset


def batch_norm_adjoint(dy, x, epsilon, scale=1):
    """The same, below algorithm 1: the gradient of x through all three of its paths."""
    mean, variance = x.mean(axis=0), x.var(axis=0)
    deviation = np.sqrt(variance + epsilon)
    d_normalised = dy * scale
    d_variance = np.sum(d_normalised * (x - mean), axis=0) * -(deviation**-3) / 2
    d_mean = -d_normalised.sum(axis=0) / deviation
    d_mean += d_variance * np.mean(-2 * (x - mean), axis=0)
    along_variance = d_variance * 2 * (x - mean) / len(x)
    return d_normalised / deviation + along_variance + d_mean / len(x)


# What the compiled code keeps of a batch, here: its mean, its sum of squared deviations
# and the number of rows; then its mean, 1 / sqrt(variance + epsilon), that times scale,
# and offset.


def run_reduce(walk, op, dim, x, mask, *_):
    x, passes, kept = reduced(walk, op, dim, x, mask)
    count = np.sum(passes, axis=kept, keepdims=True)
    name = ("mean", "sum", "max")[op["code"]]
    if name == "max":
        y = np.max(np.where(passes, x, -np.inf), axis=kept, keepdims=True)
        count = np.sum(passes & (x == y), axis=kept, keepdims=True)
        y = np.where(count, y, 0)
    else:
        y = np.sum(np.where(passes, x, 0), axis=kept, keepdims=True)
    share = np.where(count, 1 / np.maximum(count, 1), 0)
    return y * share if name == "mean" else y, share


def run_reduce_gradient(walk, op, dim, dy, x, y, share, mask, *_):
    shape = dim[2:].prod()
    x, passes, kept = reduced(walk, op, dim, np.zeros(shape) if x is None else x, mask)
    of_results = np.sum(x, axis=kept, keepdims=True).shape
    if y is not None:
        passes = passes & (x == y.reshape(of_results))
    each = dy if share is None else dy * share
    return (np.where(passes, each.reshape(of_results), 0),)


def reduced(walk, op, dim, x, mask):
    """x with an axis for each that the op names, what passes, and axes to sum over."""
    rank, *rest = walk.params[op["params"] :].tolist()
    lengths, y_steps, mask_steps = np.reshape(rest[: 3 * rank], (3, rank)).tolist()
    x = x.reshape(-1, *lengths)
    passes = np.ones(x.shape, bool)
    if mask is not None:
        steps = [rest[3 * rank + 2], *mask_steps]
        bytes_apart = [step * mask.itemsize for step in steps]
        passes = np.lib.stride_tricks.as_strided(mask, x.shape, bytes_apart) != 0
    return x, passes, tuple(i + 1 for i, step in enumerate(y_steps) if not step)


def run_batch_moments(walk, op, dim, x, *_):
    x = x.reshape(dim[2:])
    return (np.array([x.mean(axis=0), x.var(axis=0) * len(x)]),)


def table(mean, variance, epsilon, scale, offset):
    inverse = 1 / np.sqrt(variance + epsilon)
    factor = inverse if scale is None else inverse * scale
    mean, offset = (0 * inverse if row is None else row for row in (mean, offset))
    return np.array([mean, inverse, factor, offset])


def run_batch_statistics(walk, op, dim, moments, running_variance, scale, offset, *_):
    rows, (mean, square) = dim[2], moments.reshape(2, -1)
    epsilon, momentum = op["scalar"][:2]
    unbiased = square / (rows - 1) if rows > 1 else running_variance
    # An earlier use of the layer has moved the running statistics before.
    kept = 1 - momentum if op["accumulate"] else 0
    moved = [
        kept * walk.read(number) + momentum * value
        for number, value in zip(op["output"][1:3], (mean, unbiased), strict=True)
    ]
    return table(mean, square / rows, epsilon, scale, offset), *moved


def run_running_statistics(walk, op, dim, mean, variance, scale, offset, *_):
    return (table(mean, variance, op["scalar"][0], scale, offset),)


def run_batch_norm(walk, op, dim, x, table, *_):
    mean, _, factor, offset = table.reshape(4, -1)
    return ((x.reshape(dim[2:]) - mean) * factor + offset,)


def run_batch_norm_sums(walk, op, dim, dy, x, table, *_):
    mean, inverse, _, _ = table.reshape(4, -1)
    dy, x = dy.reshape(dim[2:]), x.reshape(dim[2:])
    return dy.sum(axis=0), np.sum(dy * (x - mean) * inverse, axis=0)


def run_batch_correction(walk, op, dim, sums, products, table, *_):
    return (np.array([sums, products * table.reshape(4, -1)[1]]) / dim[2],)


def run_batch_norm_gradient(walk, op, dim, dy, x, table, correction, *_):
    mean, _, factor, _ = table.reshape(4, -1)
    shift, slope = correction.reshape(2, -1)
    dy, x = dy.reshape(dim[2:]), x.reshape(dim[2:])
    return (factor * (dy - shift - slope * (x - mean)),)


def run_custom_loss(walk, op, dim, z, y, *_):
    n = len(walk.weight)
    function = walk.functions[op["code"]]
    loss, gradient = function(y.reshape(n, -1), z.reshape(n, -1))
    walk.loss += walk.weight @ loss
    walk.reported += walk.weight @ loss
    return (walk.weight[:, np.newaxis] * gradient,)


def keep(walk, op, loss):
    walk.loss += loss
    walk.reported += op["scalar"][1] * loss


OPS = {
    "product": run_product,
    "add": run_add,
    "add_gradient": run_add_gradient,
    "softmax": run_softmax,
    "softmax_gradient": run_softmax_gradient,
    "loss": run_loss,
    "dropout": run_dropout,
    "gaussian_noise": run_gaussian_noise,
    "prelu": run_prelu,
    "prelu_gradient": run_prelu_gradient,
    "row_norm": run_row_norm,
    "row_norm_gradient": run_row_norm_gradient,
    "reduce": run_reduce,
    "reduce_gradient": run_reduce_gradient,
    "batch_moments": run_batch_moments,
    "batch_statistics": run_batch_statistics,
    "running_statistics": run_running_statistics,
    "batch_norm": run_batch_norm,
    "batch_norm_sums": run_batch_norm_sums,
    "batch_correction": run_batch_correction,
    "batch_norm_gradient": run_batch_norm_gradient,
    "custom_loss": run_custom_loss,
}


def walk(plan, parameters, X, y=None, weight=None, phase="train", masks=(0, 0)):
    """Run the ops of one phase, in order, on all rows at once.

    masks: seed and step of the random masks.
    """
    n = len(X)
    parameters = np.asarray(parameters, np.float64)
    done = Walk(np.ones(n) if weight is None else weight, np.zeros(plan.n_parameters))
    done.seed, done.step = masks
    done.functions, done.params = plan.functions, plan.params

    computed = ("activation", "statistic")  # spaces

    def space_of(number):
        (space,) = (
            name
            for name, code in tables.SPACES.items()
            if code == plan.tensors[number]["space"]
        )
        return space

    def read(number):
        if number < 0:
            return None
        tensor = plan.tensors[number]
        at = slice(tensor["train_offset"], tensor["train_offset"] + tensor["size"])
        space = space_of(number)
        if space in computed:
            return done.values[number]
        return {
            "input": np.ravel(X),
            "target": np.ravel(y),
            "parameter": parameters[at],
            "gradient": done.gradients[at],
        }[space]

    done.read = read
    for op in plan.ops:
        if not op["phase"] & tables.PHASES[phase]:
            continue
        kind = {code: name for name, code in tables.KINDS.items()}[op["kind"]]
        scaled = [n if op["scaled"] >> i & 1 else 1 for i in range(4)]
        outputs = OPS[kind](done, op, op["dim"] * scaled, *map(read, op["input"]))
        for number, value in zip(op["output"], outputs, strict=False):
            if number < 0:
                continue
            # What is added to is the gradient of a parameter, never a value that flows;
            # what moves running statistics has been added up.
            if space_of(number) in computed:
                done.values[number] = np.ravel(value)
            elif op["accumulate"] and kind != "batch_statistics":
                read(number)[:] += np.ravel(value)
            else:
                read(number)[:] = np.ravel(value)
    return done


def predict(plan, parameters, X):
    """The network's outputs, the link applied."""
    values = walk(plan, parameters, X, phase="predict").values
    return values[plan.output].reshape(len(X), plan.n_outputs)


# --------------------------------------------------------------------------- epochs


def epoch(
    plan, parameters, X, y, weight, order, batch_size, rule, state, table, average=None
):
    """One step for each row of table, in place; returns the loss as it is reported.

    That is the mean over the rows of their batch's mean loss with its penalty, the sum
    that scikit-learn's multi-layer perceptrons keep in ``loss_curve_``.
    """
    total = 0.0
    for step, h in enumerate(table):
        rows = order[step * batch_size : (step + 1) * batch_size]
        weight_sum = weight[rows].sum()
        if weight_sum > 0:
            done = walk(plan, parameters, X[rows], y[rows], weight[rows])
            value = update(
                plan.blocks, parameters, done.gradients, weight_sum, rule, state, h
            )
            total += len(rows) * (done.reported / weight_sum + value)
        if rate := h[tables.AVERAGE_RATE]:
            earlier = (1 - rate) * average if rate < 1 else 0
            average[:] = earlier + rate * parameters
    return total / len(X)


def keeps(seed, step, number, rows, columns, rate):
    """Which numbers dropout keeps.

    Each takes 16 bits of Philox. A block of 128 is for eight numbers of a row, which
    lie as far apart as there are blocks a row.
    """
    rows, columns = int(rows), int(columns)
    blocks = -(-columns // 8)
    out = np.zeros((rows, 8 * blocks), bool)
    for row, block in product(range(rows), range(blocks)):
        words = philox(seed, row * blocks + block, step << 16 | int(number))
        bits = [half for word in words for half in (word & 0xFFFF, word >> 16)]
        out[row, block::blocks] = np.array(bits) >= rate * 65536
    return out[:, :columns]


def normal(seed, step, number, rows, columns):
    """Normal numbers: Box and Muller, Annals of Mathematical Statistics 29, 1958.

    Two words of Philox, of 32 bits, become two independent numbers, by their distance
    from the origin and their angle. A block of four is for four numbers of a row, which
    lie as far apart as there are blocks a row. The first word of two counts from 1 in
    units of 2**-32, or of 2**-24 if it is that large, so that float32 can hold it.
    """
    rows, columns = int(rows), int(columns)
    blocks = -(-columns // 4)
    out = np.zeros((rows, 4 * blocks))
    for row, block in product(range(rows), range(blocks)):
        words = philox(seed, row * blocks + block, step << 16 | int(number))
        for pair, (radial, angular) in enumerate((words[:2], words[2:])):
            unit = 2**8 if radial >= 2**24 else 1
            u = (radial // unit + 1) * unit / 2**32
            # The upper two bits are quarter turns; the rest is up to half of one.
            quarter, rest = divmod(angular, 2**30)
            turns = quarter / 4 + ((rest / 2**30 + 0.5) % 1 - 0.5) / 4
            point = np.sqrt(-2 * np.log(u)) * np.exp(2j * np.pi * turns)
            at = 2 * pair * blocks + block
            out[row, [at, at + blocks]] = point.real, point.imag
    return out[:, :columns]


def philox(key, position, stream=0):
    """Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
    SC 2011; key, position and stream are below 2**64. Returns four words of 32 bits.
    """
    words = [position & 0xFFFFFFFF, position >> 32, stream & 0xFFFFFFFF, stream >> 32]
    keys = [key & 0xFFFFFFFF, key >> 32]
    for _ in range(10):
        first, second = 0xD2511F53 * words[0], 0xCD9E8D57 * words[2]
        words = [
            (second >> 32) ^ words[1] ^ keys[0],
            second & 0xFFFFFFFF,
            (first >> 32) ^ words[3] ^ keys[1],
            first & 0xFFFFFFFF,
        ]
        keys = [
            (keys[0] + 0x9E3779B9) & 0xFFFFFFFF,
            (keys[1] + 0xBB67AE85) & 0xFFFFFFFF,
        ]
    return words


def shuffled(n, seed):
    """The order in which an epoch visits n rows."""
    order = np.arange(n)
    np.random.RandomState(seed).shuffle(order)
    return order
