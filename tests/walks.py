"""What a walk over a plan has, and how its ops read flat memory."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.lib.stride_tricks import as_strided


@dataclass
class Walk:
    """What a walk over the ops of a plan leaves behind."""

    weight: np.ndarray  # one for each sample, or that and one more for each loss
    gradients: np.ndarray
    values: dict = field(default_factory=dict)  # flat arrays, by number of tensor
    loss: float = 0.0
    reported: float = 0.0
    seed: int = 0  # of the random masks
    step: int = 0
    functions: tuple = ()  # of custom losses
    params: np.ndarray | None = None
    touched: dict = field(default_factory=dict)  # rows of tables, by number of block
    read: Callable | None = None  # the present value of a tensor, by its number
    reports: np.ndarray | None = None  # of each loss, and the sum of its weights
    factors: tuple = ()  # by which losses are multiplied
    tensors: np.ndarray | None = None

    def weights_of(self, loss):
        """The weights of the samples for a loss."""
        return self.weight if self.weight.ndim == 1 else self.weight[:, 1 + loss]

    def numbers_at(self, number, places):
        """Which numbers of a tensor, as it is read, lie at places of its memory."""
        lead, width = self.tensors[number]["lead"], width_of(self.tensors, number)
        if number < 0 or not lead:
            return places
        return places // lead * width + places % lead


def width_of(tensors, number):
    """Numbers in a row of the last axis of a view; 0 for others."""
    tensor = tensors[number]
    if tensor["base"] < 0:
        return 0
    of = tensors[tensor["base"]]
    # One of several targets has one row if there are columns of it.
    n_rows = 1 if of["lead"] else of["size"] // tensor["lead"]
    return tensor["size"] // n_rows


def columns_of(tensors, number, base):
    """What a view is of the flat array of its base: a table, that may be written to."""
    of = tensors[tensors[number]["base"]]
    first = tensors[number]["first"] - of["first"]
    lead = of["size"] if of["lead"] else tensors[number]["lead"]
    width = width_of(tensors, number)
    return base.reshape(-1, lead)[:, first : first + width]


def matrices(flat, count, rows, columns, stride):
    """Matrices in flat memory, which lie stride apart."""
    assert (count - 1) * stride + rows * columns <= flat.size
    item = flat.itemsize
    steps = stride * item, columns * item, item
    return as_strided(flat, (count, rows, columns), steps)


def positions(dim, stride):
    """Where an operand with these strides is read, for each place of shape dim."""
    return sum(
        step * place for step, place in zip(stride, np.indices(dim), strict=True)
    )


def head(op, dim, values):
    """The columns of a table that belong to one of several heads side by side."""
    start = op["stride"][0]
    return values.reshape(dim[2], -1)[:, start : start + dim[3]]
