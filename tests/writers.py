"""Networks that are written by hand, op by op, to be made plans of."""

from fastnn.initializers import Constant, GlorotUniform, Zeros
from fastnn.plan import ops


def parameter(tape, name, shape, **options):
    return tape.parameter(name, shape, GlorotUniform(), fan_in=1, fan_out=1, **options)


def dense(tape, x, name, units, activation="identity", **options):
    kernel = parameter(tape, f"{name}/kernel", (x.shape[-1], units), **options)
    bias = parameter(tape, f"{name}/bias", (units,), **options)
    return ops.add(tape, ops.product(tape, x, kernel), bias, activation)


def noisy(tape, x):
    """Noise over the input, a value that is used twice, and noise over noise."""
    x = ops.gaussian_noise(tape, x, 0.3)
    h = dense(tape, x, "hidden", 11, "tanh")
    z = ops.gaussian_noise(tape, ops.gaussian_noise(tape, h, 0.2), 0.7)
    return dense(tape, ops.add(tape, z, h), "output", 2)


def learned_slopes(tape, x):
    """A slope that is used twice, one for each column, and one that is not trained."""
    slope = parameter(tape, "slope", (1,))
    x = ops.prelu(tape, dense(tape, x, "first", 6), slope)
    x = ops.prelu(tape, dense(tape, x, "second", 6), slope)
    x = ops.prelu(tape, x, parameter(tape, "each", (6,)))
    return ops.prelu(tape, x, parameter(tape, "fixed", (6,), trainable=False))


def slopes_first(tape, x):
    """The slopes of the input, for which nobody wants the gradient of X."""
    return dense(tape, ops.prelu(tape, x, parameter(tape, "a", (5,))), "b", 2)


def slopes_of_each_sample(tape, x):
    """The slopes are a function of the sample."""
    slope = dense(tape, x, "slope", 1, "tanh")
    return ops.prelu(tape, dense(tape, x, "body", 4), slope)


def slopes_from(shape):
    def write(tape, x):
        y = ops.product(tape, x, parameter(tape, "kernel", (4, 4)))
        return ops.prelu(tape, y, parameter(tape, "slope", shape))

    return write


def normed(kind, trainable=(True, True)):
    """Rows of 21 and of 4, with scales and offsets that are used twice in turn."""

    def write(tape, x):
        x = ops.row_norm(tape, kind, dense(tape, x, "wide", 21), epsilon=0.1)
        scale, offset, other = (
            parameter(tape, name, (4,), trainable=trained)
            for name, trained in zip("abc", (*trainable, True), strict=True)
        )
        h = dense(tape, x, "narrow", 4, "tanh")
        y = ops.row_norm(tape, kind, h, scale, other, epsilon=0.1)
        y = ops.row_norm(tape, kind, ops.add(tape, h, y), scale, offset, epsilon=0.2)
        return ops.row_norm(tape, kind, y, None, offset, epsilon=0.3)

    return write


def normed_first(tape, x):
    """Rows of X, of which nobody wants the gradient, and below what is not trained."""
    scale, offset = (parameter(tape, name, (5,)) for name in "ab")
    x = ops.row_norm(tape, "layer_norm", x, scale, offset, epsilon=1e-5)
    fixed = parameter(tape, "fixed", (5,), trainable=False)
    x = ops.row_norm(tape, "rms_norm", x, fixed, epsilon=1e-5)
    return dense(tape, x, "output", 2)


def normed_above_frozen(tape, x):
    """What lies below the scale is not trained."""
    x = dense(tape, x, "below", 7, trainable=False)
    x = ops.row_norm(tape, "rms_norm", x, parameter(tape, "a", (7,)), epsilon=1e-5)
    return dense(tape, x, "output", 2)


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


def batch_norm(**options):
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


# Axes of samples of shape (3, 4, 5) that are reduced.
REDUCED = [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (-3, -2, -1)]
# Axes along which a mask is broadcast; None is no mask.
MASKED = [None, (), (0,), (2,), (0, 1), (1, 2)]


def reduced(kind, axes, broadcast=None):
    """Numbers of (3, 4, 5) that are reduced; a fixed function may mask some of them."""

    def write(tape, x):
        h = dense(tape, x, "hidden", 5, "tanh")
        mask = None
        if broadcast is not None:
            mask = dense(tape, x, "mask", 5, "relu", trainable=False)
            mask = ops.reduce(tape, "sum", mask, broadcast, keepdims=True)
        y = ops.reduce(tape, kind, h, axes, mask, keepdims=len(axes) == 3)
        return dense(tape, y, "output", 2)

    return write
