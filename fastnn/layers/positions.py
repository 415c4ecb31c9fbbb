"""The layer that tells steps of a sequence apart by their places."""

from collections.abc import Sequence
from numbers import Integral
from typing import ClassVar

from numpy.typing import ArrayLike

from fastnn.initializers import GlorotUniform, Initializer, as_initializer
from fastnn.layers.base import Layer
from fastnn.layers.kernel import INITIALIZER, MOST_UNITS
from fastnn.layers.windows import check_rank
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor, shape_of_sample
from fastnn.utils.plain_numbers import Interval


class PositionEmbedding(Layer):
    """Adds to each step of a sequence a trained row for its place.

    Attention and means over steps do not depend on their order: what is added tells it.
    Samples have the shape (steps, features).

    Parameters
    ----------
    max_length : int
        How many places there are rows for: longer sequences are an error.
    initializer : Initializer, str or array-like, default=None
        Initial values of the rows, of shape (max_length, features): an object of
        :mod:`fastnn.initializers`, a name, or the values. "sinusoidal" are sines and
        cosines of the place, which serve as they are with ``trainable=False``. None
        means "glorot_uniform".
    trainable : bool, default=True
        Whether the layer is trained. One that is not keeps its rows to the last bit.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0.

    References
    ----------
    Gehring, J., Auli, M., Grangier, D., Yarats, D., and Dauphin, Y. N. "Convolutional
    sequence to sequence learning". ICML 2017.

    Vaswani, A., Shazeer, N., Parmar, N., Uszkoreit, J., Jones, L., Gomez, A. N.,
    Kaiser, L., and Polosukhin, I. "Attention is all you need". NIPS 2017.

    Examples
    --------
    >>> from fastnn import Sequential
    >>> from fastnn.layers import Embedding, PositionEmbedding
    >>> Sequential([Embedding(10_000, 32), PositionEmbedding(200)]).output_shape((80,))
    (80, 32)
    """

    _takes_sequences = True
    _masks = "keeps"
    _parameter_constraints: ClassVar[dict] = {
        "max_length": [Interval(Integral, 1, MOST_UNITS, closed="both")],
        "initializer": INITIALIZER,
        **Layer._of_training,
    }

    def __init__(
        self,
        max_length: int,
        *,
        initializer: Initializer | str | ArrayLike | None = None,
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.max_length = max_length
        self.initializer = initializer
        self.trainable = trainable
        self.learning_rate = learning_rate

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The same shape; see :meth:`Layer.output_shape`.

        Raises
        ------
        ValueError
            If samples have other axes than steps and features, or too many steps.
        """
        self._check(input_shape)
        return input_shape

    def _check(self, input_shape: Sequence[int | None]) -> None:
        check_rank(type(self).__name__, input_shape, 1)
        steps = input_shape[0]
        if steps is not None and steps > self.max_length:
            raise ValueError(
                f"PositionEmbedding has max_length={self.max_length}, got samples of "
                f"{steps} steps, of shape {tuple(input_shape)}. Raise max_length."
            )

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the sum with rows of a table; see :meth:`Layer.lower`."""
        self._validate_params()
        self._check(shape_of_sample(x))
        shape = int(self.max_length), x.shape[-1]
        table = tape.parameter(
            f"{name}/position_embeddings",
            shape,
            as_initializer(self.initializer, GlorotUniform()),
            fan_in=shape[0],
            fan_out=shape[1],
        )
        return ops.positions(tape, x, table)
