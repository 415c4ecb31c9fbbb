"""The layer that masks steps by what stands there."""

from math import inf, nan
from numbers import Real
from typing import ClassVar

from fastnn.layers.base import Layer
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor, shape_of_sample
from fastnn.utils.plain_numbers import Interval


class Masking(Layer):
    """Masks the steps at which all numbers are one value.

    What follows passes these steps over, as :class:`Embedding` says of masks, and reads
    zeros there. Steps that are masked already stay so, whatever they hold, NaN
    included. A step that is NaN in some of its numbers counts.

    Parameters
    ----------
    mask_value : float, default=0.0
        A finite number, which is compared in the dtype that is computed in; or NaN, for
        steps of which nothing is known. As the first layer it then reads X with NaN in
        all numbers of a step, which is refused elsewhere.

    Examples
    --------
    >>> from fastnn.layers import Masking
    >>> Masking(-1.0).output_shape((100, 6))
    (100, 6)
    """

    _takes_sequences = True
    _masks = "uses"
    _parameter_constraints: ClassVar[dict] = {
        "mask_value": [Interval(Real, -inf, inf, closed="neither"), nan]
    }

    def __init__(self, mask_value: float = 0.0):
        self.mask_value = mask_value

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The same shape; see :meth:`Layer.output_shape`.

        Raises
        ------
        ValueError
            If samples have no steps.
        """
        if len(input_shape) < 2:
            raise ValueError(
                f"{self!r} takes samples of shape (steps, channels), got "
                f"{tuple(input_shape)}. Reshape((steps, channels)) in front of it "
                "gives them this shape."
            )
        return input_shape

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the mask, and x without what it keeps out; see :meth:`Layer.lower`."""
        self._validate_params()
        self.output_shape(shape_of_sample(x))
        mask, before = ops.value_mask(tape, x, float(self.mask_value)), tape.mask_of(x)
        if before is not None:
            mask = ops.multiply(tape, mask, before)
        return tape.masked(ops.masked(tape, x, mask), mask)
