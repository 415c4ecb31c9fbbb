"""Graphs: wiring by names, and what cannot be wired."""

import numpy as np
import pytest
from cases import draw, predict
from graphs import graph, plan_of
from sklearn.base import clone

from fastnn import Graph, Heads, Sequential
from fastnn.layers import Add, Dense
from fastnn.plan.tape import Tape


def test_nodes_run_when_what_they_read_is_there():
    network = graph()
    assert list(network.reads()) == ["body", "left", "right", "pair", "sum", "end"]
    assert network.output_names() == ["end"]
    plan = plan_of(network)
    data = draw(plan)
    w = {p.name: view for p, view in zip(
        plan.parameters, plan.views(data.parameters), strict=True
    )}  # fmt: skip

    def dense(x, name):
        return x @ w[f"{name}/kernel"] + w[f"{name}/bias"]

    left = np.tanh(dense(np.tanh(dense(data.X, "body/dense")), "left"))
    right = np.tanh(dense(left, "left"))
    pair = left + right + np.tanh(dense(left, "pair/d"))
    expected = dense(left + pair + left, "end")
    actual = predict(plan, data.parameters, data.X)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_the_order_is_that_of_the_list_where_it_can_be():
    nodes = [(name, Dense(2), "x") for name in "cab"]
    assert list(Graph([*nodes, ("end", Add(), list("abc"))]).reads()) == [*"cab", "end"]


def test_several_outputs_have_names():
    nodes = [("a", Dense(4), "x"), ("b", Dense(1), "a"), ("c", Dense(2), "a")]
    network = Graph(nodes, outputs=["b", "a", "c"])
    assert network.many_outputs
    assert network.output_shape((3,)) == {"b": (1,), "a": (4,), "c": (2,)}
    tape = Tape()
    given = network.lower(tape, tape.input((3,)))
    assert [tensor.shape for tensor in given.values()] == [(1,), (4,), (2,)]
    assert not Graph(nodes[:2], outputs="b").many_outputs
    assert Graph([*nodes[:1], ("end", Heads([("b", Dense(1))]), "a")]).many_outputs


def test_several_inputs_have_names():
    network = Graph([("sum", Add(), ["a", "b"])], inputs=("a", "b"))
    assert network.many_inputs
    assert network.input_names() == ["a", "b"]
    assert network.output_shape([(3,), (3,)]) == (3,)
    assert network.output_shape({"b": (3,), "a": (3,)}) == (3,)
    behind = Sequential([network, Dense(2)])
    assert behind.many_inputs
    assert behind.output_shape([(3,), (3,)]) == (2,)
    assert Graph([("end", behind, ["x", "x"])]).output_shape((3,)) == (2,)
    for wrong, advice in (
        ([(3,)], "got 1 values. Pass one for each, in this order or as a dict"),
        ({"a": (3,)}, r"got values for \['a'\]. Let inputs= of the Graph"),
        (None, "needs 2 values, got None"),
        ((1, 2, 3), "needs 2 values, got 3 values"),
    ):
        message = rf"Graph with the inputs \['a', 'b'\] .*{advice}"
        with pytest.raises(ValueError, match=message):
            network.output_shape(wrong)
    with pytest.raises(ValueError, match=r"such as \(3,\), got 3"):
        network.output_shape(3)
    with pytest.raises(ValueError, match=r"the network has several inputs, \["):
        plan_of(behind)


def test_what_a_node_reads_stays_when_its_part_is_replaced():
    network = clone(Graph([("a", Dense(4), "x"), ("b", Dense(3), ["a"])]))
    network.set_params(a=Sequential([Dense(2)]), b__units=7)
    assert network.nodes[0][2] == "x"
    assert network.nodes[1][2] == ["a"]
    assert network.output_shape((3,)) == (7,)


@pytest.mark.parametrize(
    ("nodes", "params", "error", "message"),
    [
        ([], {}, ValueError, "nodes must hold at least one node, got an empty list"),
        ([("a", Dense(1))], {}, TypeError, "as .name, part, inputs.*at position 0"),
        ([("a", "b", "x")], {}, TypeError, "got 'b' at position 0"),
        (
            [("a", Dense(1), "x"), ("a", Dense(1), "x")],
            {},
            ValueError,
            r"nodes must have names of their own, got \['a', 'a'\]",
        ),
        ([("x", Dense(1), "x")], {}, ValueError, "node 'x' has the name of an input"),
        ([("inputs", Dense(1), "x")], {}, ValueError, "cannot be named 'inputs'"),
        (
            [("a", Dense(1), "b")],
            {},
            ValueError,
            r"node 'a' reads 'b', but the inputs are called \['x'\] and .*\['a'\]",
        ),
        ([("a", Dense(1), 3)], {}, ValueError, "the inputs of node 'a' must be a name"),
        ([("a", Dense(1), [])], {}, ValueError, r"inputs of node 'a' must .* got \[\]"),
        (
            [("a", Dense(1), ["x", "x"])],
            {},
            ValueError,
            r"node 'a' reads \['x', 'x'\], but Dense takes one input. Merge them",
        ),
        (
            [("a", Dense(1), "c"), ("b", Dense(1), "a"), ("c", Dense(1), "b")],
            {},
            ValueError,
            "no cycle, but 'a' reads 'c' reads 'b' reads 'a'",
        ),
        (
            [("end", Dense(1), "x"), ("a", Dense(1), "a")],
            {"outputs": "end"},
            ValueError,
            "no cycle, but 'a' reads 'a'",
        ),
        (
            [("a", Dense(1), "x"), ("b", Dense(1), "x")],
            {},
            ValueError,
            r"the node that no other reads, but it is \['a', 'b'\]",
        ),
        (
            [("a", Dense(1), "x"), ("b", Dense(1), "x"), ("c", Dense(1), "b")],
            {"outputs": ["a"]},
            ValueError,
            r"node 'b' and node 'c' of a Graph lead to none of its outputs, \['a'\]",
        ),
        (
            [("a", Dense(1), "x")],
            {"inputs": ["x", "z"]},
            ValueError,
            "input 'z' of a Graph lead",
        ),
        (
            [("a", Dense(1), "x")],
            {"outputs": "b"},
            ValueError,
            r"outputs has 'b', but the nodes are called \['a'\]",
        ),
        (
            [("a", Dense(1), "x")],
            {"outputs": ["a", "a"]},
            ValueError,
            "different names",
        ),
        ([("a", Dense(1), "x")], {"inputs": None}, ValueError, "inputs must be a name"),
        (
            [("a", Dense(3), "x"), ("b", Dense(4), "x"), ("c", Add(), ["a", "b"])],
            {},
            ValueError,
            r"node 'c' cannot take \['a', 'b'\].*\(3,\).*\(4,\)",
        ),
        (
            [("a", Heads([("b", Dense(1))]), "x"), ("c", Dense(4), "a")],
            {},
            ValueError,
            "node 'a' is Heads, which gives several outputs",
        ),
    ],
)
def test_graphs_that_cannot_be(nodes, params, error, message):
    network = Graph(nodes, **params)
    shape = [(2,), (2,)] if "z" in (params.get("inputs") or ()) else (2,)
    with pytest.raises(error, match=message):
        network.output_shape(shape)
