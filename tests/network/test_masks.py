"""Masks on their way through networks, and sequences, beside plain NumPy."""

import numpy as np
import pytest

from fastnn import Branches, Graph, Heads, Residual, Sequential
from fastnn.engine.predictor import Predictor
from fastnn.layers import (
    Activation,
    Add,
    Average,
    Concatenate,
    Conv1D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    LayerNorm,
    Masking,
    Maximum,
    MaxPooling1D,
    Multiply,
    SpatialDropout1D,
)
from fastnn.losses import CrossEntropy, SquaredError
from fastnn.losses.heads import HeadLosses
from fastnn.network import lower, lower_until
from fastnn.utils.sequences import Sequences

N_TOKENS, DIM = 6, 3
MEAN = GlobalAveragePooling1D()


def outputs(network, X, shape, seed=0):
    """What the network gives, and its parameters by name."""
    plan = lower(network, input_shape=shape, loss=SquaredError())
    flat = plan.initialize(np.random.RandomState(seed), np.float64)
    names = [parameter.name for parameter in plan.parameters]
    tables = X if isinstance(X, dict) else {"X": X}
    named = dict(zip(names, plan.views(flat), strict=True))
    return Predictor(plan).predict(flat, tables), named


def masked_mean(rows, passes):
    """The mean of the rows that pass, and 0 of none."""
    rows = rows[passes]
    return rows.mean(axis=0) if len(rows) else np.zeros(DIM)


def embedding(**options):
    return Embedding(N_TOKENS, DIM, mask_zero=True, **options)


# Zeros at every position, at several, at all and at none.
TOKENS = np.array(
    [
        *np.where(np.eye(5), 0, [[1, 2, 3, 4, 5]]),
        *([0, 0, 1, 0, 2], [3, 0, 0, 0, 0], [0, 0, 0, 0, 5], [1, 1, 2, 2, 3]),
        [0, 0, 0, 0, 0],
    ]
)


@pytest.mark.parametrize(
    "between",
    [
        [],
        [Dense(DIM, "tanh")],
        [LayerNorm(), Activation("gelu"), Dropout(0.5), SpatialDropout1D(0.5)],
        [Residual(Dense(DIM, "tanh")), Sequential([Residual(LayerNorm())])],
    ],
    ids=str,
)
def test_a_mean_is_that_of_the_tokens_that_are_not_0(between):
    network = Sequential([("words", embedding()), *between, MEAN])
    actual, _ = outputs(network, TOKENS, (5,))
    network = Sequential([("words", Embedding(N_TOKENS, DIM)), *between, Flatten()])
    rows, _ = outputs(network, TOKENS, (5,))
    expected = [
        masked_mean(own.reshape(5, DIM), tokens != 0)
        for own, tokens in zip(rows, TOKENS, strict=True)
    ]
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-15)


def test_a_maximum_looks_at_masked_steps_too():
    masked, _ = outputs(Sequential([embedding(), GlobalMaxPooling1D()]), TOKENS, (5,))
    network = Sequential([Embedding(N_TOKENS, DIM), GlobalMaxPooling1D()])
    np.testing.assert_array_equal(masked, outputs(network, TOKENS, (5,))[0])


@pytest.mark.parametrize("pooling", [MEAN, GlobalMaxPooling1D()], ids=str)
def test_sequences_are_what_they_are_one_by_one(pooling):
    texts = [tokens[: 1 + i % 5] for i, tokens in enumerate(TOKENS[:-1] + 0)]
    network = Sequential(
        [embedding(), Dense(DIM, "tanh"), LayerNorm(), Residual(Dense(DIM)), pooling]
    )
    together, _ = outputs(network, Sequences.of(texts), (None,))
    alone = [outputs(network, text[None], text.shape)[0][0] for text in texts]
    np.testing.assert_allclose(together, alone, rtol=1e-12, atol=1e-15)


def test_zeros_behind_the_end_change_no_mean():
    network = Sequential([embedding(), Dense(DIM, "tanh"), MEAN])
    padded, _ = outputs(network, TOKENS[[5, 6, 8]], (5,))
    texts = Sequences.of([TOKENS[5], TOKENS[6, :1], TOKENS[8]])
    np.testing.assert_allclose(padded, outputs(network, texts, (None,))[0], rtol=1e-12)


