"""Optimizers: descriptions and the tables that they compute."""

import numpy as np
import pytest
import reference
from sklearn.base import clone

from fastnn.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    NAdam,
    RMSprop,
    SklearnAdam,
    SklearnSGD,
)
from fastnn.plan import tables
from fastnn.plan.tables import N_SCALARS, OPTIMIZERS
from fastnn.training.state import OptimizerState

ALL = [
    SGD(momentum=0.3, dampening=0.2),
    Adam(beta_1=0),
    Adam(amsgrad=True),
    AdamW(clip_norm=1.0),
    NAdam(decoupled_weight_decay=True),
    NAdam(beta_1=0.5),
    RMSprop(clip_value=0.1),
    RMSprop(centered=True),
    Adagrad(learning_rate_decay=0.1),
    Adadelta(),
    Lion(weight_decay=0.1),
]
optimizers = pytest.mark.parametrize(
    "optimizer", [SklearnSGD(), SklearnAdam(), *ALL], ids=str
)


@pytest.mark.parametrize(
    "description",
    [
        SklearnSGD(0.1, momentum=0.5, nesterov=False),
        SklearnAdam(0.1, beta_1=0.5, beta_2=0.6, epsilon=1e-3),
        *ALL,
    ],
)
def test_a_description_is_its_parameters(description):
    assert vars(description) == description.get_params()
    assert clone(description).get_params() == description.get_params()


@optimizers
def test_rules_are_in_the_compiled_table(optimizer):
    assert optimizer.rule in OPTIMIZERS
    assert optimizer.n_slots >= 1


@optimizers
def test_a_table_can_be_cut_anywhere(optimizer):
    whole = optimizer.table(1, 100, 0.01)
    assert whole.shape == (100, N_SCALARS)
    assert whole.dtype == np.float64
    parts = [optimizer.table(1, 37, 0.01), optimizer.table(38, 63, 0.01)]
    np.testing.assert_array_equal(np.vstack(parts), whole)


@optimizers
def test_each_step_may_have_its_learning_rate(optimizer):
    rates = np.linspace(0.1, 0.01, 5)
    table = optimizer.table(3, 5, rates)
    for i, rate in enumerate(rates):
        np.testing.assert_array_equal(table[i], optimizer.table(3 + i, 1, rate)[0])


def test_adam_folds_both_corrections_into_the_rate():
    table = SklearnAdam(beta_1=0.8, beta_2=0.9, epsilon=1e-6).table(1, 3, 0.5)
    for t, row in enumerate(table, start=1):
        rate = 0.5 * np.sqrt(1 - 0.9**t) / (1 - 0.8**t)
        np.testing.assert_allclose(row[:6], [rate, 0.8, 0.2, 0.9, 0.1, 1e-6])


def test_adam_far_from_the_start_is_uncorrected():
    assert SklearnAdam().table(10**9, 1, 0.5)[0, 0] == 0.5


@pytest.mark.parametrize(("nesterov", "expected"), [(True, (0.7, 1)), (False, (1, 0))])
def test_sgd_rows(nesterov, expected):
    row = SklearnSGD(momentum=0.7, nesterov=nesterov).table(1, 1, 0.2)[0]
    np.testing.assert_array_equal(row[:7], [0.2, 0.7, *expected, 0, 1, 0])


def test_adam_is_the_algorithm_as_published():
    # Its epsilon and second correction as PyTorch has them, in other columns.
    rng = np.random.default_rng(0)
    table = Adam(0.01, epsilon=1e-2).table(1, 20, 0.01)
    w, m, v = np.zeros((3, 5))
    weights, slots = np.zeros(5), np.zeros((2, 5))
    for t, h in enumerate(table, start=1):
        g = rng.normal(size=5)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        w = w - 0.01 * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-2)
        reference.OPTIMIZERS["adam"](weights, g, slots, h, h[0])
    np.testing.assert_allclose(weights, w, rtol=1e-12)


def test_nadam_knows_the_product_of_all_momenta():
    optimizer = NAdam(beta_1=0.7, momentum_decay=0.01)
    step = np.arange(1, 402)
    momentum = 0.7 * (1 - 0.5 * 0.96 ** (step * 0.01))
    product = np.cumprod(momentum)
    table = optimizer.table(1, 400, 0.1)
    np.testing.assert_allclose(table[:, 6], (1 - momentum[:-1]) / (1 - product[:-1]))
    np.testing.assert_allclose(table[:, 7], momentum[1:] / (1 - product[1:]))


def test_decay_and_clipping_have_their_columns():
    row = AdamW(weight_decay=0.2, clip_norm=3.0).table(1, 1, 0.1)[0]
    assert row[tables.DECOUPLED_DECAY] == pytest.approx(0.1 * 0.2)
    assert row[tables.COUPLED_DECAY] == 0
    assert (row[tables.CLIP_NORM], row[tables.CLIP_VALUE]) == (3, 0)
    row = Adam(weight_decay=0.2, clip_value=3.0).table(1, 1, 0.1)[0]
    assert (row[tables.COUPLED_DECAY], row[tables.DECOUPLED_DECAY]) == (0.2, 0)
    assert (row[tables.CLIP_NORM], row[tables.CLIP_VALUE]) == (0, 3)


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (SGD(0.0), "learning_rate"),
        (SGD(momentum=1.0), "momentum"),
        (SGD(nesterov=True), "nesterov=True needs momentum > 0 and dampening=0"),
        (SGD(momentum=0.9, dampening=0.1, nesterov=True), "dampening=0.1"),
        (Adam(beta_1=1.0), "beta_1"),
        (Adam(epsilon=0.0), "epsilon"),
        (Adam(weight_decay=-0.1), "weight_decay"),
        (AdamW(clip_norm=0.0), "clip_norm"),
        (Adam(clip_norm=1.0, clip_value=1.0), "clip_norm=1.0 and clip_value=1.0"),
        (NAdam(momentum_decay=-1), "momentum_decay"),
        (RMSprop(rho=1.0), "rho"),
        (RMSprop(centered="yes"), "centered"),
        (Adagrad(initial_accumulator_value=-1), "initial_accumulator_value"),
        (Adadelta(epsilon=-1), "epsilon"),
        (Lion(beta_2=2), "beta_2"),
    ],
)
def test_parameters_are_checked_when_training_starts(optimizer, message):
    with pytest.raises(ValueError, match=message):
        OptimizerState.start(optimizer, np.zeros(3))
