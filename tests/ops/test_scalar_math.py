"""The elementary functions, through the activations and losses that use them."""

import numpy as np
import pytest
import reference
from cases import predict
from writers import ALL_LOSSES, parameter

from fastnn.engine.engine import Engine
from fastnn.losses import Quantile, SquaredError
from fastnn.plan import ops
from fastnn.plan.tables import ACTIVATIONS, ROW_LOSSES
from fastnn.plan.tape import Tape

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])

ROW_VARIANTS = [name for name, loss in ALL_LOSSES.items() if loss.name in ROW_LOSSES]

# Units in the last place. The formulas claim about one; logistic and tanh divide.
ULPS = 4


def activation_of(name, x):
    """The compiled activation of the numbers x, as one long row and as a column."""
    results = []
    for width in (len(x), 1):
        tape = Tape()
        z = ops.add(tape, tape.input((width,)), parameter(tape, "zero", (width,)), name)
        plan = tape.finish(SquaredError().lower(tape, z))
        zeros = np.zeros(plan.n_parameters, x.dtype)
        results.append(predict(plan, zeros, x.reshape(-1, width)).ravel())
    return results


def slope_of(name, x):
    """The compiled derivative of the activation at the numbers x."""
    tape = Tape()
    z = ops.add(tape, tape.input(x.shape), parameter(tape, "zero", x.shape))
    y = ops.add(tape, z, None, name)
    plan = tape.finish(Quantile(0.5).lower(tape, y))
    zeros = np.zeros(plan.n_parameters, x.dtype)
    # The gradient of the quantile loss is 1/2 where the target is below the output.
    below = np.full((1, x.size), -np.finfo(x.dtype).max, x.dtype)
    engine = Engine(plan, zeros, x[None], below, batch_size=1)
    engine.gradient()
    return 2 * engine.gradients[: x.size]


def loss_of(name, z, y):
    """Loss of one raw output, or one row of them, and its gradient; a batch each."""
    z = np.atleast_2d(z)
    tape = Tape()
    x = tape.input(z.shape[1:])
    raw = ops.add(tape, x, parameter(tape, "zero", z.shape[1:]))
    plan = tape.finish(ALL_LOSSES[name].lower(tape, raw))
    zeros = np.zeros(plan.n_parameters, z.dtype)
    values, gradients = [], []
    for row, target in zip(z, y, strict=True):
        engine = Engine(
            plan,
            zeros,
            row[None],
            np.array([target], z.dtype).reshape(1, -1),
            batch_size=1,
        )
        values.append(engine.gradient()[0])
        gradients.append(engine.gradients[: z.shape[1]].copy())
    return np.array(values), np.array(gradients)


def over_all_bits(dtype, n=40_001):
    """Numbers spread evenly over all bit patterns: every size, infinities and NaN."""
    bits = np.uint32 if dtype == np.float32 else np.uint64
    step = int(np.iinfo(bits).max) // n
    spread = (np.arange(n, dtype=bits) * bits(step)).view(dtype)
    spread = np.where(np.isnan(spread), dtype(np.nan), spread)  # no signalling ones
    return np.concatenate([spread, np.array([np.inf, -np.inf, np.nan, 0, -0.0], dtype)])


def over_the_curve(dtype):
    """Numbers where the functions bend, and where they over- or underflow."""
    return np.concatenate(
        [np.linspace(-20, 20, 20_011), np.linspace(-760, 760, 20_011)]
    ).astype(dtype)


def assert_close(actual, expected, ulps=ULPS, slack=0.0):
    """Within so many units in the last place of the expected values' dtype."""
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    finite = np.isfinite(expected)
    infinite = np.isinf(expected)
    np.testing.assert_array_equal(actual[infinite], expected[infinite])
    error = abs(actual[finite].astype(float) - expected[finite].astype(float))
    limit = ulps * np.spacing(abs(expected[finite])).astype(float)
    limit += np.broadcast_to(slack, expected.shape)[finite]
    worst = np.argmax(error - limit)
    assert error[worst] <= limit[worst], (
        actual[finite][worst],
        expected[finite][worst],
    )


# Where these fall off towards 0, they depend so much on their input that what its
# rounding does is all that can be asked for: units in the last place of x.
TAILS = {"gelu": 4, "gelu_tanh": 4, "silu": 1, "mish": 1, "hard_swish": 0}


@dtypes
@pytest.mark.parametrize("numbers", [over_all_bits, over_the_curve])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_over_the_whole_range(name, numbers, dtype):
    x = numbers(dtype)
    with np.errstate(all="ignore"):
        expected = reference.ACTIVATIONS[name][0](x.astype(float)).astype(dtype)
        slope = abs(reference.slope(x.astype(float), name))
    slack = 0.0
    if name in TAILS:
        x, expected, slope = (each[np.isfinite(x)] for each in (x, expected, slope))
        # Nor do all digits count where the number or a factor of it is denormal.
        lost = float(np.finfo(dtype).tiny)
        slack = lost + TAILS[name] * np.spacing(abs(x)) * np.nan_to_num(slope)
    for actual in activation_of(name, x):
        assert_close(actual, expected, slack=slack)


