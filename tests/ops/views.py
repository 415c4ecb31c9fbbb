"""Columns of the last axis, and values side by side: views where these can be."""

import numpy as np
from writers import ALL_LOSSES, by_hand, dense, parameter

from fastnn.initializers import Constant, Zeros
from fastnn.losses import CustomLoss
from fastnn.plan import ops
from fastnn.plan.tape import Tape


def run_copy(walk, op, dim, x, *_):
    copied = np.zeros(dim[2:].prod()) if x is None else x
    return (walk.read(op["output"][0]) + copied if op["accumulate"] else copied,)


OPS = {
    "copy": run_copy,
}


def some_columns(tape, x):
    """Of seven: two that overlap, two that are a part of them, and one for nobody."""
    h = dense(tape, x, "hidden", 7, "tanh")
    left, right = ops.columns(tape, h, 0, 3), ops.columns(tape, h, 2, 4)
    inner = ops.columns(tape, right, 1, 2)
    y = ops.add(tape, dense(tape, left, "left", 4, "silu"), right, "tanh")
    y = ops.add(tape, y, dense(tape, inner, "inner", 4))
    return ops.add(tape, y, ops.add(tape, right, None, "silu"))


def apart(tape, x):
    """Columns with others between them, and the whole beside them."""
    h = dense(tape, x, "hidden", 9, "logistic")
    ends = [ops.columns(tape, h, start, 2) for start in (7, 1)]
    y = ops.add(tape, *(ops.add(tape, each, None, "gelu") for each in ends))
    return ops.add(tape, dense(tape, y, "y", 2), dense(tape, h, "h", 2))


def branches(tape, x):
    """Widths that differ, activations of both sorts, and a bias that is two parts'."""
    widths = {"a": (3, "tanh"), "b": (17, "silu"), "c": (1, "relu"), "d": (4, "elu")}
    parts = [dense(tape, x, name, *each) for name, each in widths.items()]
    y = ops.concatenate(tape, parts)
    return dense(tape, ops.add(tape, y, None, "tanh"), "output", 2)


def beside_input(tape, x):
    """Columns of X, and X itself, beside what is computed of them."""
    left = ops.columns(tape, x, 1, 3)
    h = dense(tape, left, "hidden", 4, "tanh")
    y = ops.concatenate(tape, [left, h, x])
    return dense(tape, ops.add(tape, y, parameter(tape, "b", (12,))), "output", 3)


def used_again(tape, x):
    """A part is there twice, is added to another value, and goes on by itself."""
    h = dense(tape, x, "hidden", 4, "tanh")
    before = ops.add(tape, h, dense(tape, h, "inner", 4, "tanh"))
    y = ops.concatenate(tape, [h, before, h])
    after = ops.add(tape, dense(tape, y, "narrow", 4), h, "logistic")
    return ops.add(tape, dense(tape, after, "after", 2), dense(tape, h, "h", 2))


def same_gradient(tape, x):
    """Two columns' gradients are one value, and so is that of a part."""
    h = dense(tape, x, "hidden", 6, "tanh")
    left, right = ops.columns(tape, h, 0, 3), ops.columns(tape, h, 3, 3)
    g = dense(tape, x, "other", 3, "tanh")
    y = ops.concatenate(tape, [g, ops.add(tape, left, right)])
    return ops.add(tape, ops.columns(tape, y, 3, 3), ops.columns(tape, y, 0, 3))


def nested(tape, x):
    """Parts of parts, of which columns are read before and afterwards."""
    a, b, c = (dense(tape, x, name, 3, "tanh") for name in "abc")
    inner = ops.concatenate(tape, [a, b])
    across = ops.columns(tape, inner, 2, 2)
    outer = ops.concatenate(tape, [c, inner, dense(tape, across, "across", 2, "tanh")])
    again = ops.columns(tape, outer, 1, 6)
    y = ops.concatenate(tape, [outer, ops.columns(tape, inner, 1, 4)])
    return ops.add(tape, dense(tape, y, "y", 2), dense(tape, again, "again", 2))


def of_random_ops(tape, x):
    """Ops that cannot do with views, on both sides."""
    h = dense(tape, x, "hidden", 8, "tanh")
    left, right = ops.columns(tape, h, 0, 4), ops.columns(tape, h, 4, 4)
    slope = parameter(tape, "slope", (4,))
    scale = parameter(tape, "scale", (4,))
    parts = [
        ops.dropout(tape, left, 0.25, 1.25),
        ops.gaussian_noise(tape, right, 0.3),
        ops.prelu(tape, left, slope),
        ops.row_norm(tape, "layer_norm", right, scale, epsilon=0.1),
    ]
    y = ops.concatenate(tape, parts)
    # A part that became a view afterwards goes through such an op, too.
    part = dense(tape, y, "part", 3, "tanh")
    y = ops.concatenate(tape, [part, y])
    y = ops.concatenate(tape, [ops.dropout(tape, part, 0.5, 2.0), y])
    return dense(tape, y, "output", 2)


