"""What is shared by fitted networks of the same description: the plan."""

import pytest

from fastnn.constraints import MaxNorm
from fastnn.estimators.fitted import FittedNetwork
from fastnn.initializers import GlorotUniform, Zeros
from fastnn.layers import Dense
from fastnn.losses import Quantile, SquaredError
from fastnn.network import Sequential
from fastnn.regularizers import L1, L2


def description(**changes):
    params = {"units": 4, "kernel_regularizer": L2(0.5), "kernel_initializer": Zeros()}
    dense = Dense(**{**params, **changes})
    return FittedNetwork(Sequential([dense, Dense(1)]), (3,), Quantile(0.5))


def test_equal_descriptions_share_a_plan():
    one, other = description(), description()
    assert one.plan is other.plan
    assert one.predictor is other.predictor


@pytest.mark.parametrize(
    "changes",
    [
        {"units": 5},
        {"kernel_regularizer": L2(0.25)},
        {"kernel_regularizer": L1(0.5)},
        {"kernel_constraint": MaxNorm()},
        {"activation": "relu"},
        {"kernel_initializer": GlorotUniform(2.0)},
        {"kernel_initializer": None},
    ],
)
def test_other_descriptions_have_other_plans(changes):
    assert description(**changes).plan is not description().plan


def test_another_shape_or_loss_is_another_description():
    network = Sequential([Dense(1)])
    plans = {
        FittedNetwork(network, (3,), SquaredError()).plan,
        FittedNetwork(network, (4,), SquaredError()).plan,
        FittedNetwork(network, (3,), Quantile(0.5)).plan,
        FittedNetwork(network, (3,), Quantile(0.6)).plan,
    }
    assert len(plans) == 4


def test_a_layer_that_stands_twice_is_not_two_equal_ones():
    dense = Dense(3)
    twice = FittedNetwork(Sequential([dense, dense]), (3,), SquaredError())
    equal = FittedNetwork(Sequential([Dense(3), Dense(3)]), (3,), SquaredError())
    assert twice.plan is not equal.plan


def test_a_change_of_a_description_is_seen():
    network = Sequential([Dense(3)])
    before = FittedNetwork(network, (2,), SquaredError()).plan
    network.layers[0].set_params(units=5)
    after = FittedNetwork(network, (2,), SquaredError()).plan
    assert (before.output_shape, after.output_shape) == ((3,), (5,))
