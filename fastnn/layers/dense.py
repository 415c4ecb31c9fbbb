"""The dense layer."""

from numbers import Integral
from typing import ClassVar

from numpy.typing import ArrayLike

from fastnn.constraints import MaxNorm
from fastnn.initializers import Initializer
from fastnn.layers.base import Layer
from fastnn.layers.kernel import KERNEL_CONSTRAINTS, MOST_UNITS, biased, kernel_of
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor
from fastnn.regularizers import Regularizer
from fastnn.utils.plain_numbers import Interval


class Dense(Layer):
    """Fully connected layer: ``activation(x @ kernel + bias)``.

    The product runs over the last axis of the input, whatever its rank.

    Parameters
    ----------
    units : int
        Number of outputs, at most 2 ** 31 - 1.
    activation : str, default="identity"
        Name of an activation, or "softmax".
    use_bias : bool, default=True
        Whether there is a bias. It has no effect right in front of a layer that takes
        the mean of each output off, such as BatchNorm.
    kernel_initializer : Initializer, str or array-like, default=None
        Initial values of the kernel, of shape (n_inputs, units): an object of
        :mod:`fastnn.initializers`, a name such as "he_normal", or the values. None
        means "glorot_uniform".
    bias_initializer : Initializer, str or array-like, default=None
        Initial values of the bias, of shape (units,). None means "zeros".
    kernel_regularizer, bias_regularizer : Regularizer or str, default=None
        Terms of the loss: an object of :mod:`fastnn.regularizers`, or "l1", "l2" or
        "l1_l2" for factors of 0.01.
    kernel_constraint : MaxNorm, default=None
        What the columns of the kernel, the incoming weights of a unit each, must fulfil
        after every step.
    trainable : bool, default=True
        Whether the layer is trained. One that is not keeps its weights to the last bit:
        they have no gradient, and neither the optimizer nor weight decay, a regularizer
        or a constraint changes them.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0.

    Examples
    --------
    >>> from fastnn.layers import Dense
    >>> Dense(10, "relu").output_shape((784,))
    (10,)
    """

    _takes_sequences = True
    _masks = "keeps"
    _parameter_constraints: ClassVar[dict] = {
        "units": [Interval(Integral, 1, MOST_UNITS, closed="both")],
        "kernel_constraint": [MaxNorm, None],
        **KERNEL_CONSTRAINTS,
    }

    def __init__(
        self,
        units: int,
        activation: str = "identity",
        *,
        use_bias: bool = True,
        kernel_initializer: Initializer | str | ArrayLike | None = None,
        bias_initializer: Initializer | str | ArrayLike | None = None,
        kernel_regularizer: Regularizer | str | None = None,
        bias_regularizer: Regularizer | str | None = None,
        kernel_constraint: MaxNorm | None = None,
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.units = units
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.trainable = trainable
        self.learning_rate = learning_rate

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one output: that of the input, with the last axis replaced."""
        return (*input_shape[:-1], int(self.units))

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write a product and a broadcast add; see :meth:`Layer.lower`."""
        self._validate_params()
        shape = x.shape[-1], int(self.units)
        kernel = kernel_of(self, tape, name, shape, self.kernel_constraint)
        y = ops.product(tape, x, kernel)
        return biased(self, tape, y, name, shape)