def of_batch_norm(tape, x):
    h = dense(tape, x, "hidden", 8, "tanh")
    left = ops.columns(tape, h, 1, 4)
    statistics = [
        tape.running_statistic("norm/running_mean", (4,), Zeros()),
        tape.running_statistic("norm/running_variance", (4,), Constant(1.0)),
    ]
    scale = parameter(tape, "scale", (4,))
    options = {"momentum": 0.2, "epsilon": 0.1}
    y = ops.batch_norm(tape, left, *statistics, scale, None, **options)
    return dense(tape, ops.concatenate(tape, [y, h]), "output", 2)


def of_reductions(tape, x):
    """Of sequences, with a mask that is a column of its own."""
    h = dense(tape, x, "hidden", 5, "tanh")
    mask = ops.columns(tape, dense(tape, x, "m", 3, "relu", trainable=False), 1, 1)
    body = ops.columns(tape, h, 1, 4)
    parts = [ops.reduce(tape, kind, body, (0,), mask) for kind in ("max", "mean")]
    return dense(tape, ops.concatenate(tape, parts), "output", 2)


def of_softmax(tape, x):
    """Rows of scores side by side; a gate of one column is broadcast."""
    h = dense(tape, x, "hidden", 8)
    parts = [ops.softmax(tape, ops.columns(tape, h, at, 3)) for at in (0, 4)]
    gate = ops.columns(tape, h, 7, 1)
    y = ops.concatenate(tape, parts)
    y = ops.add(tape, y, gate, "tanh")
    return ops.add(tape, ops.softmax(tape, ops.columns(tape, y, 0, 3)), gate)


def along_many_axes(tape, x):
    """What is added along so many axes that the last one cannot stand by itself."""
    h = ops.columns(tape, dense(tape, x, "hidden", 6, "tanh"), 1, 4)
    h = ops.add(tape, h, parameter(tape, "b", (2, 1, 2, 4)), "tanh")
    y = ops.concatenate(tape, [h, ops.columns(tape, x, 0, 2)])
    return dense(tape, y, "output", 2)


def along_rows(tape, x):
    """What is added to views along the first or the last of their axes, or both."""
    h = dense(tape, x, "hidden", 6, "tanh")
    y = ops.columns(tape, h, 1, 4)
    for i, shape in enumerate([(3, 1), (1, 4), (2, 1, 1), (2, 3, 4), (2, 1, 4), (1,)]):
        y = ops.add(tape, y, parameter(tape, f"b{i}", shape), "tanh")
        y = ops.columns(tape, ops.concatenate(tape, [y, x]), 0, 4)
    return ops.add(tape, y, ops.columns(tape, h, 0, 1), "logistic")


def frozen_parts(tape, x):
    """Of the parts one is trained."""
    fixed = dense(tape, x, "fixed", 3, "tanh", trainable=False)
    y = ops.concatenate(tape, [fixed, dense(tape, x, "trained", 2, "tanh")])
    held = ops.columns(tape, dense(tape, x, "held", 4, trainable=False), 1, 2)
    return ops.add(tape, dense(tape, y, "output", 2), held)


def raw_columns(tape, x):
    """The raw outputs are a view themselves."""
    return ops.columns(tape, dense(tape, x, "hidden", 6), 2, 3)


def output_is_a_part():
    """Two losses, of which one looks at a part of what the other one does."""
    tape = Tape()
    x, target = tape.input((5,)), tape.target((3,))
    a, b = (dense(tape, x, name, 3, "tanh") for name in "ab")
    z = dense(tape, ops.concatenate(tape, [b, a]), "output", 3)
    for each in (z, a):
        ops.loss(tape, "squared_error", each, target)
    return tape.finish(a)


def whole_is_output():
    """The loss of each part by itself, against columns of the target."""
    tape = Tape()
    h = dense(tape, tape.input((5,)), "hidden", 4, "tanh")
    target, start = tape.target((6,)), 0
    parts = [dense(tape, h, f"head{n}", n, "tanh") for n in (1, 2, 3)]
    for part in parts:
        width = part.shape[-1]
        own = ops.columns(tape, target, start, width)
        ops.loss(tape, "squared_error", part, own, weight=1 + start)
        start += width
    return tape.finish(ops.concatenate(tape, parts))


def heads():
    """Losses of columns of one value, of whole rows and of single numbers."""
    tape = Tape()
    z = dense(tape, tape.input((2, 5)), "output", 7)
    target, at = tape.target((2, 7)), 0
    for width in (2, 4):
        part, own = (ops.columns(tape, each, at, width) for each in (z, target))
        ops.loss(tape, "soft_cross_entropy", part, own)
        at += width
    return tape.finish(z)


def columns_of_targets():
    """One of two targets, of which each half is a loss by itself; and raw outputs."""
    tape = Tape()
    h = dense(tape, tape.input((5,)), "hidden", 6, "tanh")
    with tape.named("whole"):
        z = ALL_LOSSES["squared_error"].lower(tape, ops.columns(tape, h, 0, 3))
    with tape.named("halves", 0.7):
        target = tape.target((4,))
        own = dense(tape, h, "halves", 4)
        for start in (0, 2):
            part, of = (ops.columns(tape, each, start, 2) for each in (own, target))
            ops.loss(tape, "squared_error", part, of)
    return tape.finish(
        {"halves": own, "part": ops.columns(tape, own, 1, 2), "whole": z}
    )


