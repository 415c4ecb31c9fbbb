"""Networks of networks that the tests have in common."""

from fastnn import Branches, Graph, Residual, Sequential
from fastnn.layers import Add, BatchNorm, Dense, Dropout, LayerNorm
from fastnn.losses import CrossEntropy, SquaredError
from fastnn.network import lower


def nested():
    """Stacks in branches in a stack, with a layer that stands in three of them."""
    shared = Dense(4, "tanh", kernel_regularizer="l2")
    branches = [
        ("deep", Sequential([Dense(4, "tanh"), LayerNorm(), shared])),
        ("normed", Sequential([Dense(4), BatchNorm(), Sequential([shared])])),
        ("passed", Sequential([])),
    ]
    return Sequential(
        [Dense(4, "tanh"), shared, Branches(branches, merge="add"), Dense(2)]
    )


def residual():
    """With a projection and without, one within another."""
    inner = Residual(Sequential([Dense(6, "tanh"), Dense(5)]))
    return Sequential(
        [
            Residual(Dense(5, "tanh")),
            inner,
            Residual(Sequential([inner, Dropout(0.3), Dense(3)])),
        ]
    )


def frozen_block():
    """A block that is not trained between parts that are, one at its own rate."""
    block = Sequential([Dense(5, "tanh"), BatchNorm()], trainable=False)
    return Sequential(
        [
            Dense(4, "tanh", learning_rate=0.5),
            Residual(block, learning_rate=2.0),
            Dense(2),
        ],
        learning_rate=0.1,
    )


def graph():
    """Nodes that are not in order, values that are read several times, one layer twice.

    A graph of two inputs stands within it.
    """
    twice = Dense(4, "tanh")
    pair = Graph(
        [("c", Add(), ["a", "b", "d"]), ("d", Dense(4, "tanh"), "a")],
        inputs=["a", "b"],
    )
    return Graph(
        [
            ("end", Dense(2), "sum"),
            ("sum", Add(), ["left", "pair", "left"]),
            ("pair", pair, ["left", "right"]),
            ("left", twice, "body"),
            ("right", twice, "left"),
            ("body", Sequential([Dense(4, "tanh")]), "x"),
        ]
    )


NETWORKS = {
    "nested": nested,
    "residual": residual,
    "frozen_block": frozen_block,
    "graph": graph,
}


def plan_of(network, input_shape=(5,), loss=None):
    return lower(network, input_shape=input_shape, loss=loss or SquaredError())


CASES = {
    **{name: (lambda make=make: plan_of(make())) for name, make in NETWORKS.items()},
    "nested_rows": lambda: plan_of(nested(), (3, 5), CrossEntropy()),
}
