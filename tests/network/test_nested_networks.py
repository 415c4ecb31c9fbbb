"""Networks within networks: their names, parameters, clones and shared layers."""

import copy
import pickle
from html import escape

import numpy as np
import pytest
from cases import draw, predict
from graphs import NETWORKS, plan_of
from sklearn.base import clone

from fastnn import (
    Branches,
    Graph,
    Heads,
    NeuralNetRegressor,
    Residual,
    Sequential,
)
from fastnn.layers import Activation, Add, BatchNorm, Dense, Dropout, LayerNorm
from fastnn.network import trace
from fastnn.plan.tape import Tape


def deep():
    """Every kind of network, at a depth of three and more."""
    block = Sequential([Dense(4, "tanh"), ("half", Dropout(0.5))])
    branches = Branches([("left", block), ("right", Residual(block))], merge="add")
    graph = Graph([("body", branches, "x"), ("sum", Add(), ["body", "x"])])
    return Sequential([graph, Heads([("one", Dense(1)), ("two", Sequential([]))])])


def names(network, input_shape=(5,)):
    return [p.name for p in plan_of(network, input_shape).parameters]


def test_parameters_reach_through():
    network = deep()
    params = network.get_params()
    way = "graph__body__right__part"
    assert params[f"{way}__dense__units"] == 4
    assert params[f"{way}__half__rate"] == 0.5
    assert params["heads__one__units"] == 1
    assert params["graph__inputs"] == ("x",)
    assert params[way] is params["graph__body__left"]
    network.set_params(**{f"{way}__dense__units": 3, "graph__body__trainable": False})
    body = network.layers[0].nodes[0][1]
    assert body.branches[0][1].layers[0].units == 3
    assert body.trainable is False
    assert repr(network.set_params(**network.get_params())) == repr(network)


@pytest.mark.parametrize("duplicate", [clone, copy.deepcopy])
def test_a_copy_is_the_same_and_apart(duplicate):
    network = deep()
    twin = duplicate(network)
    assert repr(twin) == repr(network) == repr(pickle.loads(pickle.dumps(network)))
    mine, others = network.get_params(), twin.get_params()
    assert mine.keys() == others.keys()
    for name, value in mine.items():
        if hasattr(value, "get_params"):
            assert others[name] is not value, name
    way = "graph__body__right__part"
    assert others[way] is others["graph__body__left"]
    twin.set_params(**{f"{way}__dense__units": 9})
    assert mine[way].layers[0].units == 4


def test_parts_within_parts_are_replaced():
    network = deep()
    network.set_params(
        graph__body__right=Dense(4),
        graph__body__left__half=Activation("relu"),
        heads__one=Sequential([Dense(2)]),
    )
    branches = network.layers[0].nodes[0][1].branches
    assert [name for name, _ in branches] == ["left", "right"]
    assert isinstance(branches[1][1], Dense)
    assert isinstance(branches[0][1].layers[1][1], Activation)
    assert network.layers[0].nodes[1][2] == ["body", "x"]
    # What is set of a part goes to what has just taken its place.
    network.set_params(graph__body__right=Dense(4), graph__body__right__units=7)
    assert network.layers[0].nodes[0][1].branches[1][1].units == 7
    with pytest.raises(ValueError, match=r"'middle'.*branches are called \['left', 'r"):
        network.set_params(graph__body__middle__units=1)


def test_blocks_are_named_as_layers_are():
    network = Sequential([Sequential([Dense(2)]), Dense(2), Sequential([Dense(2)])])
    assert [name for name, _ in network.named_parts()] == [
        *("sequential", "dense", "sequential_1")
    ]
    assert names(network) == [
        *("sequential/dense/kernel", "sequential/dense/bias"),
        *("dense/kernel", "dense/bias"),
        *("sequential_1/dense/kernel", "sequential_1/dense/bias"),
    ]
    network = Residual(Sequential([("base", Sequential([Dense(2)]))]))
    assert names(network) == [
        *("part/base/dense/kernel", "part/base/dense/bias", "projection/kernel")
    ]


