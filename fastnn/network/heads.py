"""The end of a network with several outputs."""

from collections.abc import Sequence
from typing import Any, ClassVar

from fastnn.layers.base import Part
from fastnn.network.base import ListedNetwork
from fastnn.network.checks import check_gives_one, check_takes_one
from fastnn.network.wiring import Apply


class Heads(ListedNetwork):
    """Parts with one input in common, each of which gives an output of its own.

    They are the last part of a network.

    Parameters
    ----------
    heads : list of (str, Layer or Network) tuples
        Names of the outputs, and what computes them. An empty stack,
        ``Sequential([])``, gives the input itself.
    trainable : bool, default=True
        Whether the heads are trained. Output layers that an estimator adds to them
        are, whatever is said here.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0, beside those of the heads.

    Examples
    --------
    >>> from fastnn import Heads, Sequential
    >>> from fastnn.layers import Dense
    >>> heads = Heads([("churn", Dense(2)), ("value", Dense(1))])
    >>> Sequential([Dense(32, "relu"), heads]).output_shape((8,))
    {'churn': (2,), 'value': (1,)}
    """

    _parameter_constraints: ClassVar[dict] = {
        "heads": "no_validation",  # named_parts does it
        **Part._of_training,
    }
    _list = "heads"
    _item = "as (name, part)"
    _lengths = (2,)

    def __init__(
        self,
        heads: Sequence[tuple[str, Part]],
        *,
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.heads = heads
        self.trainable = trainable
        self.learning_rate = learning_rate

    many_outputs = True

    def forward(self, x: Any, apply: Apply) -> dict[str, Any]:
        """Apply all heads to one value; see :meth:`Network.forward`."""
        named = self.named_parts()
        if not named:
            raise ValueError("heads must hold at least one head, got an empty list.")
        for name, part in named:
            check_takes_one(part, f"head {name!r}")
            check_gives_one(part, f"head {name!r}")
        return {name: apply(name, part, x) for name, part in named}
