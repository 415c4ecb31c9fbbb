"""Layers in which steps of a sequence read each other, and are told their places."""

import numpy as np
import pytest
from cases import Data, predict
from engines import gradient_of
from sklearn.base import clone

from fastnn import NeuralNetClassifier, Residual, Sequential
from fastnn.layers import (
    Dense,
    Flatten,
    GlobalAveragePooling1D,
    LayerNorm,
    Masking,
    MultiHeadAttention,
    PositionEmbedding,
)
from fastnn.losses import SquaredError
from fastnn.network import lower
from fastnn.utils.sequences import Sequences


def plan_of(*parts, shape):
    return lower(
        Sequential([*parts, Flatten()]), input_shape=shape, loss=SquaredError()
    )


SHAPES = [
    (MultiHeadAttention(2, 3), (7, 4), (7, 4)),
    (MultiHeadAttention(2, 3, value_dim=5, output_dim=6), (7, 4), (7, 6)),
    (MultiHeadAttention(2, 3), (None, 4), (None, 4)),
    (PositionEmbedding(7), (7, 4), (7, 4)),
    (PositionEmbedding(7), (None, 4), (None, 4)),
]


@pytest.mark.parametrize(("layer", "before", "after"), SHAPES, ids=str)
def test_shapes(layer, before, after):
    assert layer.output_shape(before) == after
    assert Sequential([layer]).output_shape(before) == after
    assert repr(clone(layer)) == repr(layer)


def test_parameters_have_the_shapes_of_keras():
    layer = MultiHeadAttention(2, 3, value_dim=5, output_dim=6)
    plan = plan_of(("attention", layer), ("places", PositionEmbedding(9)), shape=(7, 4))
    assert {p.name: p.shape for p in plan.parameters} == {
        "attention/query/kernel": (4, 2, 3),
        "attention/query/bias": (2, 3),
        "attention/key/kernel": (4, 2, 3),
        "attention/key/bias": (2, 3),
        "attention/value/kernel": (4, 2, 5),
        "attention/value/bias": (2, 5),
        "attention/attention_output/kernel": (2, 5, 6),
        "attention/attention_output/bias": (6,),
        "places/position_embeddings": (9, 6),
    }


def test_biases_may_be_left_out():
    plan = plan_of(MultiHeadAttention(2, 3, use_bias=False), shape=(7, 4))
    assert {p.name.rpartition("/")[2] for p in plan.parameters} == {"kernel"}


WRONG = [
    (MultiHeadAttention(2, 3), (4,), r"MultiHeadAttention takes .*\(4,\)"),
    (MultiHeadAttention(2, 3), (8, 8, 1), r"MultiHeadAttention takes .*\(8, 8, 1\)"),
    (MultiHeadAttention(0, 3), (7, 4), "'num_heads' parameter of MultiHeadAttention"),
    (MultiHeadAttention(1, 3, dropout=1), (7, 4), "'dropout' parameter of MultiHead"),
    (MultiHeadAttention(2**20, 2**20), (7, 4), "MultiHeadAttention would make"),
    (PositionEmbedding(7), (7,), r"PositionEmbedding takes .*\(7,\)"),
    (PositionEmbedding(7), (8, 4), r"max_length=7, got samples of 8 steps.*\(8, 4\)"),
    (PositionEmbedding(0), (8, 4), "'max_length' parameter of PositionEmbedding"),
]


