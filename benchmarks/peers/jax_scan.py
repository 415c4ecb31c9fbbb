"""JAX: a whole epoch is one compiled program, a scan over the batches.

The rows of a sparse X are padded to the longest one, with zeros at column 0; dense
batches are five times slower.
"""

import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from scipy import sparse

from .net import ALPHA, BETA_1, BETA_2, EPSILON, LEARNING_RATE, initial_weights


def version():
    return f"JAX {jax.__version__}"


def padded(X):
    """Columns and values of the rows of a CSR matrix, as two dense arrays."""
    lengths = np.diff(X.indptr)
    row = np.repeat(np.arange(X.shape[0]), lengths)
    place = np.arange(X.nnz) - X.indptr[row]
    columns = np.zeros((X.shape[0], lengths.max()), np.int32)
    values = np.zeros(columns.shape, X.dtype)
    columns[row, place] = X.indices
    values[row, place] = X.data
    return columns, values


def product(x, kernel):
    if isinstance(x, tuple):
        columns, values = x
        return jnp.einsum("rj,rju->ru", values, kernel[columns])
    return x @ kernel


def forward(weights, x):
    kernels, biases = weights
    for i, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
        x = product(x, kernel) + bias
        if i < len(kernels) - 1:
            x = jax.nn.relu(x)
    return x


def mean_loss(workload, weights, x, y):
    z = forward(weights, x)
    if workload.is_regression:
        return 0.5 * jnp.mean((z[:, 0] - y) ** 2)
    if workload.n_classes == 2:
        return jnp.mean(jnp.logaddexp(0, z[:, 0]) - y * z[:, 0])
    raw = jnp.take_along_axis(z, y[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(z, axis=1) - raw)


def adam(weights, first, second, gradient, t):
    scale = LEARNING_RATE * jnp.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
    first = jax.tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, first, gradient)
    second = jax.tree.map(
        lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, second, gradient
    )
    weights = jax.tree.map(
        lambda w, m, v: w - scale * m / (jnp.sqrt(v) + EPSILON), weights, first, second
    )
    return weights, first, second


def take_step(workload, X, y, state, rows):
    weights, first, second, t = state
    x = jax.tree.map(lambda array: array[rows], X)
    loss, (kernels, biases) = jax.value_and_grad(partial(mean_loss, workload))(
        weights, x, y[rows]
    )
    decay = ALPHA / len(rows)
    kernels = [g + decay * w for g, w in zip(kernels, weights[0], strict=True)]
    t = t + 1
    state = adam(weights, first, second, (kernels, biases), t)
    return (*state, t), loss * len(rows)


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def epoch(workload, state, order, X, y):
    step = partial(take_step, workload, X, y)
    whole = len(order) // workload.batch_size * workload.batch_size
    batches = order[:whole].reshape(-1, workload.batch_size)
    state, losses = lax.scan(step, state, batches)
    total = losses.sum()
    if whole < len(order):
        state, loss = step(state, order[whole:])
        total += loss
    return state, total / len(order)


def prepare(workload, X, y, threads):
    dtype = X.dtype
    weights = jax.tree.map(jnp.asarray, initial_weights(workload, dtype))
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = (weights, zeros, jax.tree.map(jnp.copy, zeros), jnp.zeros((), dtype))
    X = jax.tree.map(jnp.asarray, padded(X) if sparse.issparse(X) else X)
    y = jnp.asarray(y if workload.n_classes > 2 else y.astype(dtype))
    rng = np.random.default_rng(0)

    def train(epochs, shuffle=True):
        nonlocal state
        n_samples = len(y)
        start = time.perf_counter()
        for _ in range(epochs):
            order = rng.permutation(n_samples) if shuffle else np.arange(n_samples)
            state, loss = epoch(workload, state, order.astype(np.int32), X, y)
        loss = float(loss)
        return time.perf_counter() - start, loss

    return train
