"""JAX: a step is one compiled program, gathering its batch and Adam included.

As a scan over the batches an epoch takes several times longer: within loops, XLA has
slow convolutions only.
"""

import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.peers.jax_scan import adam, version

from . import net

__all__ = ["prepare", "version"]


def forward(workload, weights, x):
    found = iter(weights)
    last = len(workload.layers)
    numbers = "NWC", "WIO", "NWC"
    if workload.n_axes == 2:
        numbers = "NHWC", "HWIO", "NHWC"
    for number, (layer, _) in enumerate(workload.with_shapes()):
        match layer:
            case net.Conv():
                kernel, bias = next(found)
                strides = (1,) * workload.n_axes
                y = lax.conv_general_dilated(
                    x, kernel, strides, "VALID", dimension_numbers=numbers
                )
                x = jax.nn.relu(y + bias)
            case net.Pool():
                window = (1, *(2,) * workload.n_axes, 1)
                x = lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")
            case net.Flatten():
                x = x.reshape(len(x), -1)
            case net.Mean():
                x = x.mean(axis=range(1, x.ndim - 1))
            case net.Dense():
                kernel, bias = next(found)
                x = x @ kernel + bias
                if number < last:
                    x = jax.nn.relu(x)
    return x


def mean_loss(workload, weights, x, y):
    z = forward(workload, weights, x)
    raw = jnp.take_along_axis(z, y[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(z, axis=1) - raw)


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def take_step(workload, state, total, rows, X, y):
    weights, first, second, t = state
    loss, gradient = jax.value_and_grad(partial(mean_loss, workload))(
        weights, X[rows], y[rows]
    )
    t = t + 1
    state = *adam(weights, first, second, gradient, t), t
    return state, total + loss * len(rows)


def prepare(workload, X, y, threads):
    weights = jax.tree.map(jnp.asarray, workload.weights(X.dtype))
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = (weights, zeros, jax.tree.map(jnp.copy, zeros), jnp.zeros((), X.dtype))
    X, y = jnp.asarray(X), jnp.asarray(y)
    rng = np.random.default_rng(0)

    def train(epochs, shuffle=True):
        nonlocal state
        start = time.perf_counter()
        for _ in range(epochs):
            order = rng.permutation(len(y)) if shuffle else np.arange(len(y))
            total = jnp.zeros((), X.dtype)
            for first in range(0, len(y), workload.batch_size):
                rows = order[first : first + workload.batch_size].astype(np.int32)
                state, total = take_step(workload, state, total, rows, X, y)
            loss = float(total) / len(y)
        return time.perf_counter() - start, loss

    return train
