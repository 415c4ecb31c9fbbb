"""Rows that are added to the steps of samples, one after the other."""

import numpy as np
from writers import ALL_LOSSES, by_hand, dense, parameter

from fastnn.layers import Dense, GlobalAveragePooling1D, PositionEmbedding
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.plan import ops
from fastnn.plan.tape import Tape


def places(walk, op):
    """The place of each step within its sample."""
    length, _, _ = walk.params[op["params"] :][:3]
    starts = np.arange(len(walk.weight) + 1) * length
    if op["across"]:
        starts = walk.starts[op["across"]]
    return np.arange(starts[-1]) - np.repeat(starts[:-1], np.diff(starts))


def run_positions(walk, op, dim, x, table, *_):
    dim = walk.params[op["params"] + 2]
    return (x.reshape(-1, dim) + table.reshape(-1, dim)[places(walk, op)],)


def run_positions_gradient(walk, op, dim, dy, *_):
    _, rows, dim = walk.params[op["params"] :][:3]
    dtable = np.zeros((rows, dim))
    np.add.at(dtable, places(walk, op), dy.reshape(-1, dim))
    return (dtable,)


OPS = {
    "positions": run_positions,
    "positions_gradient": run_positions_gradient,
}


def placed(tape, x):
    """A table that is used twice, with more rows than there are steps."""
    table = parameter(tape, "table", (5, 3))
    x = ops.positions(tape, dense(tape, x, "before", 3, "tanh"), table)
    x = ops.positions(tape, dense(tape, x, "between", 3, "tanh"), table)
    return dense(tape, x, "output", 2)


def over_steps():
    """Steps of sequences, whose mean would not depend on their order."""
    tape = Tape()
    x = dense(tape, tape.input((2,), steps=True), "before", 3, "tanh")
    x = ops.positions(tape, x, parameter(tape, "table", (8, 3)))
    x = dense(tape, x, "between", 3, "tanh")
    z = dense(tape, ops.reduce_steps(tape, "sum", x), "output", 2)
    return tape.finish(ALL_LOSSES["squared_error"].lower(tape, z))


def layer():
    network = [PositionEmbedding(6, initializer="uniform"), Dense(3, "tanh")]
    network += [GlobalAveragePooling1D(), Dense(2)]
    return lower(Sequential(network), input_shape=(6, 4), loss=SquaredError())


CASES = {
    "positions": lambda: by_hand(placed, (4, 2)),
    "position_embedding": layer,
}

# They have no kernels.
OVER_STEPS = {"positions_over_steps": over_steps}
