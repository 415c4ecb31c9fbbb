"""Networks of parts side by side."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from sklearn.utils._param_validation import StrOptions

from fastnn.layers import Add, Average, Concatenate, Maximum, Merge, Multiply
from fastnn.layers.base import Part
from fastnn.network.base import ListedNetwork
from fastnn.network.checks import check_gives_one, check_takes_one
from fastnn.network.columns import Columns
from fastnn.network.wiring import Apply

MERGES: dict[str, type[Merge]] = {
    "concatenate": Concatenate,
    "add": Add,
    "multiply": Multiply,
    "average": Average,
    "maximum": Maximum,
}


class Branches(ListedNetwork):
    """Parts side by side, whose outputs become one.

    Each reads the whole input, or columns of it.

    Parameters
    ----------
    branches : list of (str, Layer or Network) tuples
        Names and parts, in tuples of three also which columns of the last axis they
        read: a position, a list of positions, a slice or a boolean mask; where the
        branches read a table itself, or columns that a branch around them selects of
        one, also a name, a list or a slice of names, or a callable that is given the
        table and returns one of these, such as
        :func:`sklearn.compose.make_column_selector`. "rest" is what no other branch
        selects. Where X is several arrays, :class:`fastnn.Inputs`, it is the name of
        the array that the branch reads. A column may be read by several branches. An
        empty stack, ``Sequential([])``, passes on what it reads.
    merge : {"concatenate", "add", "multiply", "average", "maximum"}, \
            default="concatenate"
        What becomes of the outputs, in the order of the branches: side by side along
        the last axis, or merged number by number.
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
    ...     [
    ...         ("all", Dense(3)),
    ...         ("few", Sequential([Dense(64, "relu"), Dense(4)]), slice(0, 2)),
    ...     ]
    ... )
    >>> branches.output_shape((8,))
    (7,)
    >>> branches.set_params(few__dense__units=32).branches[1][1]
    Sequential(layers=[Dense(activation='relu', units=32), Dense(units=4)])
    """

    _parameter_constraints: ClassVar[dict] = {
        "branches": "no_validation",  # named_parts does it
        "merge": [StrOptions(set(MERGES))],
        **Part._of_training,
    }
    _list = "branches"
    _item = "as (name, part) or (name, part, columns)"
    _lengths = 2, 3

    def __init__(
        self,
        branches: Sequence[tuple[str, Part] | tuple[str, Part, Any]],
        merge: str = "concatenate",
        *,
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.branches = branches
        self.merge = merge
        self.trainable = trainable
        self.learning_rate = learning_rate

    def selected_columns(self) -> dict[str, Any]:
        """What branches select of the columns, by their names.

        Returns
        -------
        selected : dict of str to object
            Of those that do not read all.
        """
        return {
            name: item[2]
            for (name, _), item in zip(self.named_parts(), self.branches, strict=True)
            if len(item) == 3
        }

    def forward(self, x: Any, apply: Apply) -> Any:
        """Apply each branch to its columns, and merge; see :meth:`Network.forward`."""
        self._validate_params()
        named, selected = self.named_parts(), self.selected_columns()
        if not named:
            raise ValueError("branches must hold at least one, got an empty list.")
        values = []
        for name, part in named:
            check_takes_one(part, f"branch {name!r}")
            check_gives_one(part, f"branch {name!r}")
            read = x
            if isinstance(x, Mapping) and name not in selected:
                raise ValueError(
                    f"branch {name!r} must name one of the inputs {list(x)} that it "
                    f"reads: ({name!r}, part, {next(iter(x))!r})."
                )
            if name in selected:
                read = apply(f"{name}/columns", Columns(name, selected), x)
            values.append(apply(name, part, read))
        if len(values) == 1:
            return values[0]
        try:
            return apply("merge", MERGES[self.merge](), values)
        except ValueError as error:
            raise ValueError(
                f"the branches {[name for name, _ in named]} cannot be merged by "
                f"merge={self.merge!r}: {error}"
            ) from error
