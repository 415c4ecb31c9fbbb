"""The training jobs that every benchmark shares: one line each."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse


@dataclass(frozen=True)
class Workload:
    n_samples: int
    n_features: int
    hidden: tuple[int, ...]
    n_classes: int  # 1: regression
    batch_size: int
    density: float = 1.0  # below 1: X is CSR

    @property
    def is_regression(self):
        return self.n_classes == 1

    def __str__(self):
        kind = {1: "regression", 2: "binary"}.get(
            self.n_classes, f"{self.n_classes} classes"
        )
        x = f"{self.n_samples:,}x{self.n_features:,}"
        if self.density < 1:
            x += f" CSR {self.density:.1%}"
        widths = "x".join(map(str, self.hidden))
        if len(self.hidden) > 3 and len(set(self.hidden)) == 1:
            widths = f"{len(self.hidden)} layers of {self.hidden[0]}"
        return f"{x}, {widths}, {kind}, {self.batch_size}"

    def data(self, dtype=np.float32, seed=0):
        """X and y: labels or values that a random linear model gives, with noise."""
        rng = np.random.default_rng(seed)
        if self.density < 1:
            X = sparse.random_array(
                (self.n_samples, self.n_features),
                density=self.density,
                format="csr",
                dtype=dtype,
                random_state=rng,  # rng= needs SciPy 1.15
            )
        else:
            X = rng.standard_normal((self.n_samples, self.n_features), dtype=dtype)
        n_columns = self.n_classes if self.n_classes > 2 else 1
        scores = X @ rng.standard_normal((self.n_features, n_columns)).astype(dtype)
        scores = (scores - scores.mean()) / scores.std()
        scores += 0.1 * rng.standard_normal(scores.shape)
        if self.is_regression:
            return X, scores.ravel().astype(dtype)
        if self.n_classes == 2:
            return X, (scores.ravel() > 0).astype(np.int64)
        return X, scores.argmax(axis=1)


WORKLOADS = {
    "W1": Workload(10_000, 10, (100,), 2, 200),
    "W2": Workload(20_000, 30, (64, 64), 1, 32),
    "W3": Workload(60_000, 784, (512,), 10, 128),
    "W4": Workload(100_000, 100, (256, 256, 256), 10, 256),
    "W5": Workload(50_000, 512, (1024, 1024), 10, 1024),
    "W6": Workload(25_000, 10_000, (16, 16), 2, 512, density=0.012),
    "W7": Workload(20_000, 20, (32,) * 8, 2, 64),
}
