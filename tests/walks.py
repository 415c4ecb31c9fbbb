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
    read: Callable | None = None  # the present value of a tensor, by its number
    reports: np.ndarray | None = None  # of each loss, and the sum of its weights
    factors: tuple = ()  # by which losses are multiplied

    def weights_of(self, loss):
        """The weights of the samples for a loss."""
        return self.weight if self.weight.ndim == 1 else self.weight[:, 1 + loss]


def matrices(flat, count, rows, columns, lead, stride):
    """Matrices in flat memory: their rows lie lead apart, and they stride apart."""
    assert (count - 1) * stride + (rows - 1) * lead + columns <= flat.size
    item = flat.itemsize
    return as_strided(flat, (count, rows, columns), (stride * item, lead * item, item))


def positions(dim, stride):
    """Where an operand with these strides is read, for each place of shape dim."""
    return sum(
        step * place for step, place in zip(stride, np.indices(dim), strict=True)
    )


def head(op, dim, values):
    """The columns of a table that belong to one of several heads side by side."""
    start = op["stride"][0]
    return values.reshape(dim[2], -1)[:, start : start + dim[3]]
