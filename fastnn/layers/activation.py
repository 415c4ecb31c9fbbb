"""Activations: their names, and the layers that are one of them."""

from numbers import Real
from typing import ClassVar

from numpy.typing import ArrayLike
from sklearn.utils._param_validation import StrOptions

from fastnn.initializers import INITIALIZERS, Constant, Initializer, as_initializer
from fastnn.layers.base import Layer
from fastnn.plan import ops
from fastnn.plan.tables import ACTIVATION_ALIASES, ACTIVATIONS
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor
from fastnn.utils.plain_numbers import Interval

# What `activation=` of a layer may be: a row of the compiled table, another name of
# one, or the softmax, which needs a whole row of numbers.
ACTIVATION_NAMES = (*ACTIVATIONS, *ACTIVATION_ALIASES, "softmax")


def activation_name(name: str) -> str:
    """The name in the compiled table, for any name of the activation.

    Examples
    --------
    >>> from fastnn.layers.activation import activation_name
    >>> activation_name("sigmoid"), activation_name("tanh")
    ('logistic', 'tanh')
    """
    return ACTIVATION_ALIASES.get(name, name)


def activate(tape: Tape, x: Tensor, bias: Tensor | None, activation: str) -> Tensor:
    """Write ``activation(x + bias)``."""
    if activation == "softmax":
        return ops.softmax(tape, ops.add(tape, x, bias))
    return ops.add(tape, x, bias, activation_name(activation))


class Activation(Layer):
    """Applies an activation to every number, or the softmax to the last axis.

    Parameters
    ----------
    activation : str
        Its name; the page on the toolbox in the documentation has them all.

    Examples
    --------
    >>> from fastnn.layers import Activation
    >>> Activation("gelu").output_shape((64,))
    (64,)
    """

    _takes_sequences = True
    _masks = "keeps"
    _parameter_constraints: ClassVar[dict] = {
        "activation": [StrOptions(set(ACTIVATION_NAMES))]
    }

    def __init__(self, activation: str):
        self.activation = activation

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the activation's op; see :meth:`Layer.lower`."""
        self._validate_params()
        return activate(tape, x, None, self.activation)


class LeakyReLU(Layer):
    """``x`` where it is positive, and ``negative_slope * x`` elsewhere.

    Parameters
    ----------
    negative_slope : float, default=0.01
        At least 0.

    References
    ----------
    Maas, A. L., Hannun, A. Y., and Ng, A. Y. "Rectifier nonlinearities improve neural
    network acoustic models". ICML 2013.

    Examples
    --------
    >>> from fastnn.layers import LeakyReLU
    >>> LeakyReLU(0.2)
    LeakyReLU(negative_slope=0.2)
    """

    _takes_sequences = True
    _masks = "keeps"
    _parameter_constraints: ClassVar[dict] = {
        "negative_slope": [Interval(Real, 0, None, closed="left")]
    }

    def __init__(self, negative_slope: float = 0.01):
        self.negative_slope = negative_slope

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the activation's op; see :meth:`Layer.lower`."""
        self._validate_params()
        return ops.add(tape, x, None, "leaky_relu", option=float(self.negative_slope))


class ELU(Layer):
    """``x`` where it is positive, and ``alpha * (exp(x) - 1)`` elsewhere.

    Parameters
    ----------
    alpha : float, default=1.0
        At least 0; outputs are above ``-alpha``.

    References
    ----------
    Clevert, D.-A., Unterthiner, T., and Hochreiter, S. "Fast and accurate deep network
    learning by exponential linear units (ELUs)". ICLR 2016.

    Examples
    --------
    >>> from fastnn.layers import ELU
    >>> ELU(0.5)
    ELU(alpha=0.5)
    """

    _takes_sequences = True
    _masks = "keeps"
    _parameter_constraints: ClassVar[dict] = {
        "alpha": [Interval(Real, 0, None, closed="left")]
    }

    def __init__(self, alpha: float = 1.0):
        self.alpha = alpha

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the activation's op; see :meth:`Layer.lower`."""
        self._validate_params()
        return ops.add(tape, x, None, "elu", option=float(self.alpha))


class PReLU(Layer):
    """``x`` where it is positive, and ``slope * x`` elsewhere, with a learned slope.

    Weight decay leaves the slope alone: it would draw it to 0, and so to relu.

    Parameters
    ----------
    slope_initializer : Initializer, str or array-like, default=None
        Initial slope, of shape (1,) or, unless it is shared, (n_inputs,): an object of
        :mod:`fastnn.initializers`, a name such as "zeros", or the values. None means
        0.25.
    shared : bool, default=True
        Whether there is one slope for the whole layer, or one for each entry of the
        last axis.
    trainable : bool, default=True
        Whether the layer is trained. One that is not keeps its weights to the last bit:
        they have no gradient, and neither the optimizer nor weight decay, a regularizer
        or a constraint changes them.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0.

    References
    ----------
    He, K., Zhang, X., Ren, S., and Sun, J. "Delving deep into rectifiers: surpassing
    human-level performance on ImageNet classification". ICCV 2015.

    Examples
    --------
    >>> from fastnn.layers import PReLU
    >>> PReLU(shared=False).output_shape((64,))
    (64,)
    """

    _takes_sequences = True
    _masks = "keeps"
    _parameter_constraints: ClassVar[dict] = {
        "slope_initializer": [
            Initializer,
            StrOptions(set(INITIALIZERS)),
            "array-like",
            None,
        ],
        "shared": ["boolean"],
        **Layer._of_training,
    }

    def __init__(
        self,
        slope_initializer: Initializer | str | ArrayLike | None = None,
        shared: bool = True,
        *,
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.slope_initializer = slope_initializer
        self.shared = shared
        self.trainable = trainable
        self.learning_rate = learning_rate

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the op with its slope; see :meth:`Layer.lower`."""
        self._validate_params()
        units = 1 if self.shared else x.shape[-1]
        slope = tape.parameter(
            f"{name}/slope",
            (units,),
            as_initializer(self.slope_initializer, Constant(0.25)),
            fan_in=units,
            fan_out=units,
            weight_decay=0.0,
        )
        return ops.prelu(tape, x, slope)
