"""The layers that go through the steps of a sequence with a state."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import StrOptions

from fastnn.initializers import (
    FromArray,
    Initializer,
    Orthogonal,
    Zeros,
    as_initializer,
)
from fastnn.layers.activation import activation_name
from fastnn.layers.base import Layer
from fastnn.layers.dropout import resolved
from fastnn.layers.kernel import (
    INITIALIZER,
    KERNEL_CONSTRAINTS,
    MOST_UNITS,
    REGULARIZER,
    bias_of,
    kernel_of,
)
from fastnn.layers.windows import check_rank, check_size
from fastnn.plan import ops
from fastnn.plan.ops.recurrent import GATES, RECURRENT_ACTIVATIONS
from fastnn.plan.tables import ACTIVATION_ALIASES, ACTIVATION_DEFAULTS
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor, shape_of_sample
from fastnn.regularizers import Regularizer
from fastnn.utils.plain_numbers import Interval

_ACTIVATION = [
    StrOptions(
        {
            *RECURRENT_ACTIVATIONS,
            *(
                a
                for a, name in ACTIVATION_ALIASES.items()
                if name in RECURRENT_ACTIVATIONS
            ),
        }
    )
]
_RATE = [Interval(Real, 0, 1, closed="left")]


class Recurrent(Layer):
    """What recurrent layers share: a state that goes from step to step."""

    _takes_sequences = True
    _masks = "uses"
    _parameter_constraints: ClassVar[dict] = {
        **KERNEL_CONSTRAINTS,
        "units": [Interval(Integral, 1, MOST_UNITS, closed="both")],
        "activation": _ACTIVATION,
        "return_sequences": ["boolean"],
        "go_backwards": ["boolean"],
        "dropout": _RATE,
        "recurrent_dropout": _RATE,
        "recurrent_initializer": INITIALIZER,
        "recurrent_regularizer": REGULARIZER,
    }

    units: int
    activation: str
    return_sequences: bool
    go_backwards: bool
    dropout: float
    recurrent_dropout: float
    use_bias: bool
    recurrent_initializer: Initializer | str | ArrayLike | None
    recurrent_regularizer: Regularizer | str | None

    @property
    def _cell(self) -> str:
        """What happens at a step: a key of GATES."""
        raise NotImplementedError

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The last state, or one for each step; see :meth:`Layer.output_shape`.

        Raises
        ------
        ValueError
            If samples have other axes than steps and features.
        """
        name = type(self).__name__
        check_rank(name, input_shape, 1)
        steps, units = input_shape[0], int(self.units)
        if steps is not None:
            check_size(name, (steps, GATES[self._cell] * units))
        return (steps, units) if self.return_sequences else (units,)

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the recurrence; see :meth:`Layer.lower`.

        Raises
        ------
        ValueError
            If there would be a mask of states that come out last step first.
        """
        if self.return_sequences and self.go_backwards and tape.mask_of(x) is not None:
            raise ValueError(
                f"{name!r}, {self!r}, would return the last of its steps first, but "
                "those that are masked are known in the order of its input. Put it "
                "into Bidirectional, which returns them in that order, or have no mask."
            )
        returns = "as_taken" if self.return_sequences else "last"
        return self.write(
            tape, x, name, backwards=bool(self.go_backwards), returns=returns
        )

    def write(
        self, tape: Tape, x: Tensor, name: str, *, backwards: bool, returns: str
    ) -> Tensor:
        """Write its ops for one direction.

        Parameters
        ----------
        tape : Tape
        x : Tensor
            What it takes.
        name : str
            Goes in front of the names of its parameters.
        backwards : bool
            Whether steps are taken from the last to the first.
        returns : {"last", "as_input", "as_taken"}
            The last state, or all in the order of x or in that of the steps.

        Returns
        -------
        y : Tensor
            States, with the mask of x where there is one for each of its steps.
        """
        self._validate_params()
        self.output_shape(shape_of_sample(x))
        mask, units = tape.mask_of(x), int(self.units)
        gates = GATES[self._cell] * units
        rate, recurrent_rate = map(resolved, (self.dropout, self.recurrent_dropout))
        if rate:
            x = ops.step_dropout(tape, x, rate, 1 / (1 - rate))
        dropped = None
        if recurrent_rate:
            scale = 1 / (1 - recurrent_rate)
            dropped = ops.dropped_factors(tape, units, recurrent_rate, scale)
        shape = x.shape[-1], gates
        kernel = kernel_of(self, tape, name, shape)
        recurrent_kernel = tape.parameter(
            f"{name}/recurrent_kernel",
            (units, gates),
            as_initializer(self.recurrent_initializer, Orthogonal()),
            fan_in=units,
            fan_out=gates,
            regularizer=self.recurrent_regularizer,
        )
        y = ops.recurrent(
            tape,
            self._cell,
            x,
            kernel,
            recurrent_kernel,
            self._bias(tape, name, shape) if self.use_bias else None,
            mask=mask,
            dropped=dropped,
            activations=self._activations(),
            backwards=backwards,
            returns=returns,
        )
        return y if returns == "last" else tape.masked(y, mask)

    def _activations(self) -> tuple[tuple[str, float], tuple[str, float]]:
        """That of values and that of gates, with their own options."""
        names = self.activation, getattr(self, "recurrent_activation", "identity")
        value, gate = map(activation_name, names)
        return (value, ACTIVATION_DEFAULTS[value]), (gate, ACTIVATION_DEFAULTS[gate])

    def _bias(self, tape: Tape, name: str, shape: tuple[int, int]) -> Tensor:
        return bias_of(self, tape, name, shape[1:], shape)


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
    >>> from fastnn.layers.recurrent import UnitForgetBias
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
        "recurrent_activation": _ACTIVATION,
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
        "recurrent_activation": _ACTIVATION,
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
