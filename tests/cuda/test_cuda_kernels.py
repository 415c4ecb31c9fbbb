"""The CUDA kernels of csrc against the reference, over odd sizes."""

import re
from itertools import product

import numpy as np
import pytest
import reference
from cases import draw, plan_of
from emulation import CSRC, EmulatedDevice, device_under_test, emulated_device
from pairs import in_pairs
from writers import ALL_LOSSES, by_hand, dense, outputs_for, parameter

from fastnn.engine.cuda.calls import THREADS
from fastnn.engine.cuda.ops.broadcast import SLAB_ROWS
from fastnn.engine.engine import Engine
from fastnn.initializers import Constant, Zeros
from fastnn.plan import ops
from fastnn.plan.ops.merge import MERGES
from fastnn.plan.tables import ACTIVATION_READS, ACTIVATIONS, LOSSES, OPTIMIZERS

ROWS = (1, 9, 131)
COLUMNS = (1, 31, 65, 300)


@pytest.fixture(autouse=True)
def blocks_of_a_card(monkeypatch):
    """With as many threads as on a card."""
    monkeypatch.setattr(EmulatedDevice, "most_threads", THREADS)


def square(tape, x):
    """A dense layer as wide as its input."""
    return dense(tape, x, "dense", x.shape[-1])


def row_norm(kind):
    def write(tape, x):
        shape = x.shape[-1:]
        scale, offset = (parameter(tape, name, shape) for name in ("scale", "off"))
        x = square(tape, x)
        return ops.row_norm(tape, kind, x, scale, offset, epsilon=1e-2)

    return write


def batch_norm(tape, x):
    shape = x.shape[-1:]
    statistics = [
        tape.running_statistic("norm/running_mean", shape, Zeros()),
        tape.running_statistic("norm/running_variance", shape, Constant(1.0)),
    ]
    scale, offset = (parameter(tape, name, shape) for name in ("scale", "offset"))
    return ops.batch_norm(
        tape, square(tape, x), *statistics, scale, offset, momentum=0.1, epsilon=1e-2
    )


def merged(merge):
    """Of a row, a number of each sample, and a parameter in the place of either."""

    def write(tape, x):
        y = merge(tape, square(tape, x), dense(tape, x, "number", 1))
        y = merge(tape, y, parameter(tape, "row", x.shape[-1:]))
        return merge(tape, parameter(tape, "shared", (1,)), square(tape, y))

    return write


OPS = {
    "product": square,
    "layer_norm": row_norm("layer_norm"),
    "rms_norm": row_norm("rms_norm"),
    "batch_norm": batch_norm,
    "softmax": lambda tape, x: ops.softmax(tape, square(tape, x)),
    "prelu": lambda tape, x: ops.prelu(
        tape, square(tape, x), parameter(tape, "slope", x.shape[-1:])
    ),
    "shared_prelu": lambda tape, x: ops.prelu(
        tape, square(tape, x), parameter(tape, "slope", (1,))
    ),
    "dropout": lambda tape, x: ops.dropout(
        tape, square(tape, x), 0.375, 1.5, shift=0.2, value=-0.7
    ),
    "gaussian_noise": lambda tape, x: ops.gaussian_noise(tape, square(tape, x), 0.3),
    "broadcast_add": merged(ops.broadcast_add),
    "multiply": merged(ops.multiply),
    "maximum": merged(ops.maximum),
    "scale": lambda tape, x: ops.scale(tape, square(tape, x), 1.5, 0.2),
}


def gradient_on(device, plan, data, **options):
    """Sums of the loss and gradients."""
    engine = Engine(
        plan, data.parameters, data.X, data.y, data.weight,
        batch_size=len(data.X), device=device, **options,
    )  # fmt: skip
    with engine:
        sums = engine.gradient()
    device.check()
    return sums, engine.gradients.copy()


