"""Columns that branches read: by name, position, slice, mask or function."""

import numpy as np
import pandas as pd
import pytest
from cases import draw, predict
from graphs import plan_of
from sklearn.base import clone
from sklearn.compose import make_column_selector

from fastnn import Branches, Graph, NeuralNetClassifier, Residual, Sequential
from fastnn.layers import Add, BatchNorm, Dense
from fastnn.network import Table, with_positions
from fastnn.network.columns import positions

NAMES = ["age", "city", "income", "zip", "rooms"]
FRAME = pd.DataFrame(
    {"age": [1.0], "city": ["a"], "income": [2.0], "zip": [7], "rooms": [3]}
)
TABLE = Table(5, NAMES, FRAME)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("age", [0]),
        (["income", "age"], [2, 0]),
        (slice("city", "zip"), [1, 2, 3]),
        (slice("income", None), [2, 3, 4]),
        (slice(None, "city"), [0, 1]),
        (slice("zip", "city", -1), [3, 2, 1]),
        (slice("city", "age", -1), [1, 0]),
        (3, [3]),
        (-1, [4]),
        (np.int64(1), [1]),
        ([0, -1, 0], [0, 4, 0]),
        (np.array([4, 2]), [4, 2]),
        (slice(1, 4, 2), [1, 3]),
        (slice(None), [0, 1, 2, 3, 4]),
        ([True, False, False, True, False], [0, 3]),
        (np.array([False, True, False, False, False]), [1]),
        (pd.Index(["zip"]), [3]),
        (make_column_selector(dtype_include=float), [0, 2]),
        (make_column_selector("^[cr]"), [1, 4]),
        (lambda X: [name for name in X if len(name) == 3], [0, 3]),
        (None, [0, 1, 2, 3, 4]),
    ],
)
def test_columns_are_read_as_those_of_a_column_transformer(chosen, expected):
    assert positions({"a": chosen}, *TABLE) == {"a": expected}


def test_the_rest_is_what_no_other_has():
    found = positions({"a": ["age"], "b": "rest", "c": slice(0, 2)}, *TABLE)
    assert found == {"a": [0], "b": [2, 3, 4], "c": [0, 1]}
    assert positions({"a": ["rest"]}, 1, ["rest"]) == {"a": [0]}


@pytest.mark.parametrize(
    ("selected", "message"),
    [
        (
            {"a": "rent"},
            r"branch 'a' selects the column 'rent', but the .*'age'",
        ),
        ({"a": ["age", "rent"]}, "branch 'a' selects the column 'rent'"),
        ({"a": slice("age", "rent")}, "branch 'a' selects the column 'rent'"),
        ({"a": 5}, "branch 'a' selects the column 5, but there are 5"),
        ({"a": [-6]}, "branch 'a' selects the column -6, but there are 5"),
        ({"a": {"age", "city"}}, "branch 'a' must select its columns by name"),
        ({"a": {"age": 1}}, "branch 'a' must select its columns by name"),
        ({"a": float}, "'a' must select .* make_column_selector .* got <class 'float'"),
        ({"a": np.array(1)}, "branch 'a' must select its columns by name"),
        ({"a": [["age"], ["city", "zip"]]}, r"'a' must select .* got \['age'\]"),
        ({"a": lambda X: object()}, "branch 'a' must select its columns by name"),
        ({"a": slice(0, 3, 0)}, "branch 'a' must select its columns by a slice"),
        ({"a": 1.5}, "branch 'a' must select its columns by name, .* got 1.5"),
        ({"a": [True, False]}, "branch 'a' has a mask of 2 columns, but there are 5"),
        ({"a": slice(0.5, 2)}, "branch 'a' must select .* by a slice of positions"),
        (
            {"a": []},
            r"'a' has no columns: its columns=\[\] select none of the 5",
        ),
        ({"a": slice(3, 3)}, "branch 'a' has no columns"),
        ({"a": [False] * 5}, "branch 'a' has no columns"),
        ({"a": slice(None), "b": "rest"}, "branch 'b' has no columns: .*'rest'"),
        ({"a": make_column_selector("^q")}, "branch 'a' has no columns"),
    ],
)
def test_columns_that_cannot_be_are_named_with_their_branch(selected, message):
    with pytest.raises(ValueError, match=message):
        positions(selected, *TABLE)