# ------------------------------------------------------------------- Masking


@pytest.mark.parametrize("value", [0.0, -1.5])
@pytest.mark.parametrize("packed", [False, True])
def test_masking_passes_over_steps_that_are_all_one_value(value, packed):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 4, DIM))
    X[rng.random((20, 4)) < 0.4] = value
    X[rng.random(X.shape) < 0.2] = value  # of a step that counts
    passes = ~(value == X).all(axis=2)
    network = Sequential([Masking(value), MEAN])
    shape, given = ((None, DIM), Sequences.of(list(X))) if packed else ((4, DIM), X)
    actual, _ = outputs(network, given if packed else X.reshape(20, -1), shape)
    expected = [masked_mean(*pair) for pair in zip(X, passes, strict=True)]
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-15)


def test_masked_steps_become_0_and_stay_masked():
    network = Sequential([embedding(), Masking(0.0), GlobalMaxPooling1D()])
    actual, named = outputs(network, TOKENS, (5,))
    table = named["embedding/embeddings"].copy()
    table[0] = 0
    np.testing.assert_array_equal(actual, table[TOKENS].max(axis=1))


def test_what_is_not_a_number_does_not_leave_a_masked_step():
    plan = lower(Sequential([embedding(), Masking(), MEAN]), input_shape=(5,),
                 loss=SquaredError())  # fmt: skip
    flat = plan.initialize(np.random.RandomState(0), np.float64)
    table = plan.views(flat)[0]
    table[0] = np.nan
    actual = Predictor(plan).predict(flat, {"X": TOKENS})
    expected = [masked_mean(table[tokens], tokens != 0) for tokens in TOKENS]
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


# ------------------------------------------------------------------- merges

first, second = TOKENS, np.roll(TOKENS, 1, axis=0)


def merged(layer, *masked):
    """Two inputs, each looked up by itself, merged, and the mean over the steps."""
    looked_up = [Embedding(N_TOKENS, DIM, mask_zero=each) for each in masked]
    network = Graph(
        [
            ("a", looked_up[0], "first"),
            ("b", looked_up[1], "second"),
            ("both", layer, ["a", "b"]),
            ("mean", GlobalAveragePooling1D(), "both"),
        ],
        inputs=["first", "second"],
    )
    X = {"first": first, "second": second}
    actual, named = outputs(network, X, {"first": (5,), "second": (5,)})
    a, b = named["a/embeddings"][first], named["b/embeddings"][second]
    return actual, a, b, first != 0, second != 0


def means(rows, passes):
    count = np.maximum(passes.sum(axis=1, keepdims=True), 1)
    return np.where(passes[..., None], rows, 0).sum(axis=1) / count


EVERYWHERE = np.ones(TOKENS.shape, bool)
BY_NUMBER = {
    Add: lambda a, b: a + b,
    Multiply: lambda a, b: a * b,
    Average: lambda a, b: (a + b) / 2,
    Maximum: np.maximum,
    Concatenate: lambda a, b: np.concatenate([a, b], axis=2),
}


