"""The layer that looks tokens up in a table."""

from numbers import Integral
from typing import ClassVar

from numpy.typing import ArrayLike
from sklearn.utils._param_validation import StrOptions

from fastnn.initializers import Initializer, RandomUniform, as_initializer
from fastnn.layers.base import Layer
from fastnn.layers.kernel import INITIALIZER, MOST_UNITS, REGULARIZER
from fastnn.plan import ops
from fastnn.plan.tape import MOST_TOKENS, Tape
from fastnn.plan.tensor import Tensor
from fastnn.regularizers import Regularizer
from fastnn.utils.plain_numbers import Interval

# Numbers from which on a step over all of a table takes longer than one over the rows
# that it reads, and sorting these.
LARGE_TABLE = 2**22


class Embedding(Layer):
    """A trained row of a table for each token.

    Tokens are integers from 0 on: words of a vocabulary, categories, items. It reads an
    input of the network itself; what it gives has an axis more.

    Parameters
    ----------
    input_dim : int
        How many different tokens there are, which is the number of rows; tokens are
        less than it. At most 2 ** 31.
    output_dim : int
        Numbers in a row.
    embeddings_initializer : Initializer, str or array-like, default="uniform"
        Initial values of the table, of shape (input_dim, output_dim): an object of
        :mod:`fastnn.initializers`, a name, or the values, such as vectors of words that
        were trained elsewhere. "uniform" is +-0.05; None means the same.
    embeddings_regularizer : Regularizer or str, default=None
        Terms of the loss: an object of :mod:`fastnn.regularizers`, or "l1", "l2" or
        "l1_l2" for factors of 0.01.
    mask_zero : bool, default=False
        Whether token 0 is none: what fills sequences up, or stands for what is missing.
        Its steps are masked, which is to say that recurrent layers keep their state
        there, attention does not look at them, and a GlobalAveragePooling1D leaves them
        out of the mean. Dense layers, activations, normalisations and the like pass a
        mask on, merges make one of several, and layers that can do neither refuse it.
        Row 0 of the table is there all the same.
    sparse_gradient : bool or "auto", default="auto"
        Whether a step takes the gradient of the rows alone that its tokens are the
        numbers of, and its time does not depend on ``input_dim``. Other rows get
        nothing then: their moments do not decay, neither weight decay nor a regularizer
        draws them to 0, and the penalty that is reported is that of the rows which were
        read. So Adam and the like take other steps than with False, where all rows have
        a gradient, of zeros for most, as in Keras and PyTorch; SGD without momentum and
        decay takes the same. "auto" is True from 2 ** 22 numbers in the table on. True
        needs the CPU and a solver other than lbfgs.
    trainable : bool, default=True
        Whether the layer is trained. One that is not keeps its table to the last bit.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0.

    References
    ----------
    Bengio, Y., Ducharme, R., Vincent, P., and Jauvin, C. "A neural probabilistic
    language model". JMLR 3, 2003.

    Examples
    --------
    >>> from fastnn.layers import Embedding
    >>> Embedding(10_000, 32).output_shape((200,))
    (200, 32)
    """

    _takes_sequences = True
    _masks = "uses"
    _parameter_constraints: ClassVar[dict] = {
        "input_dim": [Interval(Integral, 1, MOST_TOKENS, closed="both")],
        "output_dim": [Interval(Integral, 1, MOST_UNITS, closed="both")],
        "embeddings_initializer": INITIALIZER,
        "embeddings_regularizer": REGULARIZER,
        "mask_zero": ["boolean"],
        "sparse_gradient": ["boolean", StrOptions({"auto"})],
        **Layer._of_training,
    }

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        *,
        embeddings_initializer: Initializer | str | ArrayLike | None = "uniform",
        embeddings_regularizer: Regularizer | str | None = None,
        mask_zero: bool = False,
        sparse_gradient: bool | str = "auto",
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.input_dim = input_dim
        self.output_dim = output_dim
        self.embeddings_initializer = embeddings_initializer
        self.embeddings_regularizer = embeddings_regularizer
        self.mask_zero = mask_zero
        self.sparse_gradient = sparse_gradient
        self.trainable = trainable
        self.learning_rate = learning_rate

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """A row for each token; see :meth:`Layer.output_shape`.

        Raises
        ------
        ValueError
            If steps of sequences are several numbers each.
        """
        if None in input_shape and len(input_shape) > 1:
            raise ValueError(
                f"{self!r} needs a token for each step of sequences, which have the "
                f"shape (None,), got {input_shape}."
            )
        return (*input_shape, int(self.output_dim))

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the look-up; see :meth:`Layer.lower`."""
        self._validate_params()
        rows, columns = int(self.input_dim), int(self.output_dim)
        if not x.n_tokens:
            raise ValueError(
                f"{name!r}, {self!r}, must read an input of the network, which are "
                "tokens, and not what another layer has made of one. Let it stand "
                "first, or at the beginning of a branch that reads the input."
            )
        table = tape.parameter(
            f"{name}/embeddings",
            (rows, columns),
            as_initializer(self.embeddings_initializer, RandomUniform()),
            fan_in=rows,
            fan_out=columns,
            regularizer=self.embeddings_regularizer,
            rows=(
                rows * columns >= LARGE_TABLE
                if self.sparse_gradient == "auto"
                else bool(self.sparse_gradient)
            ),
        )
        y = ops.embedding(tape, x, table)
        return tape.masked(y, ops.token_mask(tape, x) if self.mask_zero else None)
