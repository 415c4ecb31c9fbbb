"""JAX: a whole epoch is one compiled program, a scan over the batches."""

import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.peers.jax_scan import adam, version

from .net import BRANCHES, LAYERS, initial_weights

__all__ = ["prepare", "version"]


def mean_loss(weights, x, y):
    values = []
    for branch, part in zip(BRANCHES, jnp.split(x, len(BRANCHES), axis=1), strict=True):
        for layer in LAYERS:
            name = f"{branch}/{layer}"
            part = part @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]
            part = jax.nn.relu(part)
        values.append(part)
    x = jnp.concatenate(values, axis=1)
    z = (x @ weights["output/kernel"] + weights["output/bias"])[:, 0]
    return jnp.mean(jnp.logaddexp(0, z) - y * z)


def take_step(X, y, state, rows):
    weights, first, second, t = state
    loss, gradient = jax.value_and_grad(mean_loss)(weights, X[rows], y[rows])
    t = t + 1
    return (*adam(weights, first, second, gradient, t), t), loss * len(rows)


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def epoch(batch_size, state, order, X, y):
    step = partial(take_step, X, y)
    whole = len(order) // batch_size * batch_size
    state, losses = lax.scan(step, state, order[:whole].reshape(-1, batch_size))
    total = losses.sum()
    if whole < len(order):
        state, loss = step(state, order[whole:])
        total += loss
    return state, total / len(order)


def prepare(workload, X, y, threads):
    weights = jax.tree.map(jnp.asarray, initial_weights(workload, X.dtype))
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = (weights, zeros, jax.tree.map(jnp.copy, zeros), jnp.zeros((), X.dtype))
    X, y = jnp.asarray(X), jnp.asarray(y.astype(X.dtype))
    rng = np.random.default_rng(0)

    def train(epochs, shuffle=True):
        nonlocal state
        start = time.perf_counter()
        for _ in range(epochs):
            order = rng.permutation(len(y)) if shuffle else np.arange(len(y))
            rows = order.astype(np.int32)
            state, loss = epoch(workload.batch_size, state, rows, X, y)
        loss = float(loss)
        return time.perf_counter() - start, loss

    return train
