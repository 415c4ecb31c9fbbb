"""Embeddings: dense gradients of tables, and gradients that are rows."""

import numpy as np
from writers import ALL_LOSSES, dense, parameter

from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.regularizers import L1L2, SklearnL2


def run_embedding(walk, op, dim, tokens, table):
    return (table.reshape(-1, dim[3])[tokens],)


def run_embedding_gradient(walk, op, dim, tokens, dy):
    size = walk.read(op["output"][0]).size
    gradient = np.zeros((size // dim[3], dim[3]))
    np.add.at(gradient, tokens, dy.reshape(-1, dim[3]))
    return (gradient,)


OPS = {
    "embedding": lambda *arguments: run_embedding(*arguments[:5]),
    "embedding_gradient": lambda *arguments: run_embedding_gradient(*arguments[:5]),
}


def means(tape, tokens, table):
    """What the rows of a sample's tokens have in common."""
    h = ops.embedding(tape, tokens, table)
    return ops.reduce(tape, "mean", h, range(len(tokens.shape)))


def one_input(rows):
    """Tokens alone, more of them than the table has rows: some are read twice."""
    tape = Tape()
    x = tape.input((2, 6), tokens=9)
    table = parameter(tape, "table", (9, 4), rows=rows)
    z = dense(tape, means(tape, x, table), "output", 2)
    return tape.finish(ALL_LOSSES["squared_error"].lower(tape, z))


def numbers_too(rows):
    """Tokens and numbers, of which the first stand beside a wide product's."""
    tape = Tape()
    words = tape.input((5,), "words", tokens=30)
    numbers = tape.input((3,), "numbers")
    table = parameter(
        tape, "table", (33, 5), rows=rows,
        regularizer=L1L2(l1=0.03, l2=0.05), learning_rate=0.5,
    )  # fmt: skip
    h = dense(tape, numbers, "numbers", 5, "tanh")
    z = ops.add(tape, means(tape, words, table), h, "tanh")
    z = dense(tape, z, "output", 3)
    return tape.finish(ALL_LOSSES["cross_entropy"].lower(tape, z))


def used_twice(rows):
    """A table that two inputs read, and a wider one; a gradient that two uses share."""
    tape = Tape()
    first = tape.input((3,), "first", tokens=12)
    second = tape.input((), "second", tokens=10)
    table = parameter(tape, "table", (12, 2), rows=rows, regularizer=SklearnL2(0.2))
    wide = parameter(tape, "wide", (12, 1030), rows=rows, weight_decay=0.5)
    held = parameter(tape, "held", (12, 2), rows=rows, trainable=False)
    both = ops.add(
        tape, means(tape, first, table), ops.embedding(tape, second, table), "tanh"
    )
    both = ops.add(tape, both, ops.embedding(tape, second, held))
    h = dense(tape, means(tape, first, wide), "narrow", 2, "tanh")
    z = dense(tape, ops.add(tape, both, h), "output", 2)
    return tape.finish(ALL_LOSSES["squared_error"].lower(tape, z))


WRITERS = {
    "embedding": one_input,
    "embedding_beside_numbers": numbers_too,
    "embedding_used_twice": used_twice,
}

CASES = {name: lambda write=write: write(rows=False) for name, write in WRITERS.items()}

# They have no kernels.
BY_ROWS = {
    f"{name}_by_rows": lambda write=write: write(rows=True)
    for name, write in WRITERS.items()
}
