"""Attention, by all weights of all heads at once."""

import numpy as np
from ops.noise import keeps
from writers import ALL_LOSSES, by_hand, dense, parameter

from fastnn import Residual, Sequential
from fastnn.layers import Dense, GlobalAveragePooling1D, LayerNorm, MultiHeadAttention
from fastnn.losses import SquaredError
from fastnn.network import lower
from fastnn.plan import ops
from fastnn.plan.tape import Tape


class Geometry:
    """What the op says of its heads, and where the steps of each sample are."""

    def __init__(self, walk, op):
        self.walk, self.op = walk, op
        numbers = walk.params[op["params"] :][:8].tolist()
        queries, keys, self.heads = numbers[:3]
        self.causal, _, self.block_keys = numbers[5:]
        self.factor, self.rate, self.kept = op["scalar"][:3]
        n = len(walk.weight)
        if op["across"]:
            self.queries = self.keys = walk.starts[op["across"]]
        else:
            self.queries, self.keys = (
                np.arange(n + 1) * each for each in (queries, keys)
            )

    def heads_of(self, *values):
        """Arrays of steps, heads, and numbers of each."""
        steps = [self.queries, self.keys, self.keys, self.queries]
        return [
            x.reshape(starts[-1], self.heads, -1)
            for x, starts in zip(values, steps, strict=False)
        ]

    def samples(self):
        """The queries and the keys of each sample."""
        for sample in range(len(self.walk.weight)):
            queries, keys = (
                slice(*starts[sample : sample + 2])
                for starts in (self.queries, self.keys)
            )
            yield sample, queries, keys

    def weights(self, q, k, mask):
        """Of each head, for each key, of one sample."""
        seen = np.ones((len(q), len(k)), bool)
        if self.causal:
            seen &= np.tri(len(q), dtype=bool)
        if mask is not None:
            seen &= mask != 0
        scores = self.factor * np.einsum("ihd,jhd->hij", q, k)
        scores = np.where(seen, scores, -np.inf)
        highest = scores.max(axis=-1, keepdims=True)
        e = np.exp(scores - np.where(np.isfinite(highest), highest, 0))
        total = e.sum(axis=-1, keepdims=True)
        return e / np.where(total == 0, 1, total)

    def dropped(self, sample, queries, keys):
        """The factor of each of these weights."""
        factors = np.ones((self.heads, queries, keys))
        if not self.rate:
            return factors
        blocks = -(-keys // self.block_keys)
        for head, block in np.ndindex(self.heads, blocks):
            columns = np.arange(keys)[block * self.block_keys :][: self.block_keys]
            before = (head * blocks + block) * queries
            kept = keeps(
                self.walk.seed, self.walk.step, self.op["code"],
                queries, len(columns), self.rate,
                first=(sample << 32) + before * -(-self.block_keys // 8),
            )  # fmt: skip
            factors[head][:, columns] = self.kept * kept
        return factors


def run_attention(walk, op, dim, q, k, v, mask, *_):
    geometry = Geometry(walk, op)
    q, k, v = geometry.heads_of(q, k, v)
    y = np.zeros((*q.shape[:2], v.shape[-1]))
    for sample, queries, keys in geometry.samples():
        own = None if mask is None else mask[keys]
        weights = geometry.weights(q[queries], k[keys], own)
        weights *= geometry.dropped(sample, *weights.shape[1:])
        y[queries] = np.einsum("hij,jhd->ihd", weights, v[keys])
    # What the compiled adjoint needs to know is not needed here.
    y = y.reshape(len(q), -1)
    return (np.hstack([y, np.zeros((len(q), 2 * geometry.heads))]),)


def run_attention_gradient(walk, op, dim, dy, q, k, v, attended, mask):
    geometry = Geometry(walk, op)
    q, k, v, dy = geometry.heads_of(q, k, v, dy)
    dq, dk, dv = (np.zeros_like(each) for each in (q, k, v))
    for sample, queries, keys in geometry.samples():
        own = None if mask is None else mask[keys]
        weights = geometry.weights(q[queries], k[keys], own)
        factors = geometry.dropped(sample, *weights.shape[1:])
        dweights = factors * np.einsum("ihd,jhd->hij", dy[queries], v[keys])
        mean = np.sum(weights * dweights, axis=-1, keepdims=True)
        dscores = geometry.factor * weights * (dweights - mean)
        dq[queries] = np.einsum("hij,jhd->ihd", dscores, k[keys])
        dk[keys] = np.einsum("hij,ihd->jhd", dscores, q[queries])
        dv[keys] = np.einsum("hij,ihd->jhd", weights * factors, dy[queries])
    return dq, dk, dv


OPS = {
    "attention": run_attention,
    "attention_gradient": run_attention_gradient,
}


def attending(heads, key_dim, value_dim, masked=False, **options):
    """A product whose columns are queries, keys and values; and a layer behind."""

    def write(tape, x):
        widths = heads * key_dim, heads * key_dim, heads * value_dim
        joined = dense(tape, x, "projection", sum(widths), "tanh")
        q, k, v = (
            ops.columns(tape, joined, start, width)
            for start, width in zip((0, widths[0], 2 * widths[0]), widths, strict=True)
        )
        mask = None
        if masked:  # where a feature is above 0
            mask = ops.add(tape, ops.columns(tape, x, 0, 1), None, "relu")
            mask = ops.reshape(tape, mask, x.shape[:-1])
        y = ops.attention(tape, q, k, v, heads, mask=mask, **options)
        return dense(tape, y, "output", 2)

    return write


def between_two_inputs():
    """Queries of one input, which is read as it is; keys and values of another one."""
    tape = Tape()
    x, z = tape.input((4, 6), "X"), tape.input((5, 3), "Z")
    k = dense(tape, z, "key", 6, "tanh")
    v = ops.product(tape, z, parameter(tape, "value", (3, 2)))
    y = ops.attention(tape, x, k, v, 2)
    loss = ALL_LOSSES["squared_error"]
    return tape.finish(loss.lower(tape, dense(tape, y, "output", 2)))


def encoder():
    """The layer within a sum, in front of what means it.

    It has no biases: that of the keys has a gradient of 0, of whose rounding Adam would
    make steps as large as any.
    """
    layer = MultiHeadAttention(2, 2, value_dim=3, dropout=0.2, use_bias=False)
    block = Sequential([LayerNorm(), layer])
    network = [Dense(4, "tanh"), Residual(block), GlobalAveragePooling1D(), Dense(2)]
    return lower(Sequential(network), input_shape=(5, 3), loss=SquaredError())


def of_sequences(write, n):
    """The same over sequences of steps of n numbers, whose results then have a mean."""
    tape = Tape()
    y = write(tape, tape.input((n,), steps=True))
    y = dense(tape, ops.reduce_steps(tape, "mean", y), "means", 2)
    return tape.finish(ALL_LOSSES["squared_error"].lower(tape, y))


SHAPES = {
    "one_head": ((3, 2), (1, 3, 2), {}),
    "heads": ((5, 4), (2, 3, 4), {}),
    "causal": ((5, 3), (2, 2, 3), {"causal": True}),
    "masked": ((5, 3), (3, 2, 1), {"masked": True}),
    "blocks": ((9, 3), (2, 2, 2), {"at_a_time": (2, 3), "masked": True}),
    "causal_blocks": ((9, 3), (2, 2, 2), {"at_a_time": (4, 2), "causal": True}),
    "dropped": ((5, 3), (2, 2, 3), {"rate": 0.25}),
    "dropped_blocks": (
        (11, 3),
        (2, 2, 2),
        {"rate": 0.5, "at_a_time": (4, 9), "causal": True, "masked": True},
    ),
}
CASES = {
    **{
        f"attention_{name}": (
            lambda shape=shape, sizes=sizes, options=options: by_hand(
                attending(*sizes, **options), shape
            )
        )
        for name, (shape, sizes, options) in SHAPES.items()
    },
    "attention_of_another_input": between_two_inputs,
    "encoder": encoder,
}

# They have no kernels.
SEQUENCES = {
    "": ((3, 2, 1), {"masked": True}),
    "_in_blocks": ((2, 2, 3), {"at_a_time": (2, 3), "rate": 0.25, "masked": True}),
    "_causal": ((2, 3, 2), {"at_a_time": (3, 2), "rate": 0.5, "causal": True}),
}
OVER_STEPS = {
    f"attention_over_steps{name}": (
        lambda sizes=sizes, options=options: of_sequences(
            attending(*sizes, **options), 3
        )
    )
    for name, (sizes, options) in SEQUENCES.items()
}
