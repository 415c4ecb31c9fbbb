"""Networks that are written by hand, op by op, to be made plans of."""

from fastnn.initializers import Constant, GlorotUniform, Zeros


def parameter(lowering, name, shape, **options):
    return lowering.parameter(
        name, shape, GlorotUniform(), fan_in=1, fan_out=1, **options
    )


def dense(lowering, x, name, units, activation="identity", **options):
    kernel = parameter(lowering, f"{name}/kernel", (x.shape[-1], units), **options)
    bias = parameter(lowering, f"{name}/bias", (units,), **options)
    return lowering.add(lowering.product(x, kernel), bias, activation)


def noisy(lowering, x):
    """Noise over the input, a value that is used twice, and noise over noise."""
    x = lowering.gaussian_noise(x, 0.3)
    h = dense(lowering, x, "hidden", 11, "tanh")
    z = lowering.gaussian_noise(lowering.gaussian_noise(h, 0.2), 0.7)
    return dense(lowering, lowering.add(z, h), "output", 2)


def learned_slopes(lowering, x):
    """A slope that is used twice, one for each column, and one that is not trained."""
    slope = parameter(lowering, "slope", (1,))
    x = lowering.prelu(dense(lowering, x, "first", 6), slope)
    x = lowering.prelu(dense(lowering, x, "second", 6), slope)
    x = lowering.prelu(x, parameter(lowering, "each", (6,)))
    return lowering.prelu(x, parameter(lowering, "fixed", (6,), trainable=False))


def slopes_first(lowering, x):
    """The slopes of the input, for which nobody wants the gradient of X."""
    return dense(lowering, lowering.prelu(x, parameter(lowering, "a", (5,))), "b", 2)


def slopes_of_each_sample(lowering, x):
    """The slopes are a function of the sample."""
    slope = dense(lowering, x, "slope", 1, "tanh")
    return lowering.prelu(dense(lowering, x, "body", 4), slope)


def slopes_from(shape):
    def write(lowering, x):
        y = lowering.product(x, parameter(lowering, "kernel", (4, 4)))
        return lowering.prelu(y, parameter(lowering, "slope", shape))

    return write


def normed(kind, trainable=(True, True)):
    """Rows of 21 and of 4, with scales and offsets that are used twice in turn."""

    def write(lowering, x):
        x = lowering.row_norm(kind, dense(lowering, x, "wide", 21), epsilon=0.1)
        scale, offset, other = (
            parameter(lowering, name, (4,), trainable=trained)
            for name, trained in zip("abc", (*trainable, True), strict=True)
        )
        h = dense(lowering, x, "narrow", 4, "tanh")
        y = lowering.row_norm(kind, h, scale, other, epsilon=0.1)
        y = lowering.row_norm(kind, lowering.add(h, y), scale, offset, epsilon=0.2)
        return lowering.row_norm(kind, y, None, offset, epsilon=0.3)

    return write


def normed_first(lowering, x):
    """Rows of X, of which nobody wants the gradient, and below what is not trained."""
    scale, offset = (parameter(lowering, name, (5,)) for name in "ab")
    x = lowering.row_norm("layer_norm", x, scale, offset, epsilon=1e-5)
    fixed = parameter(lowering, "fixed", (5,), trainable=False)
    x = lowering.row_norm("rms_norm", x, fixed, epsilon=1e-5)
    return dense(lowering, x, "output", 2)


def normed_above_frozen(lowering, x):
    """What lies below the scale is not trained."""
    x = dense(lowering, x, "below", 7, trainable=False)
    x = lowering.row_norm("rms_norm", x, parameter(lowering, "a", (7,)), epsilon=1e-5)
    return dense(lowering, x, "output", 2)


def normalised(lowering, x, name, affine=True, momentum=0.1, statistics=None):
    """Batch normalisation, by statistics of its own or by those that are given."""
    shape = x.shape[-1:]
    scale = offset = None
    if affine:
        scale = parameter(lowering, f"{name}/scale", shape)
        offset = parameter(lowering, f"{name}/offset", shape)
    statistics = statistics or running(lowering, name, shape)
    return lowering.batch_norm(
        x, *statistics, scale, offset, momentum=momentum, epsilon=1e-2
    )


def running(lowering, name, shape):
    return [
        lowering.running_statistic(f"{name}/{what}", shape, initial)
        for what, initial in (
            ("running_mean", Zeros()),
            ("running_variance", Constant(1.0)),
        )
    ]


def batch_norm(**options):
    def write(lowering, x):
        for i, units in enumerate((6, 19)):
            kernel = parameter(lowering, f"kernel_{i}", (x.shape[-1], units))
            x = normalised(
                lowering, lowering.product(x, kernel), f"norm_{i}", **options
            )
            x = lowering.add(x, None, "tanh")
        return dense(lowering, x, "output", 2)

    return write


def batch_norm_used_twice(lowering, x):
    """One scale, one offset and one pair of running statistics, for two values."""
    x = dense(lowering, x, "first", 4, "tanh")
    statistics = running(lowering, "norm", (4,))
    scale, offset = (parameter(lowering, name, (4,)) for name in ("scale", "offset"))
    for i in range(2):
        kernel = parameter(lowering, f"kernel_{i}", (4, 4))
        x = lowering.batch_norm(
            lowering.product(x, kernel), *statistics, scale, offset,
            momentum=0.3, epsilon=1e-2,
        )  # fmt: skip
        x = lowering.add(x, None, "tanh")
    return x


def batch_norm_frozen(lowering, x):
    """A trained layer in front of one whose offset alone is trained."""
    kernel = parameter(lowering, "kernel", (5, 4))
    statistics = running(lowering, "norm", (4,))
    scale = parameter(lowering, "scale", (4,), trainable=False)
    offset = parameter(lowering, "offset", (4,))
    x = lowering.batch_norm(
        lowering.product(x, kernel), *statistics, scale, offset,
        momentum=0.1, epsilon=1e-2,
    )  # fmt: skip
    return dense(lowering, lowering.add(x, None, "tanh"), "output", 2)


def batch_norm_fixed(lowering, x):
    """Statistics that nothing moves, under a scale and an offset that are trained."""
    mean, variance = (
        parameter(lowering, f"norm/running_{what}", (4,), trainable=False)
        for what in ("mean", "variance")
    )
    scale, offset = (parameter(lowering, name, (4,)) for name in ("scale", "offset"))
    for i, own in enumerate(((scale, offset), (None, offset), (scale, None))):
        kernel = parameter(lowering, f"kernel_{i}", (x.shape[-1], 4))
        x = lowering.batch_norm(
            lowering.product(x, kernel), mean, variance, *own,
            momentum=0.1, epsilon=1e-2,
        )  # fmt: skip
        x = lowering.add(x, None, "tanh")
    return x
