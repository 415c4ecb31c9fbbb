"""Networks that are a stack."""

from collections.abc import Sequence
from typing import Any, ClassVar

from fastnn.layers.base import Part
from fastnn.network.base import ListedNetwork, Network
from fastnn.network.checks import check_gives_one, check_takes_one
from fastnn.network.wiring import Apply


class Sequential(ListedNetwork):
    """A stack of layers, or of networks, each fed by the one before.

    Layers can be named, as the steps of a :class:`sklearn.pipeline.Pipeline` are.
    Others are called after their kind, and from the second of a kind on also by number:
    "dense", "dense_1". Under these names ``get_params`` and ``set_params`` reach their
    parameters, also those of a network within the stack: ``block__dense__units``. A
    layer object that stands in several places is one layer, with one set of weights,
    and stays so in a clone.

    Parameters
    ----------
    layers : list of Layer or Network, or of (str, Layer or Network) tuples
        From the input to the output. An empty stack gives what it takes.
    trainable : bool, default=True
        Whether the layers are trained; where this is False, none of them is. Masks and
        noise of layers such as Dropout are drawn all the same. An output layer that an
        estimator adds is none of these layers, and is trained.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0, beside those of the layers.

    Examples
    --------
    >>> from fastnn import Sequential
    >>> from fastnn.layers import Dense, Dropout
    >>> network = Sequential([Dense(64, "relu"), Dropout(0.5), ("scores", Dense(10))])
    >>> network.output_shape((784,))
    (10,)
    >>> network.set_params(dropout__rate=0.2, scores__units=3).layers[1:]
    [Dropout(rate=0.2), ('scores', Dense(units=3))]
    """

    _parameter_constraints: ClassVar[dict] = {
        "layers": "no_validation",  # named_parts does it
        **Part._of_training,
    }
    _list = "layers"
    _item = "alone or as (name, part)"
    _lengths = 1, 2

    def __init__(
        self,
        layers: Sequence[Part | tuple[str, Part]],
        *,
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.layers = layers
        self.trainable = trainable
        self.learning_rate = learning_rate

    def input_names(self) -> list[str]:
        """Names of what the network takes, as its first part calls it.

        Returns
        -------
        names : list of str
        """
        for _, part in self.named_parts()[:1]:
            if isinstance(part, Network):
                return part.input_names()
        return super().input_names()

    @property
    def many_outputs(self) -> bool:
        """Whether the last part gives several values."""
        return any(part.many_outputs for _, part in self.named_parts()[-1:])

    def named_layers(self) -> list[tuple[str, Part]]:
        """Name and part of each place in the stack.

        Returns
        -------
        named : list of (str, Part) tuples
            A part that stands in several places without names has one name.

        Raises
        ------
        TypeError
            If something else than a layer or a network stands in the stack.
        ValueError
            If a name is given to two parts, or cannot be one.

        Examples
        --------
        >>> from fastnn import Sequential
        >>> from fastnn.layers import Dense
        >>> network = Sequential([Dense(4), Dense(3), ("last", Dense(2))])
        >>> [name for name, layer in network.named_layers()]
        ['dense', 'dense_1', 'last']
        """
        return self.named_parts()

    def forward(self, x: Any, apply: Apply) -> Any:
        """Let a value flow from part to part; see :meth:`Network.forward`."""
        named = self.named_parts()
        for position, (name, part) in enumerate(named):
            if position or not isinstance(part, Network):
                check_takes_one(part, f"{name!r} of a Sequential")
        for name, part in named[:-1]:
            check_gives_one(part, f"{name!r}, not the last of a Sequential,")
        for name, part in named:
            x = apply(name, part, x)
        return x

    def _is_taken(self, part: Part, owner: Part) -> bool:
        return part is not owner
