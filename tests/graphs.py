"""Networks of networks that the tests have in common."""

from fastnn import Branches, Graph, Residual, Sequential
from fastnn.layers import (
    Add,
    BatchNorm,
    Concatenate,
    Dense,
    Dropout,
    Flatten,
    LayerNorm,
    Reshape,
)
from fastnn.losses import CrossEntropy, SquaredError
from fastnn.network import lower
from fastnn.network.branches import MERGES


def nested():
    """Stacks in branches in a stack, with a layer that stands in three of them."""
    shared = Dense(4, "tanh", kernel_regularizer="l2")
    branches = [
        ("deep", Sequential([Dense(4, "tanh"), LayerNorm(), shared])),
        (
            "normed",
            Sequential([Dense(4, use_bias=False), BatchNorm(), Sequential([shared])]),
        ),
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


def inception():
    """Widths that differ, branches within a branch, one that passes its input on."""
    shared = Dense(3, "tanh")
    inner = Branches([("a", shared), ("b", LayerNorm()), ("c", Sequential([]))])
    branches = [
        ("one", shared),
        ("inner", Sequential([inner, Dense(4, "tanh")])),
        ("normed", Sequential([Dense(5, use_bias=False), BatchNorm()])),
        ("dropped", Dropout(0.3)),
        ("passed", Sequential([])),
    ]
    return Sequential([Branches(branches), Residual(Dense(4, "tanh")), Dense(2)])


def selected():
    """Columns of the input and of what a layer gives: alone, in parts, and twice."""
    first = Branches(
        [
            ("run", Dense(3, "tanh"), slice(1, 3)),
            ("parts", Dense(2, "tanh"), [4, 0]),
            ("passed", Sequential([]), "rest"),
            ("all", Residual(Dense(2))),
        ]
    )
    second = Branches(
        [
            ("left", Dense(2, "tanh"), slice(0, 4)),
            ("over", Sequential([BatchNorm(), Dense(2)]), slice(2, 6)),
            ("twice", Sequential([]), [7, 7, 6, 0]),
        ]
    )
    return Sequential([first, second, Dense(2)])


def concatenated():
    """Along every axis, of values that are read elsewhere too."""
    return Graph(
        [
            ("left", Dense(4, "tanh"), "x"),
            ("right", Dense(4, "tanh"), "left"),
            ("rows", Concatenate(axis=1), ["left", "right", "left"]),
            ("few", Dense(2, "tanh"), "right"),
            ("columns", Concatenate(), ["left", "few", "x"]),
            ("wide", Dense(4), "columns"),
            ("all", Concatenate(axis=-2), ["rows", "wide"]),
            ("end", Dense(2), "all"),
        ]
    )


def reshaped():
    """Numbers that are rows of another width before they stand side by side."""
    return Graph(
        [
            ("left", Sequential([Dense(6, "tanh"), Reshape((2, 3))]), "x"),
            ("right", Sequential([Dense(4, "tanh"), Reshape((2, 2))]), "x"),
            ("both", Concatenate(), ["left", "right", "left"]),
            ("flat", Sequential([Flatten(), Dense(5, "tanh")]), "both"),
            ("again", Sequential([Dense(5, "tanh"), Flatten()]), "both"),
            ("all", Concatenate(), ["flat", "again"]),
            ("end", Dense(2), "all"),
        ]
    )


def merged(merge):
    branches = [("a", Dense(4, "tanh")), ("b", Dense(4)), ("c", Dense(1, "tanh"))]
    return Sequential([Branches(branches, merge), Dense(2)])


NETWORKS = {
    "nested": nested,
    "residual": residual,
    "frozen_block": frozen_block,
    "graph": graph,
    "inception": inception,
    "selected": selected,
    "reshaped": reshaped,
    **{f"merged_{merge}": (lambda merge=merge: merged(merge)) for merge in MERGES},
}


def plan_of(network, input_shape=(5,), loss=None):
    return lower(network, input_shape=input_shape, loss=loss or SquaredError())


CASES = {
    **{name: (lambda make=make: plan_of(make())) for name, make in NETWORKS.items()},
    "concatenated": lambda: plan_of(concatenated(), (3, 5)),
    "inception_rows": lambda: plan_of(inception(), (3, 5)),
    "selected_rows": lambda: plan_of(selected(), (3, 5)),
    "nested_rows": lambda: plan_of(nested(), (3, 5), CrossEntropy()),
}
