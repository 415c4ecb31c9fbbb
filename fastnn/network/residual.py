"""Networks that add to their input."""

from collections.abc import Sequence
from typing import Any, ClassVar

from fastnn.layers import Dense
from fastnn.layers.base import Part
from fastnn.layers.merge import mask_of_any
from fastnn.network.base import OnePart
from fastnn.network.checks import check_gives_one, check_takes_one
from fastnn.network.wiring import Apply
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor, shape_of_sample


class Residual(OnePart):
    """What a part gives, added to what it takes.

    ``part(x) + x``; where the part changes the length of the last axis, x is projected:
    ``part(x) + x @ projection/kernel``, by a dense layer without a bias.

    Parameters
    ----------
    part : Layer or Network
        Keeps the shape, or changes the last axis alone.
    trainable : bool, default=True
        Whether the part and the projection are trained.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0, beside those of the part.

    References
    ----------
    He, K., Zhang, X., Ren, S., and Sun, J. "Deep residual learning for image
    recognition". CVPR 2016.

    Examples
    --------
    >>> from fastnn import Residual, Sequential
    >>> from fastnn.layers import Dense
    >>> block = Residual(Sequential([Dense(64, "relu"), Dense(32)]))
    >>> Sequential([Dense(32, "relu"), block, block]).output_shape((8,))
    (32,)
    >>> block.set_params(part__dense__units=128).part.layers[0]
    Dense(activation='relu', units=128)
    """

    _parameter_constraints: ClassVar[dict] = {
        "part": "no_validation",  # named_parts does it
        **Part._of_training,
    }

    def __init__(
        self, part: Part, *, trainable: bool = True, learning_rate: float = 1.0
    ):
        self.part = part
        self.trainable = trainable
        self.learning_rate = learning_rate

    def forward(self, x: Any, apply: Apply) -> Any:
        """Apply the part, and add; see :meth:`Network.forward`."""
        ((name, part),) = self.named_parts()
        check_takes_one(part, "the part of a Residual")
        check_gives_one(part, "the part of a Residual")
        return apply("projection", _Sum(), [apply(name, part, x), x])


class _Sum(Part):
    """The first of two values plus the second, projected where it has to be."""

    many_inputs = True
    _takes_sequences = True
    _masks = "uses"

    def output_shape(self, input_shape: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        made, taken = input_shape
        if not made or made[:-1] != taken[:-1]:
            raise ValueError(
                f"the part of a Residual gives the shape {made} for inputs of shape "
                f"{taken}: it may change the last axis alone."
            )
        return made

    def lower(self, tape: Tape, x: Sequence[Tensor], name: str) -> Tensor:
        made, taken = x
        mask = mask_of_any(tape, x)
        self.output_shape([shape_of_sample(made), shape_of_sample(taken)])
        if made.shape != taken.shape:
            projection = Dense(made.shape[-1], use_bias=False)
            taken = projection.lower(tape, taken, name)
        return tape.masked(ops.add(tape, made, taken), mask)