def check_against_reference(plan, m):
    data = draw(plan, m)
    (loss, reported, weight), gradients = gradient_on(device_under_test(), plan, data)
    expected = reference.walk(plan, data.parameters, data.X, data.y, data.weight)
    np.testing.assert_allclose(loss, expected.loss, rtol=1e-12)
    np.testing.assert_allclose(reported, expected.reported, rtol=1e-12)
    np.testing.assert_allclose(weight, data.weight.sum(), rtol=1e-14)
    scale = abs(expected.gradients).max()
    np.testing.assert_allclose(
        gradients, expected.gradients, rtol=1e-9, atol=1e-11 * scale
    )


@in_pairs(name=OPS, m=ROWS, n=COLUMNS)
def test_ops_are_the_reference(name, m, n):
    check_against_reference(by_hand(OPS[name], (n,)), m)


@pytest.mark.parametrize(("k", "n"), [(600, 3), (3, 600), (528, 1028), (1100, 50)])
def test_products_of_many_terms_and_columns_are_the_reference(k, n):
    def write(tape, x):
        return dense(tape, dense(tape, x, "first", k), "second", n)

    check_against_reference(by_hand(write, (2,)), 9)


@pytest.mark.parametrize(("m", "n"), [(9, 31), (131, 65)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_are_the_reference(activation, m, n):
    def write(tape, x):
        return ops.add(tape, square(tape, x), None, activation)

    check_against_reference(by_hand(write, (n,)), m)


@in_pairs(activation=ACTIVATIONS, size=[(9, 31), (131, 65)], bias=[False, True])
def test_dropped_activations_are_the_reference(activation, size, bias):
    m, n = size

    def write(tape, x):
        own = parameter(tape, "own", (n,)) if bias else None
        x = ops.add(tape, square(tape, x), own, activation)
        return ops.dropout(tape, x, 0.375, 1.5, shift=0.2, value=-0.7)

    check_against_reference(by_hand(write, (n,)), m)


@pytest.mark.parametrize(("m", "n"), [(1, 5), (131, 33), (9, 300), (2600, 2)])
@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_losses_are_the_reference(loss, m, n):
    width = outputs_for(loss, n)

    def write(tape, x):
        return dense(tape, x, "dense", width)

    check_against_reference(by_hand(write, (3,), loss), m)


@pytest.mark.parametrize("rows", [SLAB_ROWS - 1, 2 * SLAB_ROWS, 5 * SLAB_ROWS - 3])
@pytest.mark.parametrize("widths", [(3, 40), (33, 65), (300, 3)])
def test_many_rows_are_summed_in_slabs(rows, widths, monkeypatch):
    # Of two layers, one with a slope and one without; chunks add to what others left.
    monkeypatch.setattr("fastnn.engine.cuda.ops.broadcast.SLAB_BLOCKS", 12)

    def write(tape, x):
        first = dense(tape, x, "first", widths[0], "tanh")
        return dense(tape, first, "second", widths[1])

    plan = by_hand(write, (2,))
    for most_bytes in (2**30, 2**17):
        monkeypatch.setattr("fastnn.engine.engine.DEVICE_CHUNK_BYTES", most_bytes)
        check_against_reference(plan, rows)


@pytest.mark.parametrize(
    "shape", [(1,), (7,), (5, 1), (40, 1), (3, 40, 2), (40, 1, 70)]
)
def test_sums_over_broadcast_axes_are_those_of_numpy(shape):
    # Up to four axes, of which any are summed over: outer, inner, both or none.
    rng = np.random.default_rng(0)
    dim = (1,) * (4 - len(shape)) + shape
    d = rng.normal(size=dim)
    for kept in product([False, True], repeat=len(shape)):
        kept = (False,) * (4 - len(shape)) + kept
        own = [n if keeps else 1 for n, keeps in zip(dim, kept, strict=True)]
        stride = [int(np.prod(own[i + 1 :])) * kept[i] for i in range(4)]
        before = rng.normal(size=own)
        axes = tuple(i for i in range(4) if not kept[i])
        # Rows side by side, and rows with something between them.
        lead = dim[3] + 3 * kept[-1]
        apart = np.full((d.size // dim[3], lead), np.nan)
        apart[:, : dim[3]] = d.reshape(-1, dim[3])
        for accumulate in (0, 1):
            for shares, block in product((1, 3), ((32, 8), (256, 1), (4, 2))):
                device = device_under_test()
                places = int(np.prod(own))
                buffer = device.empty(apart.size, float)
                sums = device.empty(places, float)
                device.upload(apart, buffer)
                device.upload(before, sums)
                device.kernel("broadcast", "reduce_f64")(
                    shares, block,
                    (buffer.address, lead, *dim, *stride, accumulate, sums.address),
                )  # fmt: skip
                actual = np.empty(own)
                device.download(sums, actual)
                device.check()
                expected = d.sum(axis=axes, keepdims=True) + accumulate * before
                np.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-12)


def test_moments_of_a_column_far_from_zero_keep_their_digits():
    rng = np.random.default_rng(0)
    x = (1e4 + rng.normal(size=(1000, 3))).astype(np.float32)
    device = device_under_test()
    buffer, moments = device.empty(x.size, np.float32), device.empty(6, np.float32)
    device.upload(x, buffer)
    arguments = 1000, 3, buffer.address, moments.address
    device.kernel("batch_norm", "batch_moments_f32")(1, (32, 8), arguments)
    actual = np.empty((2, 3), np.float32)
    device.download(moments, actual)
    exact = x.astype(float)
    np.testing.assert_allclose(actual[0], exact.mean(axis=0), rtol=2e-7)  # its last bit
    squares = ((exact - exact.mean(axis=0)) ** 2).sum(axis=0)
    np.testing.assert_allclose(actual[1], squares, rtol=1e-4)


ODD_PLANS = [
    "batch_norm", "layer_norm", "prelu", "softmax_inside", "dropout", "regularized",
    "tanh-cross_entropy", "tanh-focal", "residual_rank_3", "shared", "class_columns",
    "prelu_twice", "two_losses", "wide", "many_outputs", "noise", "norm_layers",
    "contrast_cut_off", "drawn_twice",
]  # fmt: skip


@pytest.mark.parametrize("name", ODD_PLANS)
def test_the_order_of_threads_does_not_change_a_bit(name, monkeypatch):
    # A race would, and a sum that is not taken in a fixed order.
    plan = plan_of(name)
    data = draw(plan, 37).astype(np.float32)
    forwards = gradient_on(emulated_device(), plan, data)
    monkeypatch.setattr("emulation.EmulatedDevice.reverse", True)
    backwards = gradient_on(emulated_device(), plan, data)
    assert forwards[0] == backwards[0]
    np.testing.assert_array_equal(forwards[1], backwards[1])


def kernel_names():
    """Every kernel that the sources define, without the suffix of its precision."""
    names = set()
    defined = re.compile(r"^ *KERNEL\(\s*(?:NAMED\()?(\w+)", re.MULTILINE)
    for path in CSRC.rglob("*.cu"):
        found = defined.findall(path.read_text())
        names |= {name for name in found if not name.endswith("_")}
    tables = {"add": ACTIVATIONS, "slope": ACTIVATIONS, "loss": LOSSES}
    # Biases are by themselves where a slope reads what they are added to.
    with_bias = [name for name, reads in ACTIVATION_READS.items() if reads != "input"]
    tables |= {"bias_gradient": with_bias, "step": OPTIMIZERS}
    tables["add_dropout"] = ACTIVATIONS
    tables |= dict.fromkeys(("merge_rows", "merge_gradient", "merge_sums"), MERGES)
    for prefix, rows in tables.items():
        names |= {f"{prefix}_{row}" for row in rows}
    return names


def test_the_library_has_every_kernel_of_both_precisions():
    library = emulated_device().library
    alone = {"settle", "gather_tokens"}
    names = kernel_names()
    assert alone < names
    for name in names - alone:
        for suffix in ("_f32", "_f64"):
            assert hasattr(library, name + suffix), name
