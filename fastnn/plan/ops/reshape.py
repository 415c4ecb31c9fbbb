"""Values in another shape."""

from collections.abc import Sequence

from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor


def reshape(tape: Tape, x: Tensor, shape: Sequence[int]) -> Tensor:
    """The numbers of x in another shape, in C order.

    They are the same value: nothing is written, and the tape gives its gradient the
    shape in which somebody asks for it. Columns of another value are copied.

    Parameters
    ----------
    x : Tensor
    shape : sequence of int
        Of a sample, with as many numbers as x has.
    """
    return tape.reshaped(x, tuple(shape))