def reshaped(tape, x):
    """Values that are read in two shapes, before and after they are columns."""
    h = dense(tape, x, "hidden", 4, "tanh")
    flat = ops.reshape(tape, h, (12,))
    y = ops.concatenate(tape, [h, dense(tape, x, "more", 2, "tanh")])
    some = ops.reshape(tape, ops.columns(tape, y, 1, 4), (2, 6))
    own = ops.reshape(tape, dense(tape, x, "own", 4, "tanh"), (12,))
    y = ops.concatenate(tape, [flat, ops.reshape(tape, some, (12,)), own])
    z = ops.reshape(tape, ops.columns(tape, y, 5, 24), (6, 4))
    rows = ops.reshape(tape, ops.columns(tape, z, 1, 3), (3, 2, 3))
    return ops.reshape(tape, dense(tape, rows, "output", 2), (12,))


def of_merges(tape, x):
    """Products, maxima and multiples of columns."""
    h = dense(tape, x, "hidden", 9, "tanh")
    a, b, c = (ops.columns(tape, h, start, 3) for start in (0, 3, 6))
    parts = [ops.multiply(tape, a, b), ops.maximum(tape, b, c), ops.scale(tape, c, 2)]
    y = ops.concatenate(tape, [ops.broadcast_add(tape, a, c), *parts])
    return dense(tape, ops.scale(tape, ops.columns(tape, y, 1, 9), 0.5), "output", 2)


def custom_loss_of_columns():
    tape = Tape()
    z = raw_columns(tape, tape.input((5,)))
    loss = CustomLoss(lambda y, z: (((z - y) ** 2).sum(axis=1) / 2, z - y), "sigmoid")
    return tape.finish(loss.lower(tape, z))


def drawn(seed):
    """A network of views, drawn from a seed: each value may be read many times."""
    rng = np.random.default_rng(seed)

    def write(tape, x):
        values = [x]

        def some():
            return values[rng.integers(len(values))]

        def new_dense(value):
            width = int(rng.integers(1, 6))
            activation = rng.choice(["identity", "tanh", "silu"])
            return dense(tape, value, f"dense{len(values)}", width, activation)

        def new_columns(value):
            start = int(rng.integers(value.shape[-1]))
            width = int(rng.integers(1, value.shape[-1] - start + 1))
            return ops.columns(tape, value, start, width)

        def new_whole(value):
            others = [some() for _ in range(rng.integers(1, 4))]
            return ops.concatenate(tape, [value, *others])

        def new_sum(value):
            fit = [each for each in values if each.shape in (value.shape, (1,))]
            return ops.add(tape, value, fit[rng.integers(len(fit))], "tanh")

        made = {
            new_dense: 3,
            new_columns: 3,
            new_whole: 3,
            new_sum: 2,
            lambda value: ops.add(tape, value, None, "logistic"): 2,
            lambda value: ops.softmax(tape, value): 1,
            lambda value: ops.dropout(tape, value, 0.25, 1.25): 1,
        }
        makers = [make for make, share in made.items() for _ in range(share)]
        for _ in range(rng.integers(3, 20)):
            values.append(makers[rng.integers(len(makers))](some()))
        parts = [values[i] for i in rng.permutation(len(values))[:4]]
        y = ops.concatenate(tape, [new_dense(x), *parts])
        return new_columns(y) if rng.random() < 0.3 else dense(tape, y, "output", 2)

    return by_hand(write)


RANKS = {"": (5,), "_rank_2": (3, 5)}

CASES = {
    **{
        f"{write.__name__}{rank}": (
            lambda write=write, shape=shape: by_hand(write, shape)
        )
        for write in (
            *(some_columns, apart, branches, beside_input, used_again, same_gradient),
            *(nested, of_random_ops, of_softmax, frozen_parts, of_merges),
        )
        for rank, shape in RANKS.items()
    },
    "batch_norm_of_columns": lambda: by_hand(of_batch_norm),
    "batch_norm_of_columns_rank_2": lambda: by_hand(of_batch_norm, (3, 5)),
    "reshaped": lambda: by_hand(reshaped, (3, 5)),
    "of_reductions": lambda: by_hand(of_reductions, (3, 5)),
    "along_many_axes": lambda: by_hand(along_many_axes, (2, 3, 2, 5)),
    "along_rows": lambda: by_hand(along_rows, (2, 3, 5)),
    **{
        f"raw_columns-{loss}": lambda loss=loss: by_hand(raw_columns, loss=loss)
        for loss in ("squared_error", "log_loss", "cross_entropy", "kl_divergence")
    },
    "raw_columns_rank_2": lambda: by_hand(raw_columns, (3, 5), "cross_entropy"),
    "output_is_a_part": output_is_a_part,
    "whole_is_output": whole_is_output,
    "heads_of_columns": heads,
    "columns_of_targets": columns_of_targets,
    "custom_loss_of_columns": custom_loss_of_columns,
}
