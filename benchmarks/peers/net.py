"""The net of a workload, as peers without scikit-learn's interface have to write it."""

from itertools import pairwise

import numpy as np

# scikit-learn's defaults.
ALPHA = 1e-4
LEARNING_RATE = 1e-3
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


def widths(workload):
    """Columns of X, of each hidden layer and of the output."""
    outputs = workload.n_classes if workload.n_classes > 2 else 1
    return [workload.n_features, *workload.hidden, outputs]


def initial_weights(workload, dtype=np.float32):
    """Kernels and biases that scikit-learn draws for ``random_state=0`` and relu."""
    random_state = np.random.RandomState(0)
    kernels, biases = [], []
    for fan_in, fan_out in pairwise(widths(workload)):
        bound = np.sqrt(6 / (fan_in + fan_out))
        kernels.append(random_state.uniform(-bound, bound, (fan_in, fan_out)))
        biases.append(random_state.uniform(-bound, bound, fan_out))
    return (
        [kernel.astype(dtype) for kernel in kernels],
        [bias.astype(dtype) for bias in biases],
    )