@dtypes
@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("identity", (-np.inf, np.inf)),
        ("relu", (0, np.inf)),
        ("logistic", (0, 1)),
        ("tanh", (-1, 1)),
        ("exponential", (0, np.inf)),
        ("leaky_relu", (-np.inf, np.inf)),
        ("elu", (-1, np.inf)),
        ("softplus", (0, np.inf)),
        ("hard_sigmoid", (0, 1)),
        ("hard_swish", (0, np.inf)),
        ("gelu", (np.nan, np.inf)),  # 0 times infinity, as in PyTorch
        ("gelu_tanh", (np.nan, np.inf)),
        ("silu", (np.nan, np.inf)),
        ("mish", (np.nan, np.inf)),
    ],
)
def test_activation_at_infinity(name, limits, dtype):
    for actual in activation_of(name, np.array([-np.inf, np.inf, np.nan], dtype)):
        np.testing.assert_array_equal(actual, [*limits, np.nan])


@dtypes
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_is_never_nan_for_a_finite_input(name, dtype):
    x = np.concatenate([np.linspace(-1e4, 1e4, 4001), np.linspace(-20, 20, 4001)])
    x = x.astype(dtype)
    values, slopes = activation_of(name, x)[0], slope_of(name, x)
    assert not np.isnan(values).any()
    assert not np.isnan(slopes).any()
    with np.errstate(over="ignore"):
        expected = reference.slope(x.astype(float), name)
    finite = expected < np.finfo(dtype).max
    # Slopes that are read from the output know it to rounding only.
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(
        slopes[finite], expected[finite], rtol=1e3 * eps, atol=16 * eps
    )


@dtypes
def test_tanh_keeps_the_digits_of_small_numbers(dtype):
    x = np.geomspace(1e-30, 1e-2, 301).astype(dtype)
    expected = np.tanh(x.astype(float)).astype(dtype)
    for actual in activation_of("tanh", np.concatenate([x, -x])):
        assert_close(actual, np.concatenate([expected, -expected]))


@dtypes
@pytest.mark.parametrize("label", [0, 1])
def test_log_loss_of_a_sure_output(label, dtype):
    # With p = logistic(z) rounded to 0 or 1 these would be infinite or nothing.
    z = np.concatenate([np.linspace(-1e4, 1e4, 101), np.linspace(-90, 90, 301)])
    z = z.astype(dtype)
    expected, slope = reference.LOSSES["log_loss"]
    z64 = z.astype(float)
    values, gradients = loss_of("log_loss", z[:, None], np.full(len(z), label))
    assert_close(
        values.astype(dtype),
        expected(z64, label).astype(dtype),
        slack=2 * float(np.finfo(dtype).tiny),  # denormal halves are flushed to zero
    )
    assert_close(
        gradients[:, 0],
        slope(z64, label).astype(dtype),
        slack=float(np.finfo(dtype).eps),
    )


@dtypes
@pytest.mark.parametrize("name", reference.LOSSES)
def test_loss_is_never_nan_for_a_finite_output(name, dtype):
    z = np.linspace(-1e4, 1e4, 201).astype(dtype)
    for target in (0.5 if name == "gamma" else 0, 1):
        values, gradients = loss_of(name, z[:, None], np.full(len(z), target))
        y = np.full(len(z), float(target))
        with np.errstate(over="ignore", invalid="ignore"):
            expected, slope = (f(z.astype(float), y) for f in reference.LOSSES[name])
            overflows = abs(expected) > np.finfo(dtype).max
            slope_overflows = abs(slope) > np.finfo(dtype).max
        assert not np.isnan(values).any()
        assert not np.isnan(gradients).any()
        np.testing.assert_array_equal(np.isinf(values), overflows)
        np.testing.assert_array_equal(np.isinf(gradients[:, 0]), slope_overflows)


@dtypes
@pytest.mark.parametrize("name", [*reference.LOSSES, *reference.ROW_LOSSES])
def test_loss_of_nan_is_nan(name, dtype):
    z = np.array(
        [[np.nan, 0, 0]] if name in reference.ROW_LOSSES else [[np.nan]], dtype
    )
    values, gradients = loss_of(name, z, row_targets(name, z))
    assert np.isnan(values).all()
    if name != "multi_margin":  # there, each output has its own part
        assert np.isnan(gradients).all()


def row_targets(name, z):
    """Targets for rows of outputs, different ones in each row."""
    rows = np.arange(len(z))[:, None]
    if name in ("cross_entropy", "focal", "multi_margin"):
        return rows % z.shape[1]
    shares = 1.0 + (rows + np.arange(z.shape[1])) % 3
    return shares / shares.sum(axis=1, keepdims=True) if z.shape[1] > 1 else rows**0


