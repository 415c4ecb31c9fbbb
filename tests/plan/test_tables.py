"""The compiled tables and what stands beside each row of them."""

import numpy as np
import pytest
import reference
from cases import MAKERS, plan_of
from ops.losses import TARGETS
from writers import ALL_LOSSES

from fastnn import losses, optimizers
from fastnn.engine.cpu import executor
from fastnn.engine.cuda import walk
from fastnn.engine.cuda.ops import CALLS
from fastnn.layers import ELU, LeakyReLU
from fastnn.optimizers import Adam, RMSprop
from fastnn.plan import tables


def test_every_row_has_a_reference():
    assert set(reference.ACTIVATIONS) == set(tables.ACTIVATIONS)
    assert set(reference.ROW_LOSSES) == set(tables.ROW_LOSSES)
    assert {*reference.LOSSES, *reference.ROW_LOSSES} == set(tables.LOSSES)
    assert set(reference.OPTIMIZERS) == set(tables.OPTIMIZERS)
    assert set(reference.OPS) == set(tables.KINDS)


@pytest.mark.parametrize("kind", tables.KINDS)
def test_every_op_runs_one_way_on_the_cpu_and_on_a_gpu(kind):
    number = tables.KINDS[kind]
    (way,) = executor.runs(number)
    meets = tables.OP_FLAGS[number] & tables.FLAGS["whole_batch"] != 0
    assert meets == (way != "share")
    # On a GPU samples have as many steps each.
    crosses = tables.OP_FLAGS[number] & tables.FLAGS["crosses"] != 0
    assert walk.supports(kind) or crosses
    assert not walk.supports(f"{kind}_of_nothing")


@pytest.mark.parametrize("kind", tables.KINDS)
def test_every_op_is_in_a_case(kind):
    plans = [plan_of(name) for name in MAKERS]
    number = tables.KINDS[kind]
    assert any((plan.ops["kind"] == number).any() for plan in plans)


def test_ops_without_kernels_are_refused_before_the_first_step(monkeypatch):
    monkeypatch.delitem(CALLS, "prelu")
    plan = next(plan_of(name) for name in MAKERS if "prelu" in name)
    with pytest.raises(ValueError, match="the op 'prelu' cannot be run on a GPU"):
        walk.check_supported(plan)


def test_every_row_is_among_the_cases():
    assert {loss.name for loss in ALL_LOSSES.values()} == set(tables.LOSSES)
    assert set(TARGETS) <= set(tables.LOSSES)


def test_every_row_has_a_description():
    described = [getattr(losses, name) for name in losses.__all__]
    named = {each.name: each for each in described if hasattr(each, "name")}
    assert set(named) == set(tables.LOSSES)
    for name, link in tables.LOSS_LINKS.items():
        assert named[name].link == link
        assert link in (*tables.ACTIVATIONS, "softmax")
    described = {Adam(amsgrad=True).rule, RMSprop(centered=True).rule}
    for name in set(optimizers.__all__) - {"Optimizer"}:
        described.add(getattr(optimizers, name)().rule)
    assert described == set(tables.OPTIMIZERS)


def test_facts_about_rows():
    assert set(tables.ACTIVATION_READS) == set(tables.ACTIVATIONS)
    assert set(tables.ACTIVATION_READS.values()) <= {None, "output", "input"}
    assert set(tables.ACTIVATION_ALIASES.values()) <= set(tables.ACTIVATIONS)
    assert not set(tables.ACTIVATION_ALIASES) & set(tables.ACTIVATIONS)
    assert set(tables.ACTIVATION_DEFAULTS) == set(tables.ACTIVATIONS)
    assert ELU().alpha == tables.ACTIVATION_DEFAULTS["elu"]
    assert LeakyReLU().negative_slope == tables.ACTIVATION_DEFAULTS["leaky_relu"]
    assert set(tables.OPTIMIZER_SLOTS) == set(tables.OPTIMIZERS)
    assert tables.OPTIMIZER_SLOTS["adam"] == 2
    assert tables.INSTRUCTION_SET in tables.INSTRUCTION_SETS


