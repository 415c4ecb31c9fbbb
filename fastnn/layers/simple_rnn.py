"""The plainest recurrent layer."""

from numpy.typing import ArrayLike

from fastnn.initializers import Initializer
from fastnn.layers.recurrent import Recurrent
from fastnn.regularizers import Regularizer


class SimpleRNN(Recurrent):
    """The simplest recurrent layer: a step's state is a dense layer's output.

    It is ``h = activation(x @ kernel + h @ recurrent_kernel + bias)`` of the input x
    and the state h before, which begins as zeros. What it can remember is short; an
    :class:`LSTM` or a :class:`GRU` is made for more. Samples have the shape (steps,
    features), or are sequences of different lengths.

    Parameters
    ----------
    units : int
        Numbers in a state.
    activation : str, default="tanh"
        Name of an activation whose slope can be had from its value: all but gelu,
        gelu_tanh, silu, mish, hard_swish and softmax.
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
        Initial values of the kernel, of shape (features, units): an object of
        :mod:`fastnn.initializers`, a name such as "he_normal", or the values. None
        means "glorot_uniform".
    recurrent_initializer : Initializer, str or array-like, default=None
        Those of the recurrent kernel, of shape (units, units). None means "orthogonal".
    bias_initializer : Initializer, str or array-like, default=None
        Those of the bias, of shape (units,). None means "zeros".
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
    Elman, J. L. "Finding structure in time". Cognitive Science 14, 1990.

    Examples
    --------
    >>> from fastnn.layers import SimpleRNN
    >>> SimpleRNN(16).output_shape((50, 3))
    (16,)
    """

    _cell = "simple_rnn"

    def __init__(
        self,
        units: int,
        activation: str = "tanh",
        *,
        return_sequences: bool = False,
        go_backwards: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        use_bias: bool = True,
        kernel_initializer: Initializer | str | ArrayLike | None = None,
        recurrent_initializer: Initializer | str | ArrayLike | None = None,
        bias_initializer: Initializer | str | ArrayLike | None = None,
        kernel_regularizer: Regularizer | str | None = None,
        recurrent_regularizer: Regularizer | str | None = None,
        bias_regularizer: Regularizer | str | None = None,
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.units = units
        self.activation = activation
        self.return_sequences = return_sequences
        self.go_backwards = go_backwards
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.recurrent_initializer = recurrent_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.recurrent_regularizer = recurrent_regularizer
        self.bias_regularizer = bias_regularizer
        self.trainable = trainable
        self.learning_rate = learning_rate
