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
    """What the op says of its heads, and the weights that follow from its scores."""

    def __init__(self, walk, op):
        self.walk, self.op, self.n = walk, op, len(walk.weight)
        numbers = walk.params[op["params"] :][:8].tolist()
        self.queries, self.keys, self.heads, self.key_dim, self.value_dim = numbers[:5]
        self.causal, _, self.block_keys = numbers[5:]
        self.factor, self.rate, self.kept = op["scalar"][:3]

    def read(self, q, k, v):
        """Arrays of samples, steps, heads, and numbers of each."""
        steps = zip((q, k, v), (self.queries, self.keys, self.keys), strict=True)
        return (x.reshape(self.n, count, self.heads, -1) for x, count in steps)

    def weights(self, q, k, mask):
        seen = np.ones((self.n, 1, self.queries, self.keys), bool)
        if self.causal:
            seen &= np.tri(self.queries, dtype=bool)
        if mask is not None:
            seen = seen & (mask.reshape(self.n, 1, 1, -1) != 0)
        scores = self.factor * np.einsum("nihd,njhd->nhij", q, k)
        scores = np.where(seen, scores, -np.inf)
        highest = scores.max(axis=-1, keepdims=True)
        e = np.exp(scores - np.where(np.isfinite(highest), highest, 0))
        total = e.sum(axis=-1, keepdims=True)
        return e / np.where(total == 0, 1, total)

    def dropped(self):
        """The factor of each weight."""
        factors = np.ones((self.n, self.heads, self.queries, self.keys))
        if not self.rate:
            return factors
        blocks = -(-self.keys // self.block_keys)
        for sample, head, block in np.ndindex(self.n, self.heads, blocks):
            columns = np.arange(self.keys)[block * self.block_keys :][: self.block_keys]
            before = (head * blocks + block) * self.queries
            kept = keeps(
                self.walk.seed, self.walk.step, self.op["code"],
                self.queries, len(columns), self.rate,
                first=(sample << 32) + before * -(-self.block_keys // 8),
            )  # fmt: skip
            factors[sample, head][:, columns] = self.kept * kept
        return factors


def run_attention(walk, op, dim, q, k, v, mask, *_):
    geometry = Geometry(walk, op)
    q, k, v = geometry.read(q, k, v)
    weights = geometry.weights(q, k, mask) * geometry.dropped()
    y = np.einsum("nhij,njhd->nihd", weights, v).reshape(*q.shape[:2], -1)
    # What the compiled adjoint needs to know is not needed here.
    return (np.dstack([y, np.zeros((*q.shape[:2], 2 * geometry.heads))]),)


def run_attention_gradient(walk, op, dim, dy, q, k, v, attended, mask):
    geometry = Geometry(walk, op)
    q, k, v = geometry.read(q, k, v)
    dy = dy.reshape(*q.shape[:3], -1)
    weights, factors = geometry.weights(q, k, mask), geometry.dropped()
    dweights = factors * np.einsum("nihd,njhd->nhij", dy, v)
    mean = np.sum(weights * dweights, axis=-1, keepdims=True)
    dscores = geometry.factor * weights * (dweights - mean)
    return (
        np.einsum("nhij,njhd->nihd", dscores, k),
        np.einsum("nhij,nihd->njhd", dscores, q),
        np.einsum("nhij,nihd->njhd", weights * factors, dy),
    )


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
            mask = ops.reshape(tape, mask, x.shape[:1])
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
    """The layer within a sum, in front of what means it."""
    block = Sequential(
        [LayerNorm(), MultiHeadAttention(2, 2, value_dim=3, dropout=0.2)]
    )
    network = [Dense(4, "tanh"), Residual(block), GlobalAveragePooling1D(), Dense(2)]
    return lower(Sequential(network), input_shape=(5, 3), loss=SquaredError())


SHAPES = {
    "one_head": ((3, 2), (1, 3, 2), {}),
    "heads": ((5, 4), (2, 3, 4), {}),
    "causal": ((5, 3), (2, 2, 3), {"causal": True}),
    "masked": ((5, 3), (3, 2, 1), {"masked": True}),
    "at_a_time": ((9, 3), (2, 2, 2), {"at_a_time": (2, 3), "masked": True}),
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
