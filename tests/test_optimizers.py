"""Optimizers and schedules: descriptions and the tables that they compute."""

import numpy as np
import pytest
from sklearn.base import clone

from fastnn._core.tables import N_SCALARS, OPTIMIZERS
from fastnn.optimizers import SGD, Adam
from fastnn.schedules import Constant, InverseScaling, ReduceOnPlateau


@pytest.mark.parametrize(
    "description",
    [
        SGD(0.1, momentum=0.5, nesterov=False),
        Adam(0.1, beta_1=0.5, beta_2=0.6, epsilon=1e-3),
        Constant(),
        InverseScaling(0.25),
        ReduceOnPlateau(10.0, minimum=1e-4),
    ],
)
def test_a_description_is_its_parameters(description):
    assert vars(description) == description.get_params()
    assert clone(description).get_params() == description.get_params()


@pytest.mark.parametrize("optimizer", [SGD(), Adam()])
def test_rules_are_in_the_compiled_table(optimizer):
    assert optimizer.rule in OPTIMIZERS
    assert optimizer.n_slots >= 1


@pytest.mark.parametrize("optimizer", [SGD(momentum=0.3), Adam(), Adam(beta_1=0)])
def test_a_table_can_be_cut_anywhere(optimizer):
    whole = optimizer.table(1, 100, 0.01)
    assert whole.shape == (100, N_SCALARS)
    assert whole.dtype == np.float64
    parts = [optimizer.table(1, 37, 0.01), optimizer.table(38, 63, 0.01)]
    np.testing.assert_array_equal(np.vstack(parts), whole)


@pytest.mark.parametrize("optimizer", [SGD(), Adam()])
def test_each_step_may_have_its_learning_rate(optimizer):
    rates = np.linspace(0.1, 0.01, 5)
    table = optimizer.table(3, 5, rates)
    for i, rate in enumerate(rates):
        np.testing.assert_array_equal(table[i], optimizer.table(3 + i, 1, rate)[0])


def test_adam_folds_both_corrections_into_the_rate():
    table = Adam(beta_1=0.8, beta_2=0.9, epsilon=1e-6).table(1, 3, 0.5)
    for t, row in enumerate(table, start=1):
        rate = 0.5 * np.sqrt(1 - 0.9**t) / (1 - 0.8**t)
        np.testing.assert_allclose(row[:6], [rate, 0.8, 0.2, 0.9, 0.1, 1e-6])


def test_adam_far_from_the_start_is_uncorrected():
    assert Adam().table(10**9, 1, 0.5)[0, 0] == 0.5


@pytest.mark.parametrize(("nesterov", "expected"), [(True, (0.7, 1)), (False, (1, 0))])
def test_sgd_rows(nesterov, expected):
    row = SGD(momentum=0.7, nesterov=nesterov).table(1, 1, 0.2)[0]
    np.testing.assert_array_equal(row[:4], [0.2, 0.7, *expected])


@pytest.mark.parametrize("schedule", [Constant(), ReduceOnPlateau()])
def test_epochs_alone_change_nothing(schedule):
    assert schedule.after_epoch(0.1, 0.02, 1000) == 0.02


@pytest.mark.parametrize("schedule", [Constant(), InverseScaling()])
def test_plateaus_end_training(schedule):
    assert schedule.after_plateau(0.1) is None


def test_inverse_scaling():
    assert InverseScaling(0.25).after_epoch(2.0, 1.0, 15) == 1.0
    assert InverseScaling(0.0).after_epoch(2.0, 1.0, 10**9) == 2.0


def test_reduce_on_plateau_divides_down_to_its_minimum():
    schedule = ReduceOnPlateau(divisor=10.0, minimum=0.01)
    assert schedule.after_plateau(0.1) == 0.01
    assert schedule.after_plateau(0.01) is None
