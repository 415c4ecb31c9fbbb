"""Which inputs of a network are tokens, and the layer that reads them."""

import numpy as np
import pytest
from scipy import stats

from fastnn import Branches, Graph, Pretrained, Residual, Sequential
from fastnn.initializers import RandomNormal
from fastnn.layers import LSTM, Concatenate, Dense, Embedding, GlobalAveragePooling1D
from fastnn.layers.embedding import LARGE_TABLE
from fastnn.losses import SquaredError
from fastnn.network import lower, masks_zeros, tokens_of

MEAN = GlobalAveragePooling1D()
WORDS = Sequential([Embedding(50, 4, mask_zero=True), MEAN])
OTHER = Sequential([Embedding(30, 4), MEAN])
BRANCHES = Branches(
    [("words", WORDS, "text"), ("other", OTHER, "text"), ("numbers", Dense(3), "rest")]
)
GRAPH = Graph(
    [("words", WORDS, "text"), ("numbers", Dense(3), "x"),
     ("both", Concatenate(), ["words", "numbers"])],
    inputs=["text", "x"],
)  # fmt: skip


@pytest.mark.parametrize(
    ("network", "names", "tokens", "masked"),
    [
        (Sequential([Dense(2)]), None, {}, set()),
        (Sequential([]), None, {}, set()),
        (WORDS, None, {"X": 50}, {"X"}),
        (Sequential([Sequential([]), WORDS, Dense(2)]), None, {"X": 50}, {"X"}),
        (Sequential([Pretrained(WORDS, {})]), ["text"], {"text": 50}, {"text"}),
        (Branches([("a", WORDS), ("b", OTHER)]), None, {"X": 30}, set()),
        (BRANCHES, ["text", "numbers"], {"text": 30}, set()),
        (Sequential([BRANCHES, Dense(2)]), ["numbers", "text"], {"text": 30}, set()),
        (GRAPH, None, {"text": 50}, {"text"}),
        (Sequential([GRAPH, Dense(2)]), ["x", "text"], {"text": 50}, {"text"}),
    ],
    ids=str,
)
def test_tokens_of(network, names, tokens, masked):
    assert tokens_of(network, names) == tokens
    assert masks_zeros(network, names) == masked


@pytest.mark.parametrize(
    ("network", "who"),
    [
        (Branches([("a", WORDS), ("b", Dense(2))]), "'b', Dense"),
        (Branches([("a", WORDS), ("b", Sequential([]))]), "'merge', Concatenate"),
        (Branches([("a", WORDS), ("b", Dense(2), [0])]), "'b/columns'"),
        (Residual(WORDS), "'projection'"),
    ],
    ids=str,
)
def test_only_embeddings_read_tokens(network, who):
    message = f"the input 'X' is tokens.*{who}.*an Embedding must read tokens"
    with pytest.raises(ValueError, match=message):
        tokens_of(network)
    with pytest.raises(ValueError, match=message):
        lower(network, input_shape=(4,), loss=SquaredError())


@pytest.mark.parametrize("input_shape", [(4,), (2, 3), (None,)])
def test_an_axis_more(input_shape):
    assert Embedding(9, 5).output_shape(input_shape) == (*input_shape, 5)


def embeddings_of(embedding):
    plan = lower(Sequential([embedding, MEAN]), input_shape=(4,), loss=SquaredError())
    (parameter,) = plan.parameters
    assert parameter.name == "embedding/embeddings"
    return plan, plan.views(plan.initialize(np.random.RandomState(0), np.float64))[0]


def test_initial_values():
    _, table = embeddings_of(Embedding(400, 30))
    assert table.shape == (400, 30)
    uniform = stats.uniform(-0.05, 0.1)
    assert stats.kstest(table.ravel(), uniform.cdf).pvalue > 0.01
    values = np.arange(12.0).reshape(6, 2)
    _, table = embeddings_of(Embedding(6, 2, embeddings_initializer=values))
    np.testing.assert_array_equal(table, values)
    _, table = embeddings_of(
        Embedding(400, 30, embeddings_initializer=RandomNormal(std=1.0))
    )
    assert stats.kstest(table.ravel(), stats.norm.cdf).pvalue > 0.01


@pytest.mark.parametrize(
    ("options", "by_rows"),
    [
        ({}, False), ({"sparse_gradient": True}, True),
        ({"sparse_gradient": False}, False),
        ({"sparse_gradient": True, "trainable": False}, False),
    ],
    ids=str,
)  # fmt: skip
def test_gradients_are_rows_where_that_is_said(options, by_rows):
    plan, _ = embeddings_of(Embedding(40, 3, **options))
    assert (len(plan.row_gradients) > 0) == by_rows


def test_gradients_of_large_tables_are_rows():
    for rows in (LARGE_TABLE // 4 - 1, LARGE_TABLE // 4):
        network = Sequential([Embedding(rows, 4), MEAN])
        plan = lower(network, input_shape=(4,), loss=SquaredError())
        assert (len(plan.row_gradients) > 0) == (rows * 4 == LARGE_TABLE)


@pytest.mark.parametrize("input_shape", [(200,), (None,)])
@pytest.mark.parametrize(
    ("behind", "moves"),
    [
        ([MEAN, Dense(16)], True),
        ([Dense(64, "relu"), MEAN], False),
        ([LSTM(32)], False),
    ],
    ids=str,
)
def test_a_mean_of_rows_is_all_memory(input_shape, behind, moves):
    network = Sequential([Embedding(100, 32), *behind])
    plan = lower(network, input_shape=input_shape, loss=SquaredError())
    assert plan.mostly_moves([200] * (input_shape == (None,))) == moves


def test_options_by_name():
    layer = Embedding(9, 2, embeddings_regularizer="l2")
    layer.set_params(embeddings_regularizer__l2=0.5, embeddings_initializer="normal")
    layer.set_params(embeddings_initializer__std=2.0)
    assert layer.embeddings_regularizer.l2 == 0.5
    assert layer.embeddings_initializer.std == 2.0
    plan, _ = embeddings_of(layer)
    assert plan.blocks["l2"] == 0.5
