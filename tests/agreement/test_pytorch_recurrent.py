"""Recurrent layers against PyTorch's, where that is installed: values and steps of SGD.

Biases of theirs that are there twice, and are added up, are trained once.
"""

import numpy as np
import pytest
from cases import predict

from fastnn import Sequential
from fastnn.engine.engine import Engine
from fastnn.layers import GRU, LSTM, Bidirectional, Dense, SimpleRNN
from fastnn.losses import SquaredError
from fastnn.network import lower
from fastnn.optimizers import SGD
from fastnn.utils.sequences import Sequences

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn = torch.nn

FEATURES, UNITS = 3, 19
# Where our gates are among theirs.
ORDER = {LSTM: (0, 1, 2, 3), GRU: (1, 0, 2), SimpleRNN: (0,)}
THEIRS = {LSTM: nn.LSTM, GRU: nn.GRU, SimpleRNN: nn.RNN}


class Net(nn.Module):
    """Their layers, of packed sequences, and a dense one on the last state."""

    def __init__(self, kind, **options):
        super().__init__()
        self.layers = THEIRS[kind](FEATURES, UNITS, batch_first=True, **options)
        width = UNITS * (2 if options.get("bidirectional") else 1)
        self.output = nn.Linear(width, 2)
        if kind is not GRU:
            for name, weight in self.layers.named_parameters():
                if name.startswith("bias_hh"):
                    weight.requires_grad_(False)
                    weight.data.zero_()

    def forward(self, X):
        steps = [torch.tensor(X[i : i + 1].values) for i in range(len(X))]
        packed = nn.utils.rnn.pack_sequence(steps, enforce_sorted=False)
        _, last = self.layers(packed)
        last = last[0] if isinstance(last, tuple) else last
        directions = 2 if self.layers.bidirectional else 1
        return self.output(torch.cat([*last[-directions:]], dim=1))


def ours_of(name, value, kind):
    """A parameter of theirs as ours, gate by gate."""
    gates = np.split(value, len(ORDER[kind]))
    return np.concatenate([gates[i] for i in ORDER[kind]]).T


def weights_of(net, kind):
    """All parameters of theirs, in the order of ours."""
    found = {n: p.detach().numpy() for n, p in net.layers.named_parameters()}
    flat = []
    for name in found:
        if not name.startswith("weight_ih"):
            continue
        suffix = name.removeprefix("weight_ih")
        flat += [
            ours_of(n, found[n + suffix], kind) for n in ("weight_ih", "weight_hh")
        ]
        biases = [ours_of(n, found[n + suffix], kind) for n in ("bias_ih", "bias_hh")]
        flat.append(np.stack(biases) if kind is GRU else biases[0])
    return [
        *flat,
        net.output.weight.detach().numpy().T,
        net.output.bias.detach().numpy(),
    ]


def stacked(kind):
    return [kind(UNITS, return_sequences=True), kind(UNITS)]


NETWORKS = {
    "last": (lambda kind: [kind(UNITS)], {}),
    "bidirectional": (
        lambda kind: [Bidirectional(kind(UNITS))],
        {"bidirectional": True},
    ),
    "stacked": (stacked, {"num_layers": 2}),
    "stacked_bidirectional": (
        lambda kind: [
            Bidirectional(kind(UNITS, return_sequences=True)),
            Bidirectional(kind(UNITS)),
        ],
        {"num_layers": 2, "bidirectional": True},
    ),
}


@pytest.mark.parametrize("of_one_length", [True, False])
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kind", ORDER)
def test_values_gradients_and_steps(kind, name, of_one_length):
    make, options = NETWORKS[name]
    rng = np.random.default_rng(0)
    lengths = np.full(13, 5) if of_one_length else rng.integers(1, 9, 13)
    starts = np.append(0, np.cumsum(lengths))
    sequences = Sequences(rng.normal(size=(starts[-1], FEATURES)), starts)
    X = sequences.values.reshape(13, -1) if of_one_length else sequences
    y = rng.normal(size=(13, 2))
    torch.manual_seed(0)
    net = Net(kind, **options).double()
    shape = (5 if of_one_length else None, FEATURES)
    network = Sequential([*make(kind), Dense(2)])
    plan = lower(network, input_shape=shape, loss=SquaredError())
    flat = np.zeros(plan.n_parameters)
    for view, weight in zip(plan.views(flat), weights_of(net, kind), strict=True):
        view[...] = weight

    def loss():
        expected = torch.tensor(y)
        return nn.functional.mse_loss(net(sequences), expected, reduction="sum") / 2

    def assert_same():
        expected = net(sequences).detach().numpy()
        np.testing.assert_allclose(predict(plan, flat, X), expected, rtol=1e-10)
        for view, weight in zip(plan.views(flat), weights_of(net, kind), strict=True):
            np.testing.assert_allclose(view, weight, rtol=1e-10, atol=1e-12)

    assert_same()
    sgd = SGD(0.5, momentum=0.0)
    engine = Engine(
        plan, flat, X, y, batch_size=13, optimizer=sgd,
        state=np.zeros((sgd.n_slots, plan.n_parameters)),
    )  # fmt: skip
    steps = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.5)
    for step in range(10):
        engine.epoch(sgd.table(step + 1, 1, 0.5))
        steps.zero_grad()
        (loss() / 13).backward()
        steps.step()
    assert_same()
