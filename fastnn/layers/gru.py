"""Gated recurrent units."""

from typing import ClassVar

from numpy.typing import ArrayLike

from fastnn.initializers import Initializer
from fastnn.layers.kernel import bias_of
from fastnn.layers.recurrent import GATE_ACTIVATION, Recurrent
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor
from fastnn.regularizers import Regularizer


class GRU(Recurrent):
    """Gated recurrent units: a state of which gates keep a part, and forget another.

    At each step gates z and r are ``recurrent_activation(x @ kernel + h @
    recurrent_kernel + bias)`` of the input x and the state h before, and a candidate t
    is made as they are, by the activation, of what r lets pass of h. The state is then
    ``h = z * h + (1 - z) * t``; it begins as zeros. Columns of the kernels belong to z,
    r and t, in this order. Samples have the shape (steps, features), or are sequences
    of different lengths.

    Parameters
    ----------
    units : int
        Numbers in a state.
    activation : str, default="tanh"
        Of the candidate. Names of activations whose slope can be had from their value:
        all but gelu, gelu_tanh, silu, mish, hard_swish and softmax.
    recurrent_activation : str, default="sigmoid"
        Of the gates: the same names.
    reset_after : bool, default=True
        Whether r multiplies the product of the state with the recurrent kernel, to
        which a bias of its own is added, as PyTorch and cuDNN have it; or the state in
        front of the product.
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
        Initial values of the kernel, of shape (features, 3 * units): an object of
        :mod:`fastnn.initializers`, a name such as "he_normal", or the values. None
        means "glorot_uniform".
    recurrent_initializer : Initializer, str or array-like, default=None
        Those of the recurrent kernel, of shape (units, 3 * units). None means
        "orthogonal".
    bias_initializer : Initializer, str or array-like, default=None
        Those of the bias, of shape (2, 3 * units), that of the input first, or, with
        ``reset_after=False``, (3 * units,). None means "zeros".
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
    Cho, K., van Merrienboer, B., Gulcehre, C., Bahdanau, D., Bougares, F., Schwenk, H.,
    and Bengio, Y. "Learning phrase representations using RNN encoder-decoder for
    statistical machine translation". EMNLP 2014.

    Examples
    --------
    >>> from fastnn.layers import GRU
    >>> GRU(64).output_shape((100, 32))
    (64,)
    """

    _parameter_constraints: ClassVar[dict] = {
        **Recurrent._parameter_constraints,
        "recurrent_activation": GATE_ACTIVATION,
        "reset_after": ["boolean"],
    }

    def __init__(
        self,
        units: int,
        activation: str = "tanh",
        *,
        recurrent_activation: str = "sigmoid",
        reset_after: bool = True,
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
        self.recurrent_activation = recurrent_activation
        self.reset_after = reset_after
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

    @property
    def _cell(self) -> str:
        return "gru" if self.reset_after else "gru_reset_before"

    def _bias(self, tape: Tape, name: str, shape: tuple[int, int]) -> Tensor:
        of_bias = (2, shape[1]) if self.reset_after else shape[1:]
        return bias_of(self, tape, name, of_bias, shape)