@dtypes
@pytest.mark.parametrize("name", ROW_VARIANTS)
def test_loss_of_far_rows_is_right(name, dtype):
    loss = ALL_LOSSES[name]
    far = np.concatenate([np.linspace(-1e4, 1e4, 41), np.linspace(-100, 100, 101)])
    z = np.stack(np.broadcast_arrays(far, far[::-1], 0, far / 2, 5e3), axis=1)
    z = z.astype(dtype)
    y = row_targets(loss.name, z).astype(dtype)
    values, gradients = loss_of(name, z, y)
    with np.errstate(under="ignore"):
        expected, slope = reference.ROW_LOSSES[loss.name](
            z.astype(float), y.astype(float), *getattr(loss, "_options", tuple)()
        )
    eps = np.finfo(dtype).eps
    # What is left of the difference of two numbers of 1e4 is rounded as these are.
    np.testing.assert_allclose(values, expected, rtol=16 * eps, atol=1e4 * eps)
    atol = 1e4 * eps if name == "multi_margin_squared" else 64 * eps
    np.testing.assert_allclose(gradients, slope, rtol=64 * eps, atol=atol)


@dtypes
def test_log_cosh_keeps_the_digits_of_small_errors(dtype):
    z = np.geomspace(1e-6, 10, 301).astype(dtype)
    values, gradients = loss_of("log_cosh", z[:, None], np.zeros(len(z)))
    d = z.astype(float)
    small = d < 0.5
    expected = np.where(
        small, -np.log1p(-(np.tanh(d) ** 2)) / 2, np.logaddexp(d, -d) - np.log(2)
    )
    rtol = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(values, expected, rtol=rtol)
    np.testing.assert_allclose(gradients[:, 0], np.tanh(d), rtol=rtol)


@dtypes
def test_focal_loss_of_a_sure_output(dtype):
    # 1 - p is the share of the other classes, which p itself has rounded away.
    z = np.array([[25.0, 0.0, 1.0]], dtype)
    (value,), gradient = loss_of("focal", z, [[0]])
    rest = np.exp(-25) + np.exp(-24)
    np.testing.assert_allclose(value, rest**3, rtol=1e-5)
    np.testing.assert_allclose(gradient[0, 0], -3 * rest**3, rtol=1e-4)


@dtypes
def test_poisson_has_the_logarithm_right(dtype):
    # With z = -104 the mean is nothing beside the other terms, y log(y) - y - y z.
    y = np.geomspace(1e-30, 1e30, 401).astype(dtype)
    values, _ = loss_of("poisson", np.full((len(y), 1), -104, dtype), y)
    y64 = y.astype(float)
    log = (values - np.exp(-104)) / y64 + 1 - 104
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(log, np.log(y64), rtol=0, atol=ULPS * 104 * eps)
    # Near one the logarithm is small; with z = 0 nothing large hides it.
    y = np.linspace(0.5, 2, 301).astype(dtype)
    values, _ = loss_of("poisson", np.zeros((len(y), 1), dtype), y)
    y64 = y.astype(float)
    log = (values - 1) / y64 + 1
    np.testing.assert_allclose(log, np.log(y64), rtol=0, atol=ULPS * 2 * eps)


@dtypes
def test_cross_entropy_of_far_outputs(dtype):
    z = np.zeros((81, 3))
    z[:, 1] = np.linspace(-1e4, 1e4, 81)
    z[:, 2] = 5e3
    z = z.astype(dtype)
    for label in range(3):
        labels = np.full(len(z), label)
        values, gradients = loss_of("cross_entropy", z, labels)
        expected, slope = reference.cross_entropy(z.astype(float), labels[:, None])
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(values, expected, rtol=ULPS * eps, atol=ULPS * eps)
        np.testing.assert_allclose(gradients, slope, rtol=ULPS * eps, atol=ULPS * eps)


@dtypes
@pytest.mark.parametrize("n_classes", [2, 3, 8, 9, 17, 33, 100])
def test_softmax(n_classes, dtype):
    rng = np.random.default_rng(n_classes)
    x = rng.normal(scale=30, size=(40, n_classes)).astype(dtype)
    x[0] = 1e4
    odd = x[:3].copy()
    odd[0, 0], odd[1, -1], odd[2, 0] = np.inf, np.nan, -np.inf
    tape = Tape()
    z = ops.add(tape, tape.input((n_classes,)), parameter(tape, "zero", (n_classes,)))
    plan = tape.finish(ALL_LOSSES["cross_entropy"].lower(tape, z))
    zeros = np.zeros(plan.n_parameters, dtype)
    of_odd = predict(plan, zeros, odd)
    assert np.isnan(of_odd[:2]).all()
    assert of_odd[2, 0] == 0
    np.testing.assert_allclose(of_odd[2].sum(), 1, rtol=ULPS * np.finfo(dtype).eps)
    actual = predict(plan, zeros, x)
    # The distance from the maximum is rounded, which alone costs eps times itself.
    expected = np.exp((x - x.max(axis=1, keepdims=True)).astype(float))
    expected /= expected.sum(axis=1, keepdims=True)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(
        actual, expected, rtol=2 * ULPS * eps, atol=np.finfo(dtype).tiny
    )
    np.testing.assert_allclose(actual.sum(axis=1), 1, rtol=ULPS * eps)
