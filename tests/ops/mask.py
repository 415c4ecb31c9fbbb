"""Masks of tokens and of values, and rows without those that a mask keeps out."""

import numpy as np
from writers import ALL_LOSSES, by_hand, dense, parameter

from fastnn.layers import Dense, Embedding, GlobalAveragePooling1D, Masking
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.plan import ops
from fastnn.plan.tape import Tape


def run_token_mask(walk, op, dim, tokens, *_):
    return (np.where(tokens == 0, 0.0, 1.0),)


def run_value_mask(walk, op, dim, x, *_):
    x, value = x.reshape(-1, dim[3]), op["scalar"][0]
    same = np.isnan(x) if np.isnan(value) else x == value
    return (1.0 * ~same.all(axis=1),)


def run_masked(walk, op, dim, x, mask, *_):
    passes = mask.reshape(-1, 1) != 0
    return (np.where(passes, x.reshape(-1, dim[3]), 0),)


OPS = {
    "token_mask": run_token_mask,
    "value_mask": run_value_mask,
    "masked": run_masked,
}


def of_tokens():
    """Rows of a table for tokens, of which the zeros are passed over."""
    tape = Tape()
    x = tape.input((2, 5), tokens=4)
    h = ops.embedding(tape, x, parameter(tape, "table", (4, 3)))
    mask = ops.token_mask(tape, x)
    h = ops.masked(tape, dense(tape, h, "hidden", 3, "tanh"), mask)
    h = ops.reduce(tape, "mean", h, (0, 1), ops.reshape(tape, mask, (2, 5, 1)))
    z = dense(tape, h, "output", 2)
    return tape.finish(ALL_LOSSES["squared_error"].lower(tape, z))


def of_values(width):
    """Rows of relu units, of which some are all 0 and passed over."""

    def write(tape, x):
        h = dense(tape, x, "hidden", width, "relu")
        mask = ops.value_mask(tape, h, 0.0)
        h = ops.masked(tape, dense(tape, h, "after", 4, "tanh"), mask)
        return dense(tape, ops.reduce(tape, "mean", h, (0,)), "output", 2)

    return by_hand(write, (6, 3))


def of_layers():
    """Tokens, and steps that hold a value, are masked; means are of what is left."""
    masked = [Embedding(5, 3, mask_zero=True), Dense(4, "relu"), Masking()]
    network = Sequential([*masked, GlobalAveragePooling1D(), Dense(2)])
    return lower(network, input_shape=(6,), loss=SquaredError())


def of_missing_values():
    """Rows that are NaN nowhere, in some numbers and in all: those are passed over."""

    def write(tape, x):
        h = dense(tape, x, "hidden", 2, "tanh")
        missing = ops.scale(tape, h, 1.0, np.nan)
        partly = ops.concatenate(tape, [h, missing])
        masks = [ops.value_mask(tape, each, np.nan) for each in (h, partly, missing)]
        h = ops.concatenate(tape, [ops.masked(tape, h, mask) for mask in masks])
        return dense(tape, ops.reduce(tape, "mean", h, (0,)), "output", 2)

    return by_hand(write, (6, 3))


CASES = {
    "mask_of_tokens": of_tokens,
    "mask_of_values": lambda: of_values(2),
    "mask_of_single_values": lambda: of_values(1),
    "masks_of_layers": of_layers,
    "mask_of_missing_values": of_missing_values,
}
