"""Networks of parts side by side."""

from collections.abc import Sequence
from typing import Any, ClassVar

from sklearn.utils._param_validation import StrOptions

from fastnn.layers import Add, Average, Maximum, Merge, Multiply
from fastnn.layers.base import Part
from fastnn.network.base import (
    ListedNetwork,
    check_gives_one,
    check_takes_one,
)
from fastnn.network.wiring import Apply

MERGES: dict[str, type[Merge]] = {
    "add": Add,
    "multiply": Multiply,
    "average": Average,
    "maximum": Maximum,
}


class Branches(ListedNetwork):
    """Parts side by side, with one input in common, whose outputs become one.

    Parameters
    ----------
    branches : list of (str, Layer or Network) tuples
        Names and parts. An empty stack, ``Sequential([])``, passes the input on.
    merge : {"add", "multiply", "average", "maximum"}, default="add"
        What becomes of the outputs, in the order of the branches.
    trainable : bool, default=True
        Whether the branches are trained.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0, beside those of the
        branches.

    Examples
    --------
    >>> from fastnn import Branches, Sequential
    >>> from fastnn.layers import Dense
    >>> branches = Branches(
    ...     [("wide", Dense(3)), ("deep", Sequential([Dense(64, "relu"), Dense(3)]))],
    ...     merge="add",
    ... )
    >>> branches.output_shape((8,))
    (3,)
    >>> branches.set_params(deep__dense__units=32).branches[1]
    ('deep', Sequential(layers=[Dense(activation='relu', units=32), Dense(units=3)]))
    """

    _parameter_constraints: ClassVar[dict] = {
        "branches": "no_validation",  # named_parts does it
        "merge": [StrOptions(set(MERGES))],
        **Part._of_training,
    }
    _list = "branches"
    _item = "as (name, part)"
    _lengths = (2,)

    def __init__(
        self,
        branches: Sequence[tuple[str, Part]],
        merge: str = "add",
        *,
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.branches = branches
        self.merge = merge
        self.trainable = trainable
        self.learning_rate = learning_rate

    def forward(self, x: Any, apply: Apply) -> Any:
        """Apply all branches to one value, and merge; see :meth:`Network.forward`."""
        self._validate_params()
        named = self.named_parts()
        if not named:
            raise ValueError("branches must hold at least one, got an empty list.")
        for name, part in named:
            check_takes_one(part, f"branch {name!r}")
            check_gives_one(part, f"branch {name!r}")
        values = [apply(name, part, x) for name, part in named]
        if len(values) == 1:
            return values[0]
        try:
            return apply("merge", MERGES[self.merge](), values)
        except ValueError as error:
            raise ValueError(
                f"the branches {[name for name, _ in named]} cannot be merged by "
                f"merge={self.merge!r}: {error}"
            ) from error
