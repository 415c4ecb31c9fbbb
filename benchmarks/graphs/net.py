"""The network of two branches, each on half of the columns, and its initial weights."""

import numpy as np

from benchmarks.suite.workloads import Workload

WORKLOAD = Workload(20_000, 40, (64, 64), 2, 64)
BRANCHES = "left", "right"
LAYERS = "dense", "dense_1"


def initial_weights(workload, dtype=np.float32):
    """Glorot's uniform kernels and zero biases, as Keras draws them, by name."""
    rng = np.random.default_rng(0)
    weights = {}

    def add(name, fan_in, fan_out):
        bound = np.sqrt(6 / (fan_in + fan_out))
        kernel = rng.uniform(-bound, bound, (fan_in, fan_out))
        weights[f"{name}/kernel"] = kernel.astype(dtype)
        weights[f"{name}/bias"] = np.zeros(fan_out, dtype)

    for branch in BRANCHES:
        fan_in = workload.n_features // 2
        for layer, units in zip(LAYERS, workload.hidden, strict=True):
            add(f"{branch}/{layer}", fan_in, units)
            fan_in = units
    add("output", len(BRANCHES) * workload.hidden[-1], 1)
    return weights
