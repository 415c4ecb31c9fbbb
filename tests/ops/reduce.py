"""Means, sums and maxima over any axes, with and without a mask."""

import numpy as np
from writers import ALL_LOSSES, by_hand, dense

from fastnn.plan import ops
from fastnn.plan.tape import Tape


def run_reduce(walk, op, dim, x, mask, *_):
    x, passes, kept = reduced(walk, op, dim, x, mask)
    count = np.sum(passes, axis=kept, keepdims=True)
    name = ("mean", "sum", "max")[op["code"]]
    if name == "max":
        y = np.max(np.where(passes, x, -np.inf), axis=kept, keepdims=True)
        count = np.sum(passes & (x == y), axis=kept, keepdims=True)
        y = np.where(count, y, 0)
    else:
        y = np.sum(np.where(passes, x, 0), axis=kept, keepdims=True)
    share = np.where(count, 1 / np.maximum(count, 1), 0)
    return y * share if name == "mean" else y, share


def run_reduce_gradient(walk, op, dim, dy, x, y, share, mask, *_):
    shape = dim[2:].prod()
    x, passes, kept = reduced(walk, op, dim, np.zeros(shape) if x is None else x, mask)
    of_results = np.sum(x, axis=kept, keepdims=True).shape
    if y is not None:
        passes = passes & (x == y.reshape(of_results))
    each = dy if share is None else dy * share
    return (np.where(passes, each.reshape(of_results), 0),)


def run_reduce_steps(walk, op, dim, x, mask, *_):
    y = []
    for own, passes in samples(walk, op, dim, x, mask):
        if not passes.any():
            y.append((np.zeros(dim[3]), np.zeros(dim[3])))
            continue
        own = own[passes]
        result = getattr(own, ("mean", "sum", "max")[op["code"]])(axis=0)
        y.append((result, 1 / np.maximum(np.sum(own == result, axis=0), 1)))
    return map(np.array, zip(*y, strict=True))


def run_reduce_steps_gradient(walk, op, dim, dy, x, y, share, mask, *_):
    n_steps = walk.starts[op["across"]][-1]
    x = np.zeros(n_steps * dim[3]) if x is None else x
    parts = []
    for i, (own, passes) in enumerate(samples(walk, op, dim, x, mask)):
        part = np.broadcast_to(dy.reshape(-1, dim[3])[i], own.shape)
        if y is not None:
            part = part * share.reshape(-1, dim[3])[i]
            part = np.where(own == y.reshape(-1, dim[3])[i], part, 0)
        elif op["code"] == 0:
            part = part / max(np.sum(passes), 1)
        parts.append(np.where(passes[:, None], part, 0))
    return (np.concatenate(parts),)


def samples(walk, op, dim, x, mask):
    """The steps of each sample, and which of them pass."""
    starts = walk.starts[op["across"]]
    passes = np.ones(starts[-1]) if mask is None else mask
    inner = starts[1:-1]
    rows = np.split(x.reshape(-1, dim[3]), inner)
    return zip(rows, np.split(passes != 0, inner), strict=True)


def reduced(walk, op, dim, x, mask):
    """x with an axis for each that the op names, what passes, and axes to sum over."""
    rank, *rest = walk.params[op["params"] :].tolist()
    lengths, y_steps, mask_steps = np.reshape(rest[: 3 * rank], (3, rank)).tolist()
    x = x.reshape(-1, *lengths)
    passes = np.ones(x.shape, bool)
    if mask is not None:
        steps = [rest[3 * rank + 2], *mask_steps]
        bytes_apart = [step * mask.itemsize for step in steps]
        passes = np.lib.stride_tricks.as_strided(mask, x.shape, bytes_apart) != 0
    return x, passes, tuple(i + 1 for i, step in enumerate(y_steps) if not step)


OPS = {
    "reduce": run_reduce,
    "reduce_gradient": run_reduce_gradient,
    "reduce_steps": run_reduce_steps,
    "reduce_steps_gradient": run_reduce_steps_gradient,
}


# Axes of samples of shape (3, 4, 5) that are reduced.
REDUCED = [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (-3, -2, -1)]
# Axes along which a mask is broadcast; None is no mask.
MASKED = [None, (), (0,), (2,), (0, 1), (1, 2)]


def reducing(kind, axes, broadcast=None):
    """Numbers of (3, 4, 5) that are reduced; a fixed function may mask some of them."""

    def write(tape, x):
        h = dense(tape, x, "hidden", 5, "tanh")
        mask = None
        if broadcast is not None:
            mask = dense(tape, x, "mask", 5, "relu", trainable=False)
            mask = ops.reduce(tape, "sum", mask, broadcast, keepdims=True)
        y = ops.reduce(tape, kind, h, axes, mask, keepdims=len(axes) == 3)
        return dense(tape, y, "output", 2)

    return write


def over_steps(kind, n, masked):
    """Hidden units at each step, of sequences that all are of another length."""
    tape = Tape()
    x = tape.input((3,), steps=True)
    h = dense(tape, x, "hidden", n, "tanh")
    mask = None
    if masked:
        mask = ops.value_mask(
            tape, dense(tape, x, "mask", 2, "relu", trainable=False), 0.0
        )
    h = ops.reduce_steps(tape, kind, h, mask)
    z = dense(tape, h, "output", 2)
    return tape.finish(ALL_LOSSES["squared_error"].lower(tape, z))


CASES = {
    **{
        f"{kind}_of_{axes}_masked_{mask}": (
            lambda kind=kind, axes=axes, mask=mask: by_hand(
                reducing(kind, axes, mask), (3, 4, 2)
            )
        )
        # Each axes with each kind, and each mask with each kind.
        for i, axes in enumerate(REDUCED)
        for j, kind in enumerate(("mean", "sum", "max"))
        for mask in {None, MASKED[(i + 2 * j) % len(MASKED)]}
    },
}

# They have no kernels.
OVER_STEPS = {
    f"{kind}_of_{n}_over_steps{'_masked' * masked}": (
        lambda kind=kind, n=n, masked=masked: over_steps(kind, n, masked)
    )
    for kind in ("mean", "sum", "max")
    for n, masked in ((1, True), (5, False), (19, True))
}