def test_a_layer_in_several_networks_is_named_by_its_first_place():
    shared = Dense(5, "tanh")
    network = Sequential(
        [
            ("first", Sequential([shared])),
            Branches([("a", shared), ("b", Sequential([shared]))], merge="add"),
            Graph([("later", Sequential([shared, Dense(5)]), "x")]),
        ]
    )
    for each in (network, clone(network)):
        assert names(each) == [
            *("first/dense/kernel", "first/dense/bias"),
            *("graph/later/dense_1/kernel", "graph/later/dense_1/bias"),
        ]
    plan = plan_of(network)
    data = draw(plan)
    kernel, bias, last, last_bias = plan.views(data.parameters)

    def shared_layer(x):
        return np.tanh(x @ kernel + bias)

    h = 2 * shared_layer(shared_layer(data.X))
    expected = shared_layer(h) @ last + last_bias
    actual = predict(plan, data.parameters, data.X)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_a_network_in_several_places_has_one_set_of_weights():
    block = Sequential([Dense(5, "tanh"), Residual(Dense(5))])
    one = Sequential([block, block])
    assert names(one) == [
        *("sequential/dense/kernel", "sequential/dense/bias"),
        *("sequential/residual/part/kernel", "sequential/residual/part/bias"),
    ]
    wide = Residual(Dense(3))
    with pytest.raises(ValueError, match=r"layer 'a/part' is used twice.*\(5, 3\)"):
        plan_of(Graph([("a", wide, "x"), ("b", wide, "a")]))


def test_a_shared_layer_must_be_trained_alike_everywhere():
    shared = Dense(5)
    network = Sequential([shared, Sequential([shared], trainable=False)])
    with pytest.raises(ValueError, match=r"'dense' is used twice.*frozen=False once"):
        plan_of(network)


PAIRS = {
    "nested": lambda layers: Sequential(
        [Sequential(layers[:2]), Sequential([Sequential(layers[2:])])]
    ),
    "graph": lambda layers: Graph(
        [
            (f"node {i}", layer, f"node {i - 1}" if i else "x")
            for i, layer in reversed(list(enumerate(layers)))
        ]
    ),
}


@pytest.mark.parametrize("written", PAIRS)
def test_a_stack_is_the_same_plan_however_it_is_written(written):
    layers = [Dense(6, "relu"), BatchNorm(), Dropout(0.2), LayerNorm(), Dense(2)]
    plan = plan_of(Sequential(layers))
    other = plan_of(PAIRS[written](layers))
    for records in ("ops", "tensors", "blocks", "params"):
        np.testing.assert_array_equal(getattr(plan, records), getattr(other, records))
    assert [p.shape for p in plan.parameters] == [p.shape for p in other.parameters]


@pytest.mark.parametrize("name", NETWORKS)
def test_shapes_are_those_of_the_plan(name):
    network = NETWORKS[name]()
    assert network.output_shape((5,)) == plan_of(network).output_shape
    assert trace(network, (5,)).shape == network.output_shape((5,))
    assert trace(network).shape is None


def test_heads_are_tensors_by_name():
    network = Sequential([Dense(4), Heads([("a", Dense(1)), ("b", Sequential([]))])])
    tape = Tape()
    given = network.lower(tape, tape.input((5,)))
    assert {name: tensor.shape for name, tensor in given.items()} == {
        "a": (1,),
        "b": (4,),
    }
    assert network.output_shape((5,)) == {"a": (1,), "b": (4,)}


def test_rates_and_freezing_multiply_through():
    inner = Sequential([Dense(4), Dense(4, trainable=False)], learning_rate=0.5)
    network = Branches([("a", Residual(inner, learning_rate=0.5))], learning_rate=3.0)
    blocks = plan_of(Sequential([network, Dense(2)], learning_rate=2.0)).blocks
    assert blocks["learning_rate"].tolist() == [1.5] * 4 + [3.0] + [2.0] * 2
    assert blocks["trainable"].tolist() == [1, 1, 0, 0, 1, 1, 1]


many = Heads([("a", Dense(1)), ("b", Dense(1))])


