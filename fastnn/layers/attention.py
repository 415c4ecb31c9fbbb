"""The layer in which each step of a sequence reads all others."""

from numbers import Integral, Real
from typing import ClassVar

from sklearn.utils._param_validation import StrOptions

from fastnn.initializers import INITIALIZERS, Initializer
from fastnn.layers.base import Layer
from fastnn.layers.dropout import resolved
from fastnn.layers.kernel import KERNEL_CONSTRAINTS, MOST_UNITS, bias_of, kernel_of
from fastnn.layers.windows import check_rank, check_size
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor, shape_of_sample
from fastnn.regularizers import Regularizer
from fastnn.utils.plain_numbers import Interval

_COUNT = Interval(Integral, 1, MOST_UNITS, closed="both")
_INITIALIZER = [Initializer, StrOptions(set(INITIALIZERS)), None]


class MultiHeadAttention(Layer):
    """Each step of a sequence reads all its steps, by how well queries meet keys.

    A head makes of each step a query, a key and a value, each a product with a bias.
    What it gives for a step are the mean values of all steps, weighted by ``softmax(q @
    k.T / sqrt(key_dim))``. Those of all heads lead to the output by another product.
    Samples have the shape (steps, features).

    Steps that are masked are not read. A step whose every key is masked, or lies behind
    it where attention is causal, reads nothing: its heads give zeros.

    Parameters
    ----------
    num_heads : int
        Number of heads.
    key_dim : int
        Size of queries and keys of a head.
    value_dim : int, default=None
        Size of the values of a head. None means key_dim.
    dropout : float, default=0.0
        Share of the weights that is dropped while training, in [0, 1), resolved to 1 /
        65536. The others are scaled by ``1 / (1 - dropout)``.
    use_bias : bool, default=True
        Whether queries, keys, values and the output have biases.
    use_causal_mask : bool, default=False
        Whether a step reads those up to itself only, and none behind it.
    output_dim : int, default=None
        Size of the output of a step. None means that of the input.
    kernel_initializer : Initializer or str, default=None
        Initial values of the kernels, of shape (features, num_heads, key_dim) of
        queries and keys, (features, num_heads, value_dim) of values, and (num_heads,
        value_dim, output_dim) of the output: an object of :mod:`fastnn.initializers`,
        or a name such as "he_normal". None means "glorot_uniform".
    bias_initializer : Initializer or str, default=None
        Initial values of the biases, of shape (num_heads, key_dim), (num_heads,
        value_dim) and (output_dim,). None means "zeros".
    kernel_regularizer, bias_regularizer : Regularizer or str, default=None
        Terms of the loss: an object of :mod:`fastnn.regularizers`, or "l1", "l2" or
        "l1_l2" for factors of 0.01.
    trainable : bool, default=True
        Whether the layer is trained. One that is not keeps its weights to the last bit.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0.

    References
    ----------
    Vaswani, A., Shazeer, N., Parmar, N., Uszkoreit, J., Jones, L., Gomez, A. N.,
    Kaiser, L., and Polosukhin, I. "Attention is all you need". NIPS 2017.

    Examples
    --------
    >>> from fastnn.layers import MultiHeadAttention
    >>> MultiHeadAttention(4, 8).output_shape((50, 32))
    (50, 32)

    An encoder is a stack of such layers and dense ones, each with a sum around it:

    >>> from fastnn import Residual, Sequential
    >>> from fastnn.layers import Dense, GlobalAveragePooling1D, LayerNorm
    >>> def block():
    ...     attention = [LayerNorm(), MultiHeadAttention(4, 8, dropout=0.1)]
    ...     feed_forward = [LayerNorm(), Dense(64, "gelu"), Dense(32)]
    ...     return Sequential(
    ...         [Residual(Sequential(attention)), Residual(Sequential(feed_forward))]
    ...     )
    >>> encoder = Sequential(
    ...     [Dense(32), block(), block(), LayerNorm(), GlobalAveragePooling1D()]
    ... )
    >>> encoder.output_shape((50, 6))
    (32,)
    """

    _takes_sequences = True
    _masks = "keeps"
    _parameter_constraints: ClassVar[dict] = {
        "num_heads": [_COUNT],
        "key_dim": [_COUNT],
        "value_dim": [_COUNT, None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "use_causal_mask": ["boolean"],
        "output_dim": [_COUNT, None],
        "kernel_initializer": _INITIALIZER,
        "bias_initializer": _INITIALIZER,
        **{
            name: KERNEL_CONSTRAINTS[name]
            for name in ("use_bias", "kernel_regularizer", "bias_regularizer")
        },
        **Layer._of_training,
    }

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        *,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        use_causal_mask: bool = False,
        output_dim: int | None = None,
        kernel_initializer: Initializer | str | None = None,
        bias_initializer: Initializer | str | None = None,
        kernel_regularizer: Regularizer | str | None = None,
        bias_regularizer: Regularizer | str | None = None,
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.num_heads = num_heads
        self.key_dim = key_dim
        self.value_dim = value_dim
        self.dropout = dropout
        self.use_bias = use_bias
        self.use_causal_mask = use_causal_mask
        self.output_dim = output_dim
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.trainable = trainable
        self.learning_rate = learning_rate

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """As many steps, each of the output's size; see :meth:`Layer.output_shape`.

        Raises
        ------
        ValueError
            If samples have other axes than steps and features.
        """
        check_rank(type(self).__name__, input_shape, 1)
        return input_shape[0], int(self.output_dim or input_shape[1])

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write products, attention and another product; see :meth:`Layer.lower`."""
        self._validate_params()
        check_rank(type(self).__name__, shape_of_sample(x), 1)
        steps, features = shape_of_sample(x)[0], x.shape[-1]
        heads, key_dim = int(self.num_heads), int(self.key_dim)
        value_dim = int(self.value_dim or key_dim)
        widest = heads * max(key_dim, value_dim + 2)
        check_size(type(self).__name__, (steps or 1, widest))
        q, k, v = (
            self._projected(tape, x, f"{name}/{which}", (features, heads, dim), 1)
            for which, dim in zip(
                ("query", "key", "value"), (key_dim, key_dim, value_dim), strict=True
            )
        )
        rate = resolved(self.dropout)
        y = ops.attention(
            tape, q, k, v, heads,
            mask=tape.mask_of(x), causal=bool(self.use_causal_mask), rate=rate,
        )  # fmt: skip
        of_output = heads, value_dim, int(self.output_dim or features)
        return self._projected(tape, y, f"{name}/attention_output", of_output, 2)

    def _projected(
        self, tape: Tape, x: Tensor, name: str, shape: tuple[int, ...], n_in: int
    ) -> Tensor:
        """A product over as many axes of a kernel, with a bias for the others."""
        kernel = kernel_of(self, tape, name, shape)
        n = x.shape[-1]
        y = ops.product(tape, x, kernel.reshaped((n, kernel.size // n)))
        if not self.use_bias:
            return y
        bias = bias_of(self, tape, name, shape[n_in:], shape)
        return ops.add(tape, y, bias.reshaped(y.shape[-1:]))
