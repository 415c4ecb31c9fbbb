"""The layers that normalise each row by its own statistics."""

from numbers import Real
from typing import ClassVar

from fastnn.initializers import Constant
from fastnn.layers.base import Layer
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor
from fastnn.utils.plain_numbers import Interval

_CONSTRAINTS: dict = {
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "affine": ["boolean"],
    **Layer._of_training,
}


class LayerNorm(Layer):
    """Shifts and scales each row, along the last axis, to mean 0 and variance 1.

    ``scale * (x - mean(x)) / sqrt(variance(x) + epsilon) + offset``, the same in
    training and at predict: no sample sees another. The mean may be large beside the
    spread; no digits are lost. Weight decay leaves scale and offset alone.

    Parameters
    ----------
    epsilon : float, default=1e-5
        Above 0; what a row without variance is divided by is its square root.
    affine : bool, default=True
        Whether there are a learned scale and offset for each entry of the last axis,
        which start at 1 and 0.
    trainable : bool, default=True
        Whether the layer is trained. One that is not keeps its weights to the last bit:
        they have no gradient, and neither the optimizer nor weight decay, a regularizer
        or a constraint changes them.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0.

    References
    ----------
    Ba, J. L., Kiros, J. R., and Hinton, G. E. "Layer normalization". 2016.

    Examples
    --------
    >>> from fastnn.layers import LayerNorm
    >>> LayerNorm().output_shape((10, 64))
    (10, 64)
    """

    _takes_sequences = True
    _masks = "keeps"
    _parameter_constraints: ClassVar[dict] = _CONSTRAINTS

    def __init__(
        self,
        epsilon: float = 1e-5,
        affine: bool = True,
        *,
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.epsilon = epsilon
        self.affine = affine
        self.trainable = trainable
        self.learning_rate = learning_rate

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the op with its scale and offset; see :meth:`Layer.lower`."""
        self._validate_params()
        scale = offset = None
        if self.affine:
            scale = _row(tape, f"{name}/scale", x, 1.0)
            offset = _row(tape, f"{name}/offset", x, 0.0)
        return ops.row_norm(tape, "layer_norm", x, scale, offset, epsilon=self.epsilon)


class RMSNorm(Layer):
    """Scales each row, along the last axis, to a mean square of 1.

    ``scale * x / sqrt(mean(x ** 2) + epsilon)``, the same in training and at predict:
    :class:`LayerNorm` without its mean and its offset. Weight decay leaves the scale
    alone.

    Parameters
    ----------
    epsilon : float, default=1e-6
        Above 0.
    affine : bool, default=True
        Whether there is a learned scale for each entry of the last axis, which starts
        at 1.
    trainable : bool, default=True
        Whether the layer is trained. One that is not keeps its weights to the last bit:
        they have no gradient, and neither the optimizer nor weight decay, a regularizer
        or a constraint changes them.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0.

    References
    ----------
    Zhang, B., and Sennrich, R. "Root mean square layer normalization". NeurIPS 2019.

    Examples
    --------
    >>> from fastnn.layers import RMSNorm
    >>> RMSNorm().output_shape((10, 64))
    (10, 64)
    """

    _takes_sequences = True
    _masks = "keeps"
    _parameter_constraints: ClassVar[dict] = _CONSTRAINTS

    def __init__(
        self,
        epsilon: float = 1e-6,
        affine: bool = True,
        *,
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.epsilon = epsilon
        self.affine = affine
        self.trainable = trainable
        self.learning_rate = learning_rate

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the op with its scale; see :meth:`Layer.lower`."""
        self._validate_params()
        scale = _row(tape, f"{name}/scale", x, 1.0) if self.affine else None
        return ops.row_norm(tape, "rms_norm", x, scale, epsilon=self.epsilon)


def _row(tape: Tape, name: str, x: Tensor, value: float) -> Tensor:
    """A parameter for each entry of the last axis."""
    units = x.shape[-1]
    return tape.parameter(
        name, (units,), Constant(value), fan_in=units, fan_out=units, weight_decay=0.0
    )
