"""Masks: which steps of a value count."""

from collections.abc import Sequence

from fastnn.plan.ops.merge import scale
from fastnn.plan.tape import ALWAYS, Tape
from fastnn.plan.tensor import Tensor


def ones(tape: Tape, shape: Sequence[int]) -> Tensor:
    """Ones for each sample: the mask of what has none."""
    zeros = tape.activation(tuple(shape))
    tape.copy(None, zeros, ALWAYS)
    return scale(tape, zeros, 1.0, 1.0)