@pytest.mark.parametrize(
    ("network", "error", "message"),
    [
        (Residual("dense"), TypeError, "part of a Residual must be .* got 'dense'"),
        (
            Residual(Sequential([Graph([("a", Dense(3), "x")]), many])),
            ValueError,
            "the part of a Residual is Sequential, which gives several outputs: only",
        ),
        (Residual(Add()), ValueError, "Residual is Add, which takes several inputs"),
        (
            Branches([("a", Dense(3)), ("b", many)]),
            ValueError,
            "branch 'b' is Heads, which gives several outputs: only the end",
        ),
        (
            Branches([("a", Add())]),
            ValueError,
            "branch 'a' is Add, which",
        ),
        (
            Branches([("a", Dense(3)), ("b", Dense(4))], merge="add"),
            ValueError,
            r"branches \['a', 'b'\] cannot be merged by merge='add'.*\(3,\) and \(4,\)",
        ),
        (Branches([]), ValueError, "branches must hold at least one, got an empty"),
        (Branches([Dense(3)]), TypeError, "as .name, part.*, got Dense.* position 0"),
        (Branches(Dense(3)), TypeError, "branches must be a list .* got Dense"),
        (
            Branches([("a", Dense(3)), ("a", Dense(3))]),
            ValueError,
            "branches must have names of their own",
        ),
        (Branches([("merge", Dense(3))]), ValueError, "cannot be named 'merge'"),
        (Branches([("a/b", Dense(3))]), ValueError, "without '__' and '/', got 'a/b'"),
        (
            Branches([("a", Dense(3))], merge="sum"),
            ValueError,
            "'merge' parameter",
        ),
        (
            Sequential([Dense(3), many, Dense(3)]),
            ValueError,
            "'heads', not the last of a Sequential, is Heads, which gives several",
        ),
        (
            Sequential([Dense(3), Sequential([many]), Dense(3)]),
            ValueError,
            "'sequential', not the last of a Sequential, is Sequential, which gives",
        ),
        (Sequential([Add()]), ValueError, "'add' of a Sequential is Add, which takes"),
        (many, ValueError, "the network is a Heads of several outputs"),
        (
            Sequential([Dense(4), many]),
            ValueError,
            "the network is a Sequential of several outputs",
        ),
    ],
)
def test_networks_that_cannot_be(network, error, message):
    with pytest.raises(error, match=message):
        plan_of(network)


@pytest.mark.parametrize(
    ("heads", "error", "message"),
    [
        ([], ValueError, "heads must hold at least one head"),
        ([("a", many)], ValueError, "head 'a' is Heads, which gives several"),
        ([("a", Add())], ValueError, "head 'a' is Add, which takes several"),
        ([("a", "b")], TypeError, "heads must be .* got 'b' at position 0"),
    ],
)
def test_heads_that_cannot_be(heads, error, message):
    tape = Tape()
    with pytest.raises(error, match=message):
        Sequential([Heads(heads)]).lower(tape, tape.input((3,)))


def test_a_residual_changes_the_last_axis_alone():
    class Flat(Dense):
        def output_shape(self, input_shape):
            return (3,)

    network = Residual(Flat(3))
    assert network.output_shape((5,)) == (3,)
    with pytest.raises(ValueError, match=r"shape \(3,\) for inputs of shape \(4, 5\)"):
        network.output_shape((4, 5))


@pytest.mark.parametrize("params", [{"trainable": "no"}, {"learning_rate": 0}])
@pytest.mark.parametrize(
    "network",
    [
        Residual(Dense(5)),
        Branches([("a", Dense(5))]),
        Graph([("a", Dense(5), "x")]),
        Sequential([Dense(5)]),
    ],
    ids=lambda network: type(network).__name__,
)
def test_options_of_a_network_within_another_are_checked(network, params):
    outer = Sequential([clone(network).set_params(**params), Dense(2)])
    (name,) = params
    kind = type(network).__name__
    with pytest.raises(ValueError, match=f"'{name}' parameter of {kind} must be"):
        plan_of(outer)


def in_itself():
    stack = Sequential([Dense(3)])
    stack.layers.append(("block", stack))
    return stack, "Sequential contains itself, as its part 'block'"


def around_itself():
    residual = Residual(Dense(3))
    branches = Branches([("a", Dense(3)), ("b", residual)])
    residual.part = branches
    return branches, "Branches contains itself, as its part 'b__part'"


@pytest.mark.parametrize("made", [in_itself, around_itself])
@pytest.mark.parametrize(
    "use",
    [
        clone,
        lambda network: network.output_shape((3,)),
        lambda network: network.plot(),
        lambda network: NeuralNetRegressor(network).fit(np.ones((9, 3)), np.ones(9)),
        lambda network: NeuralNetRegressor(clone(network)),
    ],
    ids=["clone", "shape", "plot", "fit", "estimator"],
)
def test_a_network_within_itself_is_an_error(made, use):
    network, message = made()
    with pytest.raises(ValueError, match=message):
        use(network)


@pytest.mark.parametrize("network", [Sequential([3]), Residual(3), Graph([("a", 3)])])
def test_what_is_no_network_is_shown_as_it_is(network):
    """What is wrong with it is told where it is used, as of a Pipeline."""
    assert set(network.get_params()) == set(network.get_params(deep=False))
    assert escape(repr(network)) in network._repr_html_()
    assert "3" in NeuralNetRegressor(network)._repr_html_()
    with pytest.raises((TypeError, ValueError), match="must be a"):
        NeuralNetRegressor(network).fit(np.ones((9, 3)), np.ones(9))
