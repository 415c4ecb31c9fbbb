"""JAX: a step is one compiled program, in which a recurrent layer is a scan over the
steps of all samples; gathering the batch and Adam are part of it.

The product with the inputs is taken for all steps at once before the scan. Samples of
different lengths are padded to the longest of all, as shapes must be known, and what
follows the end of one leaves its state as it is.
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


def lstm(units, weights, x, present):
    kernel, recurrent_kernel, bias = weights
    rows = jnp.zeros((x.shape[0], units), x.dtype)

    def step(state, inputs):
        h, c = state
        z, there = inputs
        i, f, g, o = jnp.split(z + h @ recurrent_kernel, 4, axis=1)
        i, f, o = map(jax.nn.sigmoid, (i, f, o))
        new_c = f * c + i * jnp.tanh(g)
        new_h = o * jnp.tanh(new_c)
        if there is not None:
            new_h, new_c = jnp.where(there, new_h, h), jnp.where(there, new_c, c)
        return (new_h, new_c), None

    inputs = jnp.swapaxes(x, 0, 1) @ kernel + bias
    (h, _), _ = lax.scan(step, (rows, rows), (inputs, present))
    return h


def gru(units, weights, x, present):
    kernel, recurrent_kernel, (bias, state_bias) = weights

    def step(h, inputs):
        z, there = inputs
        own = h @ recurrent_kernel + state_bias
        update, reset = (
            jax.nn.sigmoid(z[:, k * units : (k + 1) * units] + part)
            for k, part in enumerate(jnp.split(own, 3, axis=1)[:2])
        )
        new = jnp.tanh(z[:, 2 * units :] + reset * own[:, 2 * units :])
        new_h = update * h + (1 - update) * new
        return (new_h if there is None else jnp.where(there, new_h, h)), None

    inputs = jnp.swapaxes(x, 0, 1) @ kernel + bias
    rows = jnp.zeros((x.shape[0], units), x.dtype)
    return lax.scan(step, rows, (inputs, present))[0]


def forward(workload, weights, x, lengths):
    last, present = len(workload.layers), None
    if lengths is not None:
        present = (jnp.arange(x.shape[1])[:, None] < lengths)[..., None]
    found = zip(workload.with_shapes(), weights, strict=True)
    for number, ((layer, _), own) in enumerate(found):
        match layer:
            case net.Embedding():
                x = own[0][x]
            case net.LSTM(units):
                x = lstm(units, own, x, present)
            case net.GRU(units):
                x = gru(units, own, x, present)
            case net.Mean():
                x = x.mean(axis=1)
            case net.Dense():
                kernel, bias = own
                x = x @ kernel + bias
                if number < last:
                    x = jax.nn.relu(x)
    return x


def mean_loss(workload, weights, x, lengths, y):
    z = forward(workload, weights, x, lengths)
    if workload.n_classes == 2:
        return jnp.mean(jnp.logaddexp(0, z[:, 0]) - y * z[:, 0])
    raw = jnp.take_along_axis(z, y[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(z, axis=1) - raw)


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def take_step(workload, state, total, rows, X, lengths, y):
    weights, first, second, t = state
    some = None if lengths is None else lengths[rows]
    loss, gradient = jax.value_and_grad(partial(mean_loss, workload))(
        weights, X[rows], some, y[rows]
    )
    t = t + 1
    state = *adam(weights, first, second, gradient, t), t
    return state, total + loss * len(rows)


def prepare(workload, X, y, threads):
    lengths = None
    if workload.mean_length is not None:
        X, lengths = net.padded(X)
        lengths = jnp.asarray(lengths)
    dtype = np.float32 if X.dtype.kind == "i" else X.dtype
    weights = jax.tree.map(jnp.asarray, workload.weights(dtype))
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = (weights, zeros, jax.tree.map(jnp.copy, zeros), jnp.zeros((), dtype))
    X, y = jnp.asarray(X), jnp.asarray(y)
    rng = np.random.default_rng(0)

    def train(epochs, shuffle=True):
        nonlocal state
        start = time.perf_counter()
        for _ in range(epochs):
            order = rng.permutation(len(y)) if shuffle else np.arange(len(y))
            total = jnp.zeros((), dtype)
            for first in range(0, len(y), workload.batch_size):
                rows = order[first : first + workload.batch_size].astype(np.int32)
                state, total = take_step(workload, state, total, rows, X, lengths, y)
            loss = float(total) / len(y)
        return time.perf_counter() - start, loss

    return train
