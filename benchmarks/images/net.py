"""The networks, their data and their initial weights, as every peer reads them."""

from dataclasses import dataclass
from itertools import count
from math import prod

import numpy as np


@dataclass(frozen=True)
class Conv:
    """A convolution with square windows, no padding and relu."""

    filters: int
    size: int


@dataclass(frozen=True)
class Pool:
    """The largest of windows of 2 along each axis, side by side."""


@dataclass(frozen=True)
class Flatten:
    pass


@dataclass(frozen=True)
class Mean:
    """Over all places."""


@dataclass(frozen=True)
class Dense:
    """With relu, but for the last layer."""

    units: int


@dataclass(frozen=True)
class Net:
    n_samples: int
    shape: tuple[int, ...]  # of a sample, channels last
    layers: tuple
    n_classes: int = 10
    batch_size: int = 64

    def __str__(self):
        written = []
        for layer in self.layers:
            match layer:
                case Conv(filters, size):
                    written.append(f"conv {filters} ({size})")
                case Pool():
                    written.append("pool")
                case Mean():
                    written.append("mean")
                case Dense(units):
                    written.append(f"dense {units}")
        return f"{'x'.join(map(str, self.shape))}, {', '.join(written)}"

    @property
    def n_axes(self):
        """Of the places of a sample."""
        return len(self.shape) - 1

    def data(self, dtype=np.float32, seed=0):
        rng = np.random.default_rng(seed)
        X = rng.random((self.n_samples, *self.shape), dtype=dtype)
        return X, rng.integers(0, self.n_classes, self.n_samples)

    def with_shapes(self):
        """Layers, the output's too, and the shapes of what they read."""
        shape = self.shape
        for layer in (*self.layers, Dense(self.n_classes)):
            yield layer, shape
            match layer:
                case Conv(filters, size):
                    shape = (*(n - size + 1 for n in shape[:-1]), filters)
                case Pool():
                    shape = (*(n // 2 for n in shape[:-1]), shape[-1])
                case Flatten():
                    shape = (prod(shape),)
                case Mean():
                    shape = shape[-1:]
                case Dense(units):
                    shape = (units,)

    def weights(self, dtype=np.float32):
        """Kernels, (*size, inputs, outputs), and biases, of each layer that has them:
        Glorot's uniform ones and zeros."""
        rng = np.random.default_rng(0)
        found = []
        for layer, shape in self.with_shapes():
            match layer:
                case Conv(outputs, size):
                    places = (size,) * self.n_axes
                case Dense(outputs):
                    places = ()
                case _:
                    continue
            bound = np.sqrt(6 / (prod(places) * (shape[-1] + outputs)))
            kernel = rng.uniform(-bound, bound, (*places, shape[-1], outputs))
            found.append((kernel.astype(dtype), np.zeros(outputs, dtype)))
        return found

    def named_layers(self):
        """Names of all layers, and the layers: "conv_0", "pool_0", "conv_1", ..."""
        numbers = {}
        for layer, _ in self.with_shapes():
            kind = type(layer).__name__.lower()
            yield f"{kind}_{next(numbers.setdefault(kind, count()))}", layer


NETS = {
    "N1": Net(
        4_096,
        (28, 28, 1),
        (
            *(Conv(32, 3), Pool(), Conv(64, 3), Pool(), Conv(64, 3)),
            *(Flatten(), Dense(64)),
        ),
    ),
    "N2": Net(
        2_048,
        (32, 32, 3),
        (
            *(Conv(32, 3), Conv(32, 3), Pool(), Conv(64, 3), Conv(64, 3), Pool()),
            *(Flatten(), Dense(128)),
        ),
    ),
    "N7": Net(2_048, (256, 6), (Conv(64, 7), Conv(64, 7), Conv(64, 7), Mean())),
}
