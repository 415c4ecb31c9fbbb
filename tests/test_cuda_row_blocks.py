"""Blocks of threads that own rows of the mini-batch: which plans, which launches."""

import numpy as np
import pytest
from cases import MAKERS, by_hand, draw, plan_of
from emulation import device_under_test, emulated_device, take_way
from test_cuda_engine import gradient_of
from writers import dense, parameter

from fastnn._core.tables import PHASES
from fastnn.cuda.row_blocks import (
    BLOCK_ROWS,
    _places_of_activations,
    can_share_rows,
    gains_by_row_blocks,
)
from fastnn.engine import Engine
from fastnn.layers import Dense
from fastnn.losses import CrossEntropy
from fastnn.network import Sequential, lower


def net(*widths):
    layers = [*(Dense(n, "relu") for n in widths[1:-1]), Dense(widths[-1])]
    return lower(Sequential(layers), input_shape=widths[:1], loss=CrossEntropy())


@pytest.mark.parametrize(
    ("widths", "batch_size", "gains"),
    [
        ((20, 64, 64, 3), 200, True),
        ((784, 100, 10), 200, True),
        ((4, 10, 3), 1, True),
        ((20, 64, 64, 3), 100_000, False),
        ((784, 512, 512, 10), 256, False),
        ((100, 1024, 1024, 10), 4096, False),
    ],
)
def test_small_steps_gain_and_large_ones_do_not(widths, batch_size, gains):
    assert gains_by_row_blocks(net(*widths), batch_size, 4) is gains


def test_what_looks_at_whole_batches_or_at_statistics_is_a_chain():
    chains = {name for name in MAKERS if not can_share_rows(plan_of(name))}
    assert chains == {name for name in MAKERS if name[:4] in ("batc", "cust")}


def launches_of(plan, data, monkeypatch):
    """Names and grids of what one call of gradient() launches."""
    device = emulated_device()
    find, launches = device.kernel, []

    def kernel(stem, name):
        run = find(stem, name)

        def launch(grid, block, arguments):
            launches.append((name, grid))
            run(grid, block, arguments)

        return launch

    monkeypatch.setattr(device, "kernel", kernel)
    gradient_of(plan, data, device)
    return launches


def test_a_step_is_two_launches(monkeypatch):
    take_way(monkeypatch, "row_blocks")
    plan = plan_of("deep")
    data = draw(plan, 4 * BLOCK_ROWS + 1)
    launches = dict(launches_of(plan, data, monkeypatch))
    assert set(launches) == {"row_blocks_f64", "sums_over_rows_f64"}
    assert launches["row_blocks_f64"] == 5
    # A tile for each kernel and a block for each bias, and one for the loss.
    assert launches["sums_over_rows_f64"] == 2 * 5 + 1


def tied(lowering, x):
    """One array is a kernel, a bias of two axes, and a kernel again."""
    both = parameter(lowering, "both", (5, 5))
    x = lowering.add(lowering.product(x, both), both, "tanh")
    x = dense(lowering, x, "between", 5, "tanh")
    return lowering.add(lowering.product(x, both), None, "tanh")


def normalised_thrice(lowering, x):
    """A scale and an offset that are used together first, and then one by one."""
    scale, offset = (parameter(lowering, name, (5,)) for name in ("scale", "offset"))
    for pair in ((scale, offset), (scale, None), (None, offset)):
        x = dense(lowering, x, f"dense_{pair}", 5, "tanh")
        x = lowering.row_norm("layer_norm", x, *pair, epsilon=0.1)
    return x


@pytest.mark.parametrize("write", [tied, normalised_thrice])
def test_gradients_of_different_ops_add_up_in_one_place(write, monkeypatch):
    take_way(monkeypatch, "row_blocks")
    plan = by_hand(write, (5, 5))
    assert can_share_rows(plan)
    data = draw(plan, 11)
    expected, gradients = gradient_of(plan, data, None)
    actual, own = gradient_of(plan, data, device_under_test())
    np.testing.assert_allclose(actual, expected, rtol=1e-12)
    np.testing.assert_allclose(own, gradients, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["deep", "used_twice", "layer_norm", "dropout"])
def test_every_activation_has_a_place_of_its_own(name):
    plan = plan_of(name)
    offsets, size = _places_of_activations(plan)
    used = np.zeros(size, int)
    for op in plan.ops[plan.ops["phase"] & PHASES["train"] != 0]:
        for number in op["output"]:
            tensor = plan.tensors[number]
            if number >= 0 and tensor["scaled"]:
                used[offsets[number] : offsets[number] + tensor["size"]] += 1
    assert used.max() == 1 + (name == "layer_norm")  # written alike by two ops


@pytest.mark.parametrize("n_rows", range(1, 2 * BLOCK_ROWS + 2))
def test_blocks_lack_any_number_of_rows(n_rows, monkeypatch):
    take_way(monkeypatch, "row_blocks")
    plan = plan_of("rank_2_classes")
    data = draw(plan, n_rows)
    expected, gradients = gradient_of(plan, data, None)
    actual, own = gradient_of(plan, data, device_under_test())
    np.testing.assert_allclose(actual, expected, rtol=1e-12)
    np.testing.assert_allclose(own, gradients, rtol=1e-10, atol=1e-12)


def test_rows_without_weights_count_one(monkeypatch):
    take_way(monkeypatch, "row_blocks")
    plan = plan_of("classes")
    data = draw(plan, 10)
    results = []
    for device in (None, device_under_test()):
        engine = Engine(
            plan, data.parameters, data.X, data.y, batch_size=10, device=device
        )
        with engine:
            results.append((engine.gradient(), engine.gradients.copy()))
    np.testing.assert_allclose(results[1][0], results[0][0], rtol=1e-12)
    np.testing.assert_allclose(results[1][1], results[0][1], rtol=1e-10, atol=1e-12)
