"""What is shared by fitted networks of the same description: the plan."""

import gc
import pickle
import weakref
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
from sklearn.base import clone

from fastnn import MLPRegressor, NeuralNetRegressor
from fastnn.constraints import MaxNorm
from fastnn.estimators.fitted import FittedNetwork
from fastnn.estimators.plans import LARGEST_KEY, _Description
from fastnn.initializers import (
    Constant,
    FromArray,
    GlorotUniform,
    Initializer,
    Zeros,
)
from fastnn.layers import Dense
from fastnn.losses import CustomLoss, Quantile, SquaredError
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


class Options(Initializer):
    """An initializer of a user's own, with what cannot be hashed."""

    def __init__(self, options):
        self.options = options

    def draw(self, shape, fan_in, fan_out, random_state):
        return np.full(shape, self.options["value"])


def own_loss():
    data = np.zeros(10)

    def loss(y, z):
        return ((z - y) ** 2).sum(axis=1) + data[0], 2 * (z - y)

    return CustomLoss(loss)


# What a user owns, in a network and a loss, and the object that must go with them.
OWNED = {
    "an array": lambda: (initialized(FromArray(np.ones((3, 4)))), SquaredError()),
    "a list of arrays": lambda: (
        initialized(FromArray([np.ones(4) for _ in range(3)])),
        SquaredError(),
    ),
    "many numbers": lambda: (
        initialized(FromArray(np.ones((3, 4)).tolist() * LARGEST_KEY)),
        SquaredError(),
    ),
    "a dict": lambda: (initialized(Options({"value": 0.5})), SquaredError()),
    "a set": lambda: (initialized(Options({"value"})), SquaredError()),
    "a function": lambda: (initialized(None), own_loss()),
    "a note": lambda: (noted(initialized(None)), SquaredError()),
}


def initialized(initializer):
    return Sequential([Dense(4, kernel_initializer=initializer), Dense(1)])


def noted(network):
    network.layers[0].note = np.zeros(3)
    return network


@pytest.mark.parametrize("kind", OWNED)
def test_what_a_user_owns_is_not_kept(kind):
    network, loss = OWNED[kind]()
    fitted = FittedNetwork(network, (3,), loss)
    if kind != "a function":
        assert FittedNetwork(network, (3,), loss).plan is not fitted.plan
    initializer = network.layers[0].kernel_initializer
    owned = [network, loss, fitted.plan, fitted.predictor]
    owned += [each for each in (initializer, getattr(loss, "function", None)) if each]
    gone = [weakref.ref(each) for each in owned]
    del network, loss, fitted, initializer, owned
    gc.collect()
    assert [each() for each in gone] == [None] * len(gone)


def test_a_shared_plan_does_not_keep_its_network():
    network = initialized(GlorotUniform(3.25))
    fitted = FittedNetwork(network, (3,), SquaredError())
    assert FittedNetwork(clone(network), (3,), SquaredError()).plan is fitted.plan
    ours = {id(network), id(network.layers[0].kernel_initializer), id(fitted.loss)}
    assert not ours & {id(each.initializer) for each in fitted.plan.parameters}
    gone = [weakref.ref(network), weakref.ref(fitted.loss)]
    del network, fitted
    gc.collect()
    assert [each() for each in gone] == [None, None]


def test_the_cache_holds_descriptions_only():
    X = np.zeros((4, 3))
    for owned in OWNED.values():
        network, loss = owned()
        if owned is not OWNED["many numbers"] and owned is not OWNED["a set"]:
            NeuralNetRegressor(network, loss=loss, epochs=1).fit(X, X[:, 0])
    MLPRegressor(hidden_layer_sizes=(4,), max_iter=1, tol=10).partial_fit(X, X[:, 0])
    gc.collect()
    descriptions = [each for each in gc.get_objects() if type(each) is _Description]
    assert descriptions
    for each in descriptions:
        assert_plain(each.key)


def assert_plain(key):
    if isinstance(key, tuple):
        for item in key:
            assert_plain(item)
    else:
        assert key is None or isinstance(key, type | int | float | str)


@pytest.mark.parametrize(
    "options", [{"value": 0.5}, OrderedDict(value=0.5), defaultdict(float)]
)
def test_an_initializer_with_options(options):
    X = np.zeros((4, 3))
    model = NeuralNetRegressor(initialized(Options(options)), epochs=1).fit(X, X[:, 0])
    twin = pickle.loads(pickle.dumps(model)).partial_fit(X, X[:, 0])
    assert np.isfinite(twin.predict(X)).all()


def test_numbers_of_other_types_are_other_descriptions():
    one, other = initialized(Constant(1)), initialized(Constant(1.0))
    plans = [FittedNetwork(each, (3,), SquaredError()).plan for each in (one, other)]
    assert plans[0] is not plans[1]


def test_a_copy_over_other_weights_shares_the_plan():
    network, loss = OWNED["a function"]()
    fitted = FittedNetwork(network, (3,), loss)
    fitted.initialize(np.random.RandomState(0), np.dtype(np.float32))
    assert fitted.copy().plan is fitted.plan