@pytest.mark.parametrize("masked", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("kind", BY_NUMBER)
def test_a_step_counts_if_it_does_in_any_of_the_inputs(kind, masked):
    actual, a, b, *passes = merged(kind(), *masked)
    passes = [p if has else EVERYWHERE for p, has in zip(passes, masked, strict=True)]
    expected = means(BY_NUMBER[kind](a, b), passes[0] | passes[1])
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("masked", [(True, True), (True, False), (False, True)])
def test_masks_of_sequences_one_after_the_other_are_so_too(masked):
    actual, a, b, *passes = merged(Concatenate(axis=1), *masked)
    passes = [p if has else EVERYWHERE for p, has in zip(passes, masked, strict=True)]
    rows, both = np.concatenate([a, b], axis=1), np.concatenate(passes, axis=1)
    np.testing.assert_allclose(actual, means(rows, both), rtol=1e-12, atol=1e-15)


def test_branches_of_sequences_are_merged_step_by_step():
    parts = [("wide", Dense(5, "tanh")), ("narrow", Dense(2))]
    for merge, last in (("concatenate", 2), ("add", 5)):
        branches = Branches([parts[0], ("narrow", Dense(last))], merge)
        network = Sequential([embedding(), branches, MEAN])
        together, _ = outputs(network, Sequences.of(list(TOKENS)), (None,))
        expected, _ = outputs(network, TOKENS, (5,))
        np.testing.assert_allclose(together, expected, rtol=1e-12, atol=1e-15)


# ------------------------------------------------------------------- refusals

LOST = "would lose the mask of what it takes"
NO_STEPS = "cannot take sequences of different lengths"


@pytest.mark.parametrize(
    ("layers", "shape", "message"),
    [
        ([embedding(), Flatten()], (5,), rf"'flatten', Flatten\(\), {LOST}"),
        ([embedding(), Conv1D(2, 3), MEAN], (5,), LOST),
        ([embedding(), MaxPooling1D(), MEAN], (5,), LOST),
        ([Masking(), Residual(Sequential([Flatten()]))], (5, 2), "flatten.*" + LOST),
        ([embedding(), Dense(2)], (5,), "a value for each step of sequences"),
        ([Embedding(9, 2), SpatialDropout1D(0.5)], (None,), NO_STEPS),
        ([Embedding(9, 2), Flatten()], (None,), "'flatten'.*" + NO_STEPS),
        ([Conv1D(2, 3)], (None, 3), NO_STEPS),
        ([Dense(2)], (None, 3), "a value for each step of sequences"),
        ([Dense(2)], (None,), "'dense'.*an Embedding must read tokens"),
        ([Dense(2), MEAN], (3, None), "may differ along their first axis alone"),
        ([Embedding(9, 2), MEAN], (None, 3), r"have the shape \(None,\)"),
        ([Dense(2), Embedding(9, 2)], (3,), "must read an input of the network"),
        ([embedding(), embedding()], (3,), "must read an input of the network"),
        ([Masking()], (3,), r"takes samples of shape \(steps, channels\)"),
    ],
)
def test_what_would_be_lost_or_cannot_be_read_is_refused(layers, shape, message):
    network = Sequential(layers)
    with pytest.raises(ValueError, match=message):
        lower(network, input_shape=shape, loss=CrossEntropy())


def test_a_head_of_steps_is_refused():
    network = Sequential([embedding(), Heads([("a", MEAN), ("b", Dense(2))])])
    loss = HeadLosses({"a": SquaredError(), "b": SquaredError()})
    with pytest.raises(ValueError, match="a value for each step of sequences"):
        lower(network, input_shape=(5,), loss=loss)


@pytest.mark.parametrize("layer", [Flatten(), SpatialDropout1D(0.5), Conv1D(2, 3)])
def test_shapes_tell_what_takes_no_sequences(layer):
    with pytest.raises(ValueError, match=NO_STEPS):
        Sequential([Embedding(9, 4), layer]).output_shape((None,))
    with pytest.raises(ValueError, match=NO_STEPS):
        Sequential([Embedding(9, 4), layer]).plot((None,))


@pytest.mark.parametrize("kind", BY_NUMBER)
def test_steps_are_not_merged_with_samples(kind):
    message = "cannot merge a value for each step of sequences with one for each sample"
    with pytest.raises(ValueError, match=message):
        kind().output_shape([(None, 3), (3,)])
    assert kind().output_shape([(None, 3), (None, 3)])[0] is None


def test_sequences_are_not_put_one_after_the_other():
    with pytest.raises(ValueError, match="sequences of different lengths one after"):
        Concatenate(axis=1).output_shape([(None, 3), (None, 3)])


def test_steps_of_two_inputs_are_not_merged():
    graph = Graph(
        [
            ("a", Embedding(9, 2), "x"), ("b", Embedding(9, 2), "y"),
            ("both", Add(), ["a", "b"]), ("mean", MEAN, "both"),
        ],
        inputs=["x", "y"],
    )  # fmt: skip
    with pytest.raises(ValueError, match="steps of different inputs"):
        lower(graph, input_shape={"x": (None,), "y": (None,)}, loss=SquaredError())


def test_what_a_part_within_gives_may_be_steps():
    network = Sequential([embedding(), ("mean", MEAN), Dense(2)])
    plan = lower_until(network, "mean", input_shape=(None,))
    assert plan.n_outputs == DIM
