"""The networks, their data and their initial weights, as every peer reads them."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Embedding:
    n_tokens: int
    units: int


@dataclass(frozen=True)
class LSTM:
    """Its last output."""

    units: int


@dataclass(frozen=True)
class GRU:
    """Its last output; the reset gate is applied behind the product."""

    units: int


@dataclass(frozen=True)
class Mean:
    """Over all steps."""


@dataclass(frozen=True)
class Dense:
    """With relu, but for the last layer."""

    units: int


@dataclass(frozen=True)
class Net:
    n_samples: int
    n_steps: int  # the most that a sample has
    layers: tuple
    n_features: int | None = None  # of a step; None where it is a token
    n_classes: int = 2
    batch_size: int = 128
    mean_length: int | None = None  # None where all have as many steps
    shortest: int = 10

    def __str__(self):
        steps = f"{self.n_steps} steps"
        if self.mean_length:
            steps = f"{self.shortest} to {steps}, {self.mean_length} in the mean,"
        read = "of a token" if self.n_features is None else f"x {self.n_features}"
        written = []
        for layer in self.layers:
            match layer:
                case Embedding(n_tokens, units):
                    written.append(f"embedding {n_tokens:,} x {units}")
                case LSTM(units) | GRU(units):
                    written.append(f"{type(layer).__name__} {units}")
                case Mean():
                    written.append("mean")
                case Dense(units):
                    written.append(f"dense {units}")
        parts = ", ".join([f"{steps} {read}", *written])
        return f"{parts}, {self.n_classes} classes; batches of {self.batch_size}"

    @property
    def n_outputs(self):
        return self.n_classes if self.n_classes > 2 else 1

    def data(self, dtype=np.float32, seed=0):
        """X, as an array or, of samples of different lengths, a list; and y."""
        rng = np.random.default_rng(seed)
        y = rng.integers(0, self.n_classes, self.n_samples)
        shape = self.n_samples, self.n_steps
        if self.n_features is not None:
            return rng.random((*shape, self.n_features), dtype=dtype), y
        tokens = rng.integers(1, self.layers[0].n_tokens, shape, dtype=np.int32)
        if self.mean_length is None:
            return tokens, y
        # A distribution between both ends, with this mean.
        share = (self.mean_length - self.shortest) / (self.n_steps - self.shortest)
        drawn = rng.beta(1, 1 / share - 1, self.n_samples)
        lengths = self.shortest + np.rint(drawn * (self.n_steps - self.shortest))
        return [row[:n] for row, n in zip(tokens, lengths.astype(int), strict=True)], y

    def with_shapes(self):
        """Layers, the output's too, and how many numbers of a step they read."""
        width = self.n_features
        for layer in (*self.layers, Dense(self.n_outputs)):
            yield layer, width
            width = getattr(layer, "units", width)

    def weights(self, dtype=np.float32):
        """By layer, and None of those without: a table; a kernel and a bias; or a
        kernel, a recurrent kernel and a bias. Uniform ones, and zeros, but ones for
        the forget gates.

        The gates are in the order of Keras: i, f, c and o, or z, r and h. The bias of a
        GRU has two rows: of the input, and of the state.
        """
        rng = np.random.default_rng(0)

        def uniform(n_inputs, n_outputs, bound=None):
            bound = bound or np.sqrt(6 / (n_inputs + n_outputs))
            return rng.uniform(-bound, bound, (n_inputs, n_outputs)).astype(dtype)

        found = []
        for layer, width in self.with_shapes():
            match layer:
                case Embedding(n_tokens, units):
                    found.append((uniform(n_tokens, units, 0.05),))
                case LSTM(units):
                    bias = np.zeros(4 * units, dtype)
                    bias[units : 2 * units] = 1
                    gates = (width, 4 * units), (units, 4 * units)
                    found.append((*(uniform(*shape) for shape in gates), bias))
                case GRU(units):
                    gates = (width, 3 * units), (units, 3 * units)
                    bias = np.zeros((2, 3 * units), dtype)
                    found.append((*(uniform(*shape) for shape in gates), bias))
                case Dense(units):
                    found.append((uniform(width, units), np.zeros(units, dtype)))
                case Mean():
                    found.append(None)
        return found


def padded(X):
    """Samples of different lengths as an array, zeros behind them, and the lengths."""
    lengths = np.array([len(each) for each in X])
    tokens = np.zeros((len(X), lengths.max()), X[0].dtype)
    tokens[np.arange(tokens.shape[1]) < lengths[:, None]] = np.concatenate(X)
    return tokens, lengths


NETS = {
    "N3": Net(2_048, 100, (LSTM(64),), n_features=32, n_classes=10, batch_size=64),
    "N4": Net(2_048, 200, (Embedding(10_000, 32), LSTM(32))),
    "N5": Net(8_192, 200, (Embedding(10_000, 32), Mean(), Dense(16))),
    "N6": Net(2_048, 50, (GRU(128),), n_features=64, n_classes=10),
    "N8": Net(4_096, 200, (Embedding(10_000, 32), LSTM(32)), mean_length=60),
}