@pytest.mark.parametrize(("layer", "shape", "message"), WRONG, ids=str)
def test_what_cannot_be_is_refused(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        plan_of(layer, shape=shape)


def test_what_is_causal_does_not_depend_on_later_steps():
    layer = MultiHeadAttention(2, 3, use_causal_mask=True)
    plan = plan_of(layer, shape=(6, 4))
    flat = plan.initialize(np.random.RandomState(0), np.float64)
    X = np.random.default_rng(0).normal(size=(3, 6, 4))
    before = predict(plan, flat, X.reshape(3, -1)).reshape(X.shape)
    X[:, 4:] += 1
    after = predict(plan, flat, X.reshape(3, -1)).reshape(X.shape)
    np.testing.assert_array_equal(after[:, :4], before[:, :4])
    assert abs(after[:, 4:] - before[:, 4:]).min() > 0


def test_attention_alone_does_not_know_the_order():
    plan = plan_of(MultiHeadAttention(2, 3), shape=(6, 4))
    flat = plan.initialize(np.random.RandomState(0), np.float64)
    X = np.random.default_rng(0).normal(size=(3, 6, 4))
    expected = predict(plan, flat, X.reshape(3, -1)).reshape(X.shape)[:, ::-1]
    actual = predict(plan, flat, X[:, ::-1].reshape(3, -1)).reshape(X.shape)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_memory_grows_with_steps_and_not_with_their_square():
    short, long = (
        plan_of(MultiHeadAttention(2, 3), shape=(n, 4)) for n in (1000, 2000)
    )
    assert long.train_size == 2 * short.train_size
    assert long.statistic_size == short.statistic_size < 100_000


def test_large_scores_are_no_nan():
    # Their exponentials alone would be infinite, or all of them zero.
    plan = plan_of(MultiHeadAttention(1, 2), shape=(300, 2))
    for dtype, size in ((np.float32, 1e6), (np.float64, 1e100)):
        flat = plan.initialize(np.random.RandomState(0), dtype)
        X = np.random.default_rng(0).normal(scale=size, size=(4, 600)).astype(dtype)
        assert np.isfinite(predict(plan, flat, X)).all()


def mean_of_a_block(causal, *, masked=False):
    layer = MultiHeadAttention(2, 3, value_dim=2, use_causal_mask=causal)
    block = Residual(Sequential([LayerNorm(), layer]))
    masking = [("masking", Masking())] if masked else []
    parts = [("dense", Dense(4, "tanh")), ("places", PositionEmbedding(9))]
    parts += [("block", block), ("mean", GlobalAveragePooling1D()), ("out", Dense(2))]
    return Sequential([*masking, *parts])


@pytest.mark.parametrize("causal", [True, False])
def test_sequences_are_what_each_is_alone_and_masked(causal):
    # Packed; with zeros behind, of which a mask is made; and each by itself.
    rng = np.random.default_rng(0)
    each = [rng.normal(size=(n, 3)) for n in (4, 1, 9, 6, 2, 9, 3)]
    X, y = Sequences.of(each), rng.normal(size=(len(each), 2))
    packed, padded = (
        lower(
            mean_of_a_block(causal, masked=masked),
            input_shape=shape,
            loss=SquaredError(),
        )
        for masked, shape in ((False, (None, 3)), (True, (9, 3)))
    )
    flat = packed.initialize(np.random.RandomState(0), np.float64)
    flat += rng.normal(scale=0.1, size=flat.shape)
    expected = []
    for x in each:
        alone = lower(mean_of_a_block(causal), input_shape=x.shape, loss=SquaredError())
        expected.append(predict(alone, flat, x.reshape(1, -1))[0])
    np.testing.assert_allclose(predict(packed, flat, X), expected, rtol=1e-12)
    behind = np.stack([np.pad(x, ((0, 9 - len(x)), (0, 0))) for x in each])
    actual = predict(padded, flat, behind.reshape(len(each), -1))
    np.testing.assert_allclose(actual, expected, rtol=1e-12)
    weight = rng.uniform(0.5, 2, len(each))
    (loss, *_), gradients = gradient_of(packed, Data(flat, X, y, weight))
    (again, *_), others = gradient_of(
        padded, Data(flat, behind.reshape(len(each), -1), y, weight)
    )
    assert loss == pytest.approx(again, rel=1e-12)
    np.testing.assert_allclose(gradients, others, rtol=1e-9, atol=1e-13)


def test_masked_steps_are_not_read_wherever_they_stand():
    network = Sequential(
        [Masking(), MultiHeadAttention(2, 3), GlobalAveragePooling1D(), Dense(2)]
    )
    masked = lower(network, input_shape=(6, 3), loss=SquaredError())
    plain = lower(
        network.set_params(masking=Masking(-99.0)),
        input_shape=(None, 3),
        loss=SquaredError(),
    )
    flat = plain.initialize(np.random.RandomState(0), np.float64)
    rng = np.random.default_rng(0)
    passes = np.array([[i >> t & 1 for t in range(6)] for i in range(1, 64)])
    X = rng.normal(size=(63, 6, 3)) * passes[:, :, None]
    kept = Sequences.of([x[own == 1] for x, own in zip(X, passes, strict=True)])
    np.testing.assert_allclose(
        predict(masked, flat, X.reshape(63, -1)), predict(plain, flat, kept), rtol=1e-11
    )


def test_sequences_that_are_too_long_are_named():
    plan = lower(mean_of_a_block(False), input_shape=(None, 3), loss=SquaredError())
    flat = plan.initialize(np.random.RandomState(0), np.float64)
    X = Sequences.of([np.ones((n, 3)) for n in (9, 2, 11, 12)])
    with pytest.raises(ValueError, match=r"sample 2 of X has 11 steps.*max_length=9"):
        predict(plan, flat, X)


def block(size):
    attention = [LayerNorm(), MultiHeadAttention(2, size // 2)]
    feed_forward = [LayerNorm(), Dense(2 * size, "gelu"), Dense(size)]
    return Sequential(
        [Residual(Sequential(attention)), Residual(Sequential(feed_forward))]
    )


def first_comes_first(n, rng):
    """Rows of eight symbols of four kinds, with one of the first and second each."""
    kinds = rng.integers(2, 4, (n, 8))
    places = np.array([rng.permutation(8)[:2] for _ in range(n)])
    kinds[np.arange(n), places[:, 0]], kinds[np.arange(n), places[:, 1]] = 0, 1
    return np.eye(4)[kinds], places[:, 0] < places[:, 1]


@pytest.mark.parametrize("places", [True, False])
def test_an_encoder_learns_what_depends_on_the_order(places):
    X, y = first_comes_first(700, np.random.default_rng(0))
    embedding = [PositionEmbedding(8)] if places else []
    network = Sequential([Dense(16), *embedding, block(16), GlobalAveragePooling1D()])
    model = NeuralNetClassifier(
        network, epochs=25, batch_size=32, optimizer="adam", random_state=0
    )
    score = model.fit(X[:500], y[:500]).score(X[500:], y[500:])
    if places:
        assert score > 0.95
    else:  # what it gives is the same for any order
        assert score < 0.7
        backwards = model.predict_proba(X[:20, ::-1])
        np.testing.assert_allclose(model.predict_proba(X[:20]), backwards, rtol=1e-4)
