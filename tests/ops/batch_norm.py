"""Batch normalisation, its adjoint, and its running statistics."""

import numpy as np
from writers import by_hand, dense, parameter

from fastnn.initializers import Constant, Zeros
from fastnn.layers import BatchNorm, Dense, Dropout, GlobalAveragePooling1D
from fastnn.losses import CrossEntropy, SquaredError
from fastnn.network import Sequential, lower
from fastnn.plan import ops


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


OPS = {
    "batch_moments": run_batch_moments,
    "batch_statistics": run_batch_statistics,
    "running_statistics": run_running_statistics,
    "batch_norm": run_batch_norm,
    "batch_norm_sums": run_batch_norm_sums,
    "batch_correction": run_batch_correction,
    "batch_norm_gradient": run_batch_norm_gradient,
}


def normalised(tape, x, name, affine=True, momentum=0.1, statistics=None):
    """Batch normalisation, by statistics of its own or by those that are given."""
    shape = x.shape[-1:]
    scale = offset = None
    if affine:
        scale = parameter(tape, f"{name}/scale", shape)
        offset = parameter(tape, f"{name}/offset", shape)
    statistics = statistics or running(tape, name, shape)
    return ops.batch_norm(
        tape, x, *statistics, scale, offset, momentum=momentum, epsilon=1e-2
    )


def running(tape, name, shape):
    return [
        tape.running_statistic(f"{name}/{what}", shape, initial)
        for what, initial in (
            ("running_mean", Zeros()),
            ("running_variance", Constant(1.0)),
        )
    ]


def two_norms(**options):
    def write(tape, x):
        for i, units in enumerate((6, 19)):
            kernel = parameter(tape, f"kernel_{i}", (x.shape[-1], units))
            x = normalised(tape, ops.product(tape, x, kernel), f"norm_{i}", **options)
            x = ops.add(tape, x, None, "tanh")
        return dense(tape, x, "output", 2)

    return write


def batch_norm_used_twice(tape, x):
    """One scale, one offset and one pair of running statistics, for two values."""
    x = dense(tape, x, "first", 4, "tanh")
    statistics = running(tape, "norm", (4,))
    scale, offset = (parameter(tape, name, (4,)) for name in ("scale", "offset"))
    for i in range(2):
        kernel = parameter(tape, f"kernel_{i}", (4, 4))
        x = ops.batch_norm(
            tape, ops.product(tape, x, kernel), *statistics, scale, offset,
            momentum=0.3, epsilon=1e-2,
        )  # fmt: skip
        x = ops.add(tape, x, None, "tanh")
    return x


def batch_norm_frozen(tape, x):
    """A trained layer in front of one whose offset alone is trained."""
    kernel = parameter(tape, "kernel", (5, 4))
    statistics = running(tape, "norm", (4,))
    scale = parameter(tape, "scale", (4,), trainable=False)
    offset = parameter(tape, "offset", (4,))
    x = ops.batch_norm(tape, ops.product(tape, x, kernel), *statistics, scale, offset,
        momentum=0.1, epsilon=1e-2,
    )  # fmt: skip
    return dense(tape, ops.add(tape, x, None, "tanh"), "output", 2)


def batch_norm_fixed(tape, x):
    """Statistics that nothing moves, under a scale and an offset that are trained."""
    mean, variance = (
        parameter(tape, f"norm/running_{what}", (4,), trainable=False)
        for what in ("mean", "variance")
    )
    scale, offset = (parameter(tape, name, (4,)) for name in ("scale", "offset"))
    for i, own in enumerate(((scale, offset), (None, offset), (scale, None))):
        kernel = parameter(tape, f"kernel_{i}", (x.shape[-1], 4))
        x = ops.batch_norm(tape, ops.product(tape, x, kernel), mean, variance, *own,
            momentum=0.1, epsilon=1e-2,
        )  # fmt: skip
        x = ops.add(tape, x, None, "tanh")
    return x


CASES = {
    "batch_norm": lambda: by_hand(two_norms()),
    "batch_norm_plain": lambda: by_hand(two_norms(affine=False)),
    "batch_norm_rank_2": lambda: by_hand(two_norms(), (3, 5)),
    "batch_norm_rank_3": lambda: by_hand(two_norms(), (2, 3, 4), "log_loss"),
    "batch_norm_used_twice": lambda: by_hand(batch_norm_used_twice),
    "batch_norm_frozen": lambda: by_hand(batch_norm_frozen),
    "batch_norm_fixed": lambda: by_hand(batch_norm_fixed),
    "batch_norm_fixed_rank_2": lambda: by_hand(batch_norm_fixed, (3, 5)),
    "batch_norm_first": lambda: lower(
        Sequential([BatchNorm(), Dense(6, "tanh"), Dropout(0.3), Dense(3)]),
        input_shape=(5,),
        loss=CrossEntropy(),
    ),
}

OVER_STEPS = {
    "batch_norm_over_steps": lambda: lower(
        Sequential(
            [BatchNorm(), Dense(4, "tanh"), BatchNorm(), GlobalAveragePooling1D()]
        ),
        input_shape=(None, 5),
        loss=SquaredError(),
    ),
}
