"""JAX: a whole epoch with its shuffle is one compiled program, a scan over the batches.

``unroll`` steps make one iteration of the loop. Products are of the full precision of
float32, where JAX would take TF32 on its own.
"""

import os
import time
from functools import partial

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import jax
import jax.numpy as jnp
from jax import lax

from benchmarks.peers.jax_scan import mean_loss, version
from benchmarks.peers.net import BETA_1, BETA_2, EPSILON, LEARNING_RATE, initial_weights

__all__ = ["prepare", "version"]


def adam(weights, first, second, gradient, t):
    first = jax.tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, first, gradient)
    second = jax.tree.map(
        lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, second, gradient
    )
    rate, root = LEARNING_RATE / (1 - BETA_1**t), jnp.sqrt(1 - BETA_2**t)
    weights = jax.tree.map(
        lambda w, m, v: w - rate * m / (jnp.sqrt(v) / root + EPSILON),
        weights, first, second,
    )  # fmt: skip
    return weights, first, second


def take_step(net, X, y, state, rows):
    weights, first, second, t = state
    loss, gradient = jax.value_and_grad(partial(mean_loss, net))(
        weights, X[rows], y[rows]
    )
    t = t + 1
    return (*adam(weights, first, second, gradient, t), t), loss


@partial(jax.jit, static_argnums=(0, 1, 2), donate_argnums=3)
def epoch(net, unroll, shuffle, state, X, y):
    key, *state = state
    key, own = jax.random.split(key)
    n = net.n_samples
    order = jax.random.permutation(own, n) if shuffle else jnp.arange(n)
    batches = order.reshape(-1, net.batch_size)
    step = partial(take_step, net, X, y)
    state, losses = lax.scan(step, tuple(state), batches, unroll=unroll)
    return (key, *state), losses.mean()


def place_of(device):
    try:
        return jax.devices("cuda" if device == "cuda" else "cpu")[0]
    except RuntimeError as error:
        raise NotImplementedError(f"JAX finds no card: {error}") from error


def prepare(net, X, y, device, unroll=1):
    place = place_of(device)
    weights = initial_weights(net)
    zeros = jax.tree.map(jnp.zeros_like, weights)
    moments = zeros, jax.tree.map(jnp.copy, zeros)
    state = (jax.random.key(0), weights, *moments, jnp.zeros(()))
    state, X, y = jax.device_put((state, X, y), place)

    def train(epochs, shuffle=True):
        nonlocal state
        ends = []
        for _ in range(epochs):
            with jax.default_matmul_precision("highest"):
                state, loss = epoch(net, unroll, shuffle, state, X, y)
            loss = float(loss)
            ends.append(time.perf_counter())
        return ends, loss

    return train
