"""Networks that read sequences, drawn at random, against the naive reference."""

import numpy as np
import pytest
import reference
from cases import draw, predict

from fastnn.engine.engine import Engine
from fastnn.layers import (
    GRU,
    LSTM,
    BatchNorm,
    Bidirectional,
    Dense,
    Embedding,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    LayerNorm,
    Masking,
    MultiHeadAttention,
    PositionEmbedding,
    PReLU,
    RMSNorm,
    SimpleRNN,
)
from fastnn.losses import SquaredError
from fastnn.network import Residual, Sequential, lower

MASKED = 0.5


def part(rng, width):
    """A part that gives as many numbers for each step as it takes."""
    flag = bool(rng.integers(2))
    parts = [
        Dense(width, "tanh"),
        LSTM(width, return_sequences=True, use_bias=flag),
        GRU(width, return_sequences=True, reset_after=flag),
        SimpleRNN(width, return_sequences=True),
        Bidirectional(LSTM(width // 2, return_sequences=True)),
        Residual(MultiHeadAttention(2, 3, use_causal_mask=flag)),
        Residual(GRU(width, return_sequences=True)),
        Residual(Dense(width, "sigmoid")),
        *(PositionEmbedding(9), LayerNorm(), RMSNorm(), BatchNorm(), PReLU()),
    ]
    return parts[rng.integers(len(parts))]


def end(rng):
    """A part that makes one value of all steps."""
    parts = [
        *(GlobalAveragePooling1D(), GlobalMaxPooling1D()),
        *(LSTM(3), GRU(5, go_backwards=True), SimpleRNN(2)),
        Bidirectional(GRU(3), merge_mode="sum"),
    ]
    return parts[rng.integers(len(parts))]


def drawn(seed):
    """A plan, and samples of it, some of whose steps are masked."""
    rng = np.random.default_rng(seed)
    width = int(rng.choice([2, 4, 8, 18]))
    steps = None if rng.integers(4) else 5
    if rng.integers(2):
        shape = (steps,)
        first = [Embedding(11, width, mask_zero=bool(rng.integers(2)))]
    else:
        shape = steps, 3
        first = [Masking(MASKED), Dense(width)][int(rng.integers(2)) :]
    middle = [part(rng, width) for _ in range(rng.integers(1, 4))]
    network = Sequential([*first, *middle, end(rng), Dense(2)])
    plan = lower(network, input_shape=shape, loss=SquaredError())
    data = draw(plan, int(rng.integers(1, 40)), seed)
    if len(shape) == 2:
        values = data.X.values if steps is None else data.X.reshape(-1, 3)
        values[rng.random(len(values)) < 0.2] = MASKED
    return plan, data


@pytest.mark.parametrize("seed", range(30))
def test_random_networks_are_the_reference(seed, monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)
    plan, data = drawn(seed)
    expected = reference.walk(plan, data.parameters, data.X, data.y, data.weight)
    scale = abs(expected.gradients).max()
    arguments = plan, data.parameters, data.X, data.y, data.weight
    for n_threads in (1, 3):
        options = {"batch_size": len(data.y), "n_threads": n_threads}
        with Engine(*arguments, **options) as engine:
            loss, *_ = engine.gradient()
        np.testing.assert_allclose(loss, expected.loss, rtol=1e-11)
        n = plan.n_gradients
        np.testing.assert_allclose(
            engine.gradients, expected.gradients[:n], rtol=1e-8, atol=1e-11 * scale
        )
    outputs = reference.predict(plan, data.parameters, data.X)
    found = predict(plan, data.parameters, data.X)
    np.testing.assert_allclose(found, outputs, rtol=1e-9, atol=1e-12)