@pytest.mark.parametrize("chosen", ["age", ["age"], slice("age", None)])
def test_names_need_a_table_with_names(chosen):
    with pytest.raises(ValueError, match="'a' selects the column 'age' by name, but"):
        positions({"a": chosen}, 5)
    with pytest.raises(ValueError, match=r"'a' selects .* by a function, which"):
        positions({"a": make_column_selector("age")}, 5)


def branches():
    return Branches(
        [
            ("numbers", Dense(3, "tanh"), ["income", "age"]),
            ("place", Sequential([Dense(2)]), slice("city", "zip")),
            ("all", Dense(2, "tanh")),
            ("rest", Sequential([]), "rest"),
        ]
    )


def test_names_become_positions_in_a_copy():
    inner = branches()
    network = Sequential([Graph([("body", inner, "x"), ("end", Dense(3), "body")])])
    before = repr(network)
    resolved = with_positions(network, TABLE)
    assert repr(network) == before
    assert [item[2:] for item in resolved.layers[0].nodes[0][1].branches] == [
        *(([2, 0],), ([1, 2, 3],), (), ([4],))
    ]
    assert with_positions(resolved, Table(5)).output_shape((5,)) == (3,)
    for several in (Residual(inner), Branches([("a", inner), ("b", Dense(2))])):
        (_, part), *_ = with_positions(several, TABLE).named_parts()
        assert part.branches[0][2] == [2, 0]


def test_tables_of_several_inputs():
    network = Graph(
        [
            ("a", Branches([("c", Dense(2), "u")]), "left"),
            ("b", Branches([("c", Dense(2), "v")]), "right"),
            ("sum", Add(), ["a", "b"]),
        ],
        inputs=["left", "right"],
    )
    tables = {"right": Table(2, ["u", "v"]), "left": Table(1, ["u"])}
    resolved = with_positions(network, tables)
    assert [node[1].branches[0][2] for node in resolved.nodes[:2]] == [[0], [1]]


def test_what_a_layer_makes_of_a_table_has_no_names():
    network = Sequential([BatchNorm(), branches()])
    resolved = with_positions(network, TABLE)
    with pytest.raises(ValueError, match="'numbers' selects the column 'income' by na"):
        resolved.output_shape((5,))
    with pytest.raises(ValueError, match="'numbers' selects the column 'income' by na"):
        plan_of(network)


def test_branches_are_the_columns_they_read():
    network = with_positions(branches(), TABLE)
    assert network.output_shape((5,)) == (8,)
    plan = plan_of(network)
    data = draw(plan)
    w = {
        p.name: view
        for p, view in zip(plan.parameters, plan.views(data.parameters), strict=True)
    }

    def dense(x, name):
        return x @ w[f"{name}/kernel"] + w[f"{name}/bias"]

    expected = np.column_stack(
        [
            np.tanh(dense(data.X[:, [2, 0]], "numbers")),
            dense(data.X[:, 1:4], "place/dense"),
            np.tanh(dense(data.X, "all")),
            data.X[:, 4],
        ]
    )
    actual = predict(plan, data.parameters, data.X)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_parameters_of_branches_with_columns():
    network = Sequential([branches()])
    twin = clone(network).set_params(
        branches__numbers__units=7, branches__place=Dense(4), branches__merge="add"
    )
    assert [item[2:] for item in twin.layers[0].branches] == [
        *((["income", "age"],), (slice("city", "zip"),), (), ("rest",))
    ]
    assert twin.layers[0].branches[0][1].units == 7
    assert network.layers[0].branches[0][1].units == 3


def test_an_estimator_trains_branches_by_position():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 5))
    y = X[:, 0] * X[:, 1] > 0
    network = Branches(
        [
            ("product", Dense(16, "relu"), slice(0, 2)),
            ("rest", Dense(4, "relu"), "rest"),
            ("apart", Dense(4, "relu"), [0, 3]),
        ]
    )
    model = NeuralNetClassifier(network, epochs=100, batch_size=16, random_state=0).fit(
        X, y
    )
    assert model.score(X, y) > 0.9
    shapes = [kernel.shape for kernel in model.coefs_]
    assert shapes == [(2, 16), (2, 4), (2, 4), (24, 1)]
    words = network.plot((5,))
    for word in ("slice(0, 2, None)", "rest", "[0, 3]", "(24,)", "Concatenate"):
        assert word in words
