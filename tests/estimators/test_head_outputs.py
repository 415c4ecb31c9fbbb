"""Output layers that heads get, where parts stand in several places or are frozen."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from several_heads import heads_of, samples

from fastnn import (
    Graph,
    Heads,
    NeuralNet,
    NeuralNetClassifier,
    Sequential,
    Targets,
)
from fastnn.layers import Dense, Dropout


@pytest.fixture(scope="module")
def X():
    return samples()[0]


@pytest.fixture(scope="module")
def y():
    return samples()[1]


def test_graphs_of_several_outputs(X, y):
    graph = Graph(
        [
            ("hidden", Dense(8, "relu"), "x"),
            ("churn", Dropout(0.1), "hidden"),
            ("value", Dense(4, "relu"), "hidden"),
        ],
        outputs=["churn", "value"],
    )
    targets = Targets(churn=y["churn"], value=y["value"])
    fitted = NeuralNet(graph, random_state=0).fit(X, targets)
    assert fitted.score(X, targets) < 0
    read = Graph(
        [("churn", Dense(8), "x"), ("value", Dense(4), "churn")],
        outputs=["churn", "value"],
    )
    with pytest.raises(ValueError, match="'value' reads 'churn', which is an output"):
        NeuralNet(read).fit(X, targets)


SHARED = Dense(5, "relu")


@pytest.mark.parametrize(
    ("network", "widths"),
    [
        (Heads([("churn", SHARED), ("value", SHARED)]), [5, 1, 1]),
        (Heads([("churn", Sequential([SHARED])), ("value", SHARED)]), [5, 1, 1]),
        (
            Sequential(
                [SHARED, Heads([("churn", SHARED), ("value", Dense(2, "relu"))])]
            ),
            [5, 1, 2, 1],
        ),
        (
            Graph(
                [
                    ("h", SHARED, "x"),
                    ("churn", SHARED, "h"),
                    ("value", Dense(2, "relu"), "h"),
                ],
                outputs=["churn", "value"],
            ),
            [5, 1, 2, 1],
        ),
    ],
    ids=["two heads", "a stack of one", "the trunk", "a graph"],
)
def test_a_part_of_several_heads_is_one_part(network, widths, X, y):
    fitted = NeuralNet(network, epochs=1)
    fitted.fit(X, Targets(churn=y["churn"], value=X[:, 0]))
    assert [len(bias) for bias in fitted.intercepts_] == widths


@pytest.mark.parametrize(
    ("network", "trained"),
    [
        (Sequential([Dense(8), heads_of(trainable=False)]), [1, 0, 1, 0, 1]),
        (Sequential([Dense(8), heads_of()], trainable=False), [0, 0, 1, 0, 1]),
        (
            Graph(
                [
                    ("h", Dense(8), "x"),
                    ("churn", Dense(4, "relu"), "h"),
                    ("value", Dense(3, "relu"), "h"),
                ],
                outputs=["churn", "value"],
                trainable=False,
            ),
            [0, 0, 1, 0, 1],
        ),
        (
            Sequential(
                [
                    Dense(8),
                    Heads([("churn", SHARED), ("value", SHARED)], trainable=False),
                ]
            ),
            [1, 0, 1, 1],
        ),
    ],
    ids=["heads", "stack", "graph", "shared"],
)
def test_output_layers_of_frozen_heads_are_trained(network, trained, X, y):
    before, targets = repr(network), Targets(churn=y["churn"], value=X[:, 0])
    one, two = (
        NeuralNet(network, epochs=epochs, random_state=0).fit(X, targets).coefs_
        for epochs in (1, 2)
    )
    changed = [(a != b).any() for a, b in zip(one, two, strict=True)]
    assert_array_equal(changed, np.array(trained, bool))
    assert repr(network) == before  # the description stays


def test_parts_that_are_frozen_in_one_place_alone(X, y):
    frozen = Heads([("churn", SHARED), ("value", Dense(2, "relu"))], trainable=False)
    with pytest.raises(ValueError, match="stands elsewhere in the network too"):
        NeuralNet(Sequential([SHARED, frozen])).fit(
            X, Targets(churn=y["churn"], value=X[:, 0])
        )


def test_an_output_layer_of_two_heads_cannot_change(X, y):
    shared = Dense(1, "sigmoid")
    network = Sequential([Heads([("churn", shared), ("other", shared)])])
    with pytest.raises(ValueError, match=r"head .churn.: .* stands elsewhere"):
        NeuralNet(network).fit(X, Targets(churn=y["churn"], other=y["churn"]))


def test_heads_that_are_not_last(X, y):
    heads = Heads([("churn", Dense(4, "relu")), ("value", Dense(3, "relu"))])
    network = Sequential([Dense(5), ("heads", heads), Dense(3)])
    with pytest.raises(ValueError, match=r"'heads', not the last .*Put it last"):
        NeuralNetClassifier(network).fit(X, y["churn"])
