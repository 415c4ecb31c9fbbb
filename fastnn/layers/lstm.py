"""Long short-term memory."""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.initializers import FromArray, Initializer, Zeros, as_initializer
from fastnn.layers.kernel import bias_of
from fastnn.layers.recurrent import GATE_ACTIVATION, Recurrent
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor
from fastnn.regularizers import Regularizer


class UnitForgetBias(Initializer):
    """Biases of an LSTM: one for its forget gates, and others by another initializer.

    Parameters
    ----------
    initializer : Initializer
        Of the biases of all other gates.

    References
    ----------
    Jozefowicz, R., Zaremba, W., and Sutskever, I. "An empirical exploration of
    recurrent network architectures". ICML 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.initializers import Zeros
    >>> from fastnn.layers.lstm import UnitForgetBias
    >>> UnitForgetBias(Zeros()).draw((8,), 1, 8, np.random.RandomState(0))
    array([0., 0., 1., 1., 0., 0., 0., 0.])
    """

    def __init__(self, initializer: Initializer):
        self.initializer = initializer

    def draw(
        self,
        shape: tuple[int, ...],
        fan_in: int,
        fan_out: int,
        random_state: np.random.RandomState,
    ) -> NDArray[np.float64]:
        values = self.initializer.draw(shape, fan_in, fan_out, random_state)
        units = shape[0] // 4
        values[units : 2 * units] = 1
        return values


class LSTM(Recurrent):
    """Long short-term memory: a state and a cell that gates write, keep and read.

    At each step gates i, f and o and a candidate g are made of the input x and of the
    state h before, ``activation(x @ kernel + h @ recurrent_kernel + bias)``, with the
    recurrent activation for the gates. Then the cell is ``c = f * c + i * g`` and the
    state ``h = o * activation(c)``; both begin as zeros. Columns of the kernels belong
    to i, f, g and o, in this order. Samples have the shape (steps, features), or are
    sequences of different lengths.

    Parameters
    ----------
    units : int
        Numbers in a state.
    activation : str, default="tanh"
        Of candidate and cell. Names of activations whose slope can be had from their
        value: all but gelu, gelu_tanh, silu, mish, hard_swish and softmax.
    recurrent_activation : str, default="sigmoid"
        Of the gates: the same names.
    return_sequences : bool, default=False
        Whether the state after each step comes out, and not the last one alone.
    go_backwards : bool, default=False
        Whether steps are taken from the last to the first. With ``return_sequences``
        states come out in this order.
    dropout : float, default=0.0
        Share of the features that is dropped while training, in [0, 1), resolved to 1 /
        65536: the same ones at all steps of a sample. The others are scaled by
        ``1 / (1 - dropout)``.
    recurrent_dropout : float, default=0.0
        The same of the state where it is multiplied by the recurrent kernel.
    use_bias : bool, default=True
        Whether there is a bias.
    kernel_initializer : Initializer, str or array-like, default=None
        Initial values of the kernel, of shape (features, 4 * units): an object of
        :mod:`fastnn.initializers`, a name such as "he_normal", or the values. None
        means "glorot_uniform".
    recurrent_initializer : Initializer, str or array-like, default=None
        Those of the recurrent kernel, of shape (units, 4 * units). None means
        "orthogonal".
    bias_initializer : Initializer, str or array-like, default=None
        Those of the bias, of shape (4 * units,). None means "zeros".
    unit_forget_bias : bool, default=True
        Whether the bias of gate f begins with ones, unless the bias begins with given
        values.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : Regularizer or str, \
default=None
        Terms of the loss: an object of :mod:`fastnn.regularizers`, or "l1", "l2" or
        "l1_l2" for factors of 0.01.
    trainable : bool, default=True
        Whether the layer is trained. One that is not keeps its weights to the last bit.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0.

    References
    ----------
    Hochreiter, S., and Schmidhuber, J. "Long short-term memory". Neural Computation 9,
    1997.

    Gers, F. A., Schmidhuber, J., and Cummins, F. "Learning to forget: continual
    prediction with LSTM". Neural Computation 12, 2000.

    Gal, Y., and Ghahramani, Z. "A theoretically grounded application of dropout in
    recurrent neural networks". NIPS 2016.

    Examples
    --------
    >>> from fastnn.layers import LSTM
    >>> LSTM(64).output_shape((100, 32))
    (64,)
    >>> LSTM(64, return_sequences=True).output_shape((None, 32))
    (None, 64)
    """

    _cell = "lstm"
    _parameter_constraints: ClassVar[dict] = {
        **Recurrent._parameter_constraints,
        "recurrent_activation": GATE_ACTIVATION,
        "unit_forget_bias": ["boolean"],
    }

    def __init__(
        self,
        units: int,
        activation: str = "tanh",
        *,
        recurrent_activation: str = "sigmoid",
        return_sequences: bool = False,
        go_backwards: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        use_bias: bool = True,
        kernel_initializer: Initializer | str | ArrayLike | None = None,
        recurrent_initializer: Initializer | str | ArrayLike | None = None,
        bias_initializer: Initializer | str | ArrayLike | None = None,
        unit_forget_bias: bool = True,
        kernel_regularizer: Regularizer | str | None = None,
        recurrent_regularizer: Regularizer | str | None = None,
        bias_regularizer: Regularizer | str | None = None,
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.units = units
        self.activation = activation
        self.recurrent_activation = recurrent_activation
        self.return_sequences = return_sequences
        self.go_backwards = go_backwards
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.recurrent_initializer = recurrent_initializer
        self.bias_initializer = bias_initializer
        self.unit_forget_bias = unit_forget_bias
        self.kernel_regularizer = kernel_regularizer
        self.recurrent_regularizer = recurrent_regularizer
        self.bias_regularizer = bias_regularizer
        self.trainable = trainable
        self.learning_rate = learning_rate

    def _bias(self, tape: Tape, name: str, shape: tuple[int, int]) -> Tensor:
        initializer = as_initializer(self.bias_initializer, Zeros())
        if self.unit_forget_bias and not isinstance(initializer, FromArray):
            initializer = UnitForgetBias(initializer)
        return bias_of(self, tape, name, shape[1:], shape, initializer)
