"""Embeddings and what is made of their steps, beside PyTorch: numbers and steps."""

import numpy as np
import pytest

from fastnn.engine.engine import Engine
from fastnn.engine.predictor import Predictor
from fastnn.layers import (
    Dense,
    Embedding,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    LayerNorm,
)
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.optimizers import SGD, Adam
from fastnn.utils.sequences import Sequences

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn = torch.nn

N, N_TOKENS, DIM = 12, 15, 5


class Theirs(nn.Module):
    """Of texts one by one; where it is masked the zeros of each are left out."""

    def __init__(self, masked, largest):
        super().__init__()
        self.masked, self.largest = masked, largest
        self.table = nn.Embedding(N_TOKENS, DIM)
        self.hidden, self.norm = nn.Linear(DIM, DIM), nn.LayerNorm(DIM)
        self.last = nn.Linear(DIM, 2)

    def forward(self, texts):
        return torch.stack([self.one(torch.tensor(text)) for text in texts])

    def one(self, text):
        kept = text[text != 0] if self.masked else text
        h = self.norm(torch.tanh(self.hidden(self.table(kept))))
        h = h.amax(dim=0) if self.largest else h.mean(dim=0)
        return self.last(h)


def both(masked, largest, sparse_gradient=False):
    """Our layers with weights that are drawn, and theirs with the same."""
    pooling = GlobalMaxPooling1D() if largest else GlobalAveragePooling1D()
    embedding = Embedding(
        N_TOKENS, DIM, mask_zero=masked, sparse_gradient=sparse_gradient
    )
    hidden = [Dense(DIM, "tanh"), LayerNorm(), pooling, Dense(2)]
    network = Sequential([embedding, *hidden])
    theirs = Theirs(masked, largest).double()

    def of_shape(shape):
        plan = lower(network, input_shape=shape, loss=SquaredError())
        flat = plan.initialize(np.random.RandomState(0), np.float64)
        views = dict(
            zip((p.name for p in plan.parameters), plan.views(flat), strict=True)
        )
        names = {
            "table.weight": "embedding/embeddings",
            "hidden.weight": "dense/kernel", "hidden.bias": "dense/bias",
            "norm.weight": "layernorm/scale", "norm.bias": "layernorm/offset",
            "last.weight": "dense_1/kernel", "last.bias": "dense_1/bias",
        }  # fmt: skip
        kernels = "hidden.weight", "last.weight"
        own_views = {
            name: views[own].T if name in kernels else views[own]
            for name, own in names.items()
        }
        with torch.no_grad():
            for name, weight in theirs.named_parameters():
                weight.copy_(torch.tensor(own_views[name]))
        return plan, flat, own_views

    return of_shape, theirs


def texts_of(packed):
    rng = np.random.default_rng(1)
    lengths = rng.integers(1, 8, N) if packed else np.full(N, 6)
    texts = [rng.integers(0, N_TOKENS, length) for length in lengths]
    for text in texts:
        text[-1] = max(text[-1], 1)  # there is no mean of nothing
    X = Sequences.of(texts) if packed else np.array(texts)
    return texts, {"X": X}, rng.normal(size=(N, 2))


@pytest.mark.parametrize("packed", [False, True], ids=["fixed", "packed"])
@pytest.mark.parametrize(
    ("masked", "largest"), [(False, False), (True, False), (False, True)],
    ids=["mean", "masked_mean", "largest"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("ours", "step"),
    [
        (SGD(0.05, momentum=0), lambda ps: torch.optim.SGD(ps, lr=0.05)),
        (Adam(0.01), lambda ps: torch.optim.Adam(ps, lr=0.01)),
    ],
    ids=["sgd", "adam"],
)
def test_ten_steps(packed, masked, largest, ours, step):
    texts, X, y = texts_of(packed)
    of_shape, theirs = both(masked, largest)
    plan, flat, views = of_shape((None,) if packed else (6,))
    optimizer = step(theirs.parameters())
    actual = Predictor(plan).predict(flat, X)
    np.testing.assert_allclose(actual, theirs(texts).detach(), rtol=1e-10)
    engine = Engine(
        plan, flat, X, y, batch_size=N, optimizer=ours,
        state=np.zeros((ours.n_slots, plan.n_parameters)),
    )  # fmt: skip
    for number in range(10):
        optimizer.zero_grad()
        error = theirs(texts) - torch.tensor(y)
        (error.square().sum() / 2 / N).backward()
        optimizer.step()
        engine.epoch(ours.table(1 + number, 1, np.full(1, ours.learning_rate)))
    for name, weight in theirs.named_parameters():
        np.testing.assert_allclose(
            views[name], weight.detach(), rtol=1e-10, atol=1e-13, err_msg=name
        )


@pytest.mark.parametrize("packed", [False, True], ids=["fixed", "packed"])
def test_steps_along_rows_are_those_of_sparse_gradients(packed):
    texts, X, y = texts_of(packed)
    of_shape, theirs = both(masked=False, largest=False, sparse_gradient=True)
    theirs.table.sparse = True
    plan, flat, views = of_shape((None,) if packed else (6,))
    table, *others = theirs.parameters()
    # SparseAdam adds epsilon elsewhere.
    rate = {"lr": 0.01, "eps": 1e-20}
    optimizers = (
        torch.optim.SparseAdam([table], **rate),
        torch.optim.Adam(others, **rate),
    )
    ours = Adam(0.01, epsilon=1e-20)
    engine = Engine(
        plan, flat, X, y, batch_size=N // 4, optimizer=ours,
        state=np.zeros((ours.n_slots, plan.n_parameters)),
    )  # fmt: skip
    engine.epoch(ours.table(1, 4, np.full(4, ours.learning_rate)))
    for batch in range(4):
        own = slice(batch * N // 4, (batch + 1) * N // 4)
        error = theirs(texts[own]) - torch.tensor(y[own])
        for optimizer in optimizers:
            optimizer.zero_grad()
        (error.square().sum() / 2 / (N // 4)).backward()
        for optimizer in optimizers:
            optimizer.step()
    for name, weight in theirs.named_parameters():
        np.testing.assert_allclose(
            views[name], weight.detach(), rtol=1e-10, atol=1e-13, err_msg=name
        )
