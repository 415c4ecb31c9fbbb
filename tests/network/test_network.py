"""Stacks of layers: their names, parameters and clones, and layers used twice."""

import copy
import pickle

import numpy as np
import pytest
from cases import draw
from sklearn.base import clone

from fastnn import Sequential
from fastnn.engine.predictor import Predictor
from fastnn.layers import Dense, Dropout
from fastnn.losses import SquaredError
from fastnn.network import lower


def names(layers):
    return [name for name, _ in Sequential(layers).named_parts()]


def test_names_are_kinds_and_numbers():
    assert names([Dense(3), Dropout(0.1), Dense(3), Dropout(0.2), Dense(3)]) == [
        *("dense", "dropout", "dense_1", "dropout_1", "dense_2")
    ]


def test_given_names_stay_and_are_not_given_again():
    layers = [("dense_1", Dense(3)), Dense(3), Dense(3), ("top", Dense(1))]
    assert names(layers) == ["dense_1", "dense", "dense_2", "top"]


def test_a_layer_used_twice_has_one_name():
    layer = Dense(3)
    assert names([layer, Dense(4), layer]) == ["dense", "dense_1", "dense"]
    assert names([layer, ("a", Dense(4)), ("b", layer)]) == ["b", "a", "b"]


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        ([Dense(3), "relu"], TypeError, "got 'relu' at position 1"),
        ([Dense], TypeError, "got the class Dense at position 0"),
        ([("a", Dense(1)), ("a", Dense(1))], ValueError, "names of their own"),
        ([("a__b", Dense(1))], ValueError, "without '__' and '/', got 'a__b' at"),
        ([("layers", Dense(1))], ValueError, "cannot be named 'layers'"),
        ([(3, Dense(1))], ValueError, "must be strings"),
        (2.5, TypeError, "layers must be a list of layers .*, got 2.5"),
        (None, TypeError, "layers must be a list"),
        (Dense(1), TypeError, "layers must be a list"),
    ],
)
def test_what_a_stack_cannot_hold(layers, error, message):
    with pytest.raises(error, match=message):
        Sequential(layers).named_parts()


def test_parameters_of_layers():
    network = Sequential([Dense(8), ("half", Dropout(0.5)), Dense(2)])
    params = network.get_params()
    assert params["half__rate"] == 0.5
    assert params["dense__units"] == 8
    assert params["dense_1__units"] == 2
    assert params["half"] is network.layers[1][1]
    assert network.get_params(deep=False) == {
        "layers": network.layers,
        "trainable": True,
        "learning_rate": 1.0,
    }
    network.set_params(half__rate=0.1, dense__units=5, dense__activation="tanh")
    assert network.layers[1][1].rate == 0.1
    assert (network.layers[0].units, network.layers[0].activation) == (5, "tanh")


def test_layers_can_be_replaced():
    network = Sequential([Dense(8), ("half", Dropout(0.5)), Dense(2)])
    network.set_params(half=Dropout(0.2), dense_1=Dense(3), dense__units=4)
    assert str(network) == (
        "Sequential(layers=[Dense(units=4), ('half', Dropout(rate=0.2)), "
        "Dense(units=3)])"
    )
    network.set_params(layers=[Dense(1)], dense__units=9)
    assert network.layers[0].units == 9


def test_unknown_parameters_are_named():
    network = Sequential([Dense(8), Dropout(0.5)])
    with pytest.raises(ValueError, match=r"'drop'.*called \['dense', 'dropout'\]"):
        network.set_params(drop__rate=0.1)
    with pytest.raises(ValueError, match="Invalid parameter 'rates'"):
        network.set_params(dropout__rates=0.1)


@pytest.mark.parametrize("duplicate", [clone, copy.deepcopy])
def test_a_copy_shares_what_the_original_shared(duplicate):
    layer = Dense(3)
    network = Sequential([layer, ("first", Dense(3)), layer])
    twin = duplicate(network)
    assert twin.layers[0] is twin.layers[2]
    assert twin.layers[0] is not layer
    assert twin.layers[1][0] == "first"
    assert twin.layers[1][1] is not network.layers[1][1]
    twin.set_params(dense__units=4)
    assert (twin.layers[2].units, layer.units) == (4, 3)
    assert (
        str(clone(network)) == str(network) == str(pickle.loads(pickle.dumps(network)))
    )


@pytest.mark.parametrize("layers", [np.inf, None, "dense", [3, ("a", Dense)], [()]])
def test_what_is_no_stack_is_copied_as_it_is(layers):
    # As scikit-learn copies parameters: fit says what is wrong.
    assert clone(Sequential(layers)).layers == layers


def test_a_layer_used_twice_has_one_set_of_weights():
    layer = Dense(5, "tanh")
    plan = lower(
        Sequential([layer, layer, Dense(2)]), input_shape=(5,), loss=SquaredError()
    )
    assert [p.name for p in plan.parameters] == [
        *("dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias")
    ]
    data = draw(plan)
    kernel, bias, last, last_bias = plan.views(data.parameters)
    h = data.X
    for _ in range(2):
        h = np.tanh(h @ kernel + bias)
    expected = h @ last + last_bias
    actual = Predictor(plan).predict(data.parameters, data.X)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_a_layer_used_twice_needs_inputs_of_one_shape():
    layer = Dense(4)
    with pytest.raises(ValueError, match=r"layer 'dense' is used twice.*\(5, 4\)"):
        lower(Sequential([layer, layer]), input_shape=(5,), loss=SquaredError())