@pytest.mark.parametrize("name", ["ACTIVATIONS", "LOSSES", "OPTIMIZERS"])
def test_names_are_distinct(name):
    names = getattr(tables, name)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", reference.ACTIVATIONS)
def test_reference_slope_is_the_derivative(name):
    # The specification is checked as well: by central differences, off the kinks.
    value = reference.ACTIVATIONS[name][0]
    x = np.linspace(-4.1, 4.2, 42)
    step = 1e-6
    numerical = (value(x + step) - value(x - step)) / (2 * step)
    np.testing.assert_allclose(
        reference.slope(x, name), numerical, rtol=1e-7, atol=1e-9
    )


@pytest.mark.parametrize("name", reference.LOSSES)
def test_reference_gradient_is_the_derivative(name):
    value, gradient = reference.LOSSES[name]
    z, y = np.meshgrid(np.linspace(-3, 3.1, 13), [1e-3, 0.25, 1.0, 3.0])
    step = 1e-6
    numerical = (value(z + step, y) - value(z - step, y)) / (2 * step)
    np.testing.assert_allclose(gradient(z, y), numerical, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", reference.ROW_LOSSES)
def test_reference_gradient_of_a_row_is_the_derivative(name):
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=(6, 4)), rng.dirichlet(np.ones(4), 6)
    if name in ("cross_entropy", "focal", "multi_margin"):
        y = np.arange(6)[:, None] % 4
    gradient = reference.ROW_LOSSES[name](z, y)[1]
    for j, step in enumerate(1e-6 * np.eye(4)):
        above, below = (
            reference.ROW_LOSSES[name](each, y)[0] for each in (z + step, z - step)
        )
        np.testing.assert_allclose(gradient[:, j], (above - below) / 2e-6, atol=1e-8)


@pytest.mark.parametrize("power", [1.1, 1.5, 1.9, 2.5, 3])
def test_reference_deviances_are_those_of_scikit_learn(power):
    from sklearn.metrics import mean_gamma_deviance, mean_tweedie_deviance

    rng = np.random.default_rng(0)
    z, y = rng.normal(size=50), rng.gamma(2, size=50)
    np.testing.assert_allclose(
        reference.LOSSES["gamma"][0](z, y).mean(), mean_gamma_deviance(y, np.exp(z)) / 2
    )
    np.testing.assert_allclose(
        reference.tweedie(z, y, power).mean(),
        mean_tweedie_deviance(y, np.exp(z), power=power) / 2,
    )


def test_reference_losses_are_what_scikit_learn_reports():
    from sklearn.metrics import log_loss, mean_poisson_deviance, mean_squared_error

    rng = np.random.default_rng(0)
    z, counts = rng.normal(size=50), rng.poisson(2, 50) + 0.0
    labels = rng.integers(0, 2, 50) + 0.0
    losses = {name: row[0] for name, row in reference.LOSSES.items()}
    np.testing.assert_allclose(
        losses["squared_error"](z, counts).mean(), mean_squared_error(counts, z) / 2
    )
    np.testing.assert_allclose(
        losses["poisson"](z, counts).mean(),
        mean_poisson_deviance(counts, np.exp(z)) / 2,
    )
    probability = 1 / (1 + np.exp(-z))
    np.testing.assert_allclose(
        losses["log_loss"](z, labels).mean(), log_loss(labels, probability)
    )
    raw = np.column_stack([np.zeros(50), z])
    np.testing.assert_allclose(
        reference.cross_entropy(raw, labels[:, None])[0].mean(),
        log_loss(labels, probability),
    )


def test_reference_philox_gives_the_known_answers():
    # kat_vectors of the authors' Random123 library, for four words and ten rounds.
    words = [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    assert reference.philox(0, 0) == words


def test_records_are_those_of_the_c_structs():
    assert tables.OP_DTYPE.itemsize == 6 * 4 + 16 * 4 + 11 * 8 + 4 * 8
    assert tables.TENSOR_DTYPE.names[:3] == ("space", "per_sample", "base")
    names = "offset", "size", "penalty", "l1", "l2", "learning_rate", "weight_decay"
    assert tables.BLOCK_DTYPE.names[:7] == names
