"""Columns that branches read: from what a user says to positions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastnn.layers.base import Part
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor

REST = "rest"


def positions(
    columns: Mapping[str, Any],
    n_columns: int,
    names: Sequence[str] | None = None,
    X: Any = None,
) -> dict[str, list[int]]:
    """Positions of the columns of each branch.

    Parameters
    ----------
    columns : mapping of str to object
        By the name of the branch: a name, a position, a list of names or of positions,
        a slice of either, a boolean mask, a callable that is given X and returns one of
        these, or "rest" for what no other branch has. As scikit-learn's
        ColumnTransformer reads them, but that one name or position is one column of a
        table. None is all columns.
    n_columns : int
    names : sequence of str, default=None
        Names of the columns; None if they have none.
    X : DataFrame, default=None
        What callables are given.

    Returns
    -------
    positions : dict of str to list of int

    Raises
    ------
    ValueError
        If there is no such column, or none for a branch; the message names the branch.

    Examples
    --------
    >>> from fastnn.network.columns import positions
    >>> branches = {"numbers": ["age", "income"], "others": "rest"}
    >>> positions(branches, 4, ["age", "city", "income", "zip"])
    {'numbers': [0, 2], 'others': [1, 3]}
    """
    found = {
        branch: _positions(branch, chosen, n_columns, names, X)
        for branch, chosen in columns.items()
        if not _is_rest(chosen)
    }
    taken = {position for each in found.values() for position in each}
    rest = [position for position in range(n_columns) if position not in taken]
    found = {branch: found.get(branch, rest) for branch in columns}
    for branch, each in found.items():
        if not each:
            raise ValueError(
                f"branch {branch!r} has no columns: its columns={columns[branch]!r} "
                f"select none of the {n_columns}. Select some, or take it out."
            )
    return found


def _is_rest(chosen: Any) -> bool:
    return isinstance(chosen, str) and chosen == REST


def _positions(
    branch: str, chosen: Any, n_columns: int, names: Sequence[str] | None, X: Any
) -> list[int]:
    if isinstance(chosen, type):  # one of numbers, to which nothing would be given
        raise _wrong(branch, chosen)
    if callable(chosen):
        if X is None:
            raise ValueError(
                f"branch {branch!r} selects its columns by a function, which needs "
                "names and dtypes. Pass X as a DataFrame, or give positions."
            )
        chosen = chosen(X)
    if chosen is None:
        return list(range(n_columns))
    if isinstance(chosen, slice):
        return _of_slice(branch, chosen, n_columns, names)
    listed = isinstance(chosen, list | tuple) or np.ndim(chosen) == 1
    several = list(chosen) if listed else [chosen]
    if several and all(isinstance(each, bool | np.bool_) for each in several):
        if len(several) != n_columns:
            raise ValueError(
                f"branch {branch!r} has a mask of {len(several)} columns, but there "
                f"are {n_columns}."
            )
        return [position for position, each in enumerate(several) if each]
    return [_position(branch, each, n_columns, names) for each in several]


def _position(
    branch: str, column: Any, n_columns: int, names: Sequence[str] | None
) -> int:
    if isinstance(column, str):
        if names is None:
            raise ValueError(
                f"branch {branch!r} selects the column {column!r} by name, but what it "
                "reads has no names. Pass X as a DataFrame, or give positions."
            )
        if column not in names:
            raise ValueError(
                f"branch {branch!r} selects the column {column!r}, but the columns are "
                f"{list(names)}."
            )
        return list(names).index(column)
    if not isinstance(column, int | np.integer) or isinstance(column, bool):
        raise _wrong(branch, column)
    if not -n_columns <= column < n_columns:
        raise ValueError(
            f"branch {branch!r} selects the column {int(column)}, but there are "
            f"{n_columns}."
        )
    return int(column) % n_columns


def _of_slice(
    branch: str, chosen: slice, n_columns: int, names: Sequence[str] | None
) -> list[int]:
    start, stop = (
        _position(branch, each, n_columns, names) if isinstance(each, str) else each
        for each in (chosen.start, chosen.stop)
    )
    try:
        if isinstance(chosen.stop, str):  # the last name is one of them, as in pandas
            backwards = chosen.step is not None and chosen.step < 0
            stop = stop + 1 if not backwards else stop - 1 if stop else None
        return list(range(n_columns)[slice(start, stop, chosen.step)])
    except (TypeError, ValueError):  # a step of 0 is refused by the latter
        raise ValueError(
            f"branch {branch!r} must select its columns by a slice of positions or of "
            f"names, got {chosen!r}."
        ) from None


def _wrong(branch: str, chosen: Any) -> ValueError:
    return ValueError(
        f"branch {branch!r} must select its columns by name, position, slice, mask or "
        f"a function, such as make_column_selector returns, got {chosen!r}."
    )


class Columns(Part):
    """The columns that a branch reads, of the last axis.

    Parameters
    ----------
    branch : str
        Its name.
    selected : dict of str to object
        What each branch selects; see :func:`positions`.
    """

    _takes_sequences = True
    _masks = "keeps"

    def __init__(self, branch: str, selected: Mapping[str, Any]):
        self.branch = branch
        self.selected = selected

    def __repr__(self) -> str:
        chosen = self.selected[self.branch]
        return chosen if isinstance(chosen, str) else repr(chosen)

    def of(self, inputs: Mapping[str, Any]) -> Any:
        """What the branch reads where there are several inputs: the one that it names.

        Raises
        ------
        ValueError
            If there is none of this name.
        """
        chosen = self.selected[self.branch]
        if _is_rest(chosen):
            named = [each for each in self.selected.values() if isinstance(each, str)]
            rest = [name for name in inputs if name not in named]
            chosen = rest[0] if len(rest) == 1 else rest
        if not isinstance(chosen, str) or chosen not in inputs:
            raise ValueError(
                f"branch {self.branch!r} must name one of the inputs {list(inputs)}, "
                f"got {chosen!r}."
            )
        return inputs[chosen]

    def output_shape(self, input_shape: Any) -> tuple[int, ...]:
        if isinstance(input_shape, Mapping):
            return self.of(input_shape)
        return (*input_shape[:-1], len(self._positions(input_shape)))

    def lower(self, tape: Tape, x: Any, name: str) -> Tensor:
        """Write views of the columns, and what puts them side by side."""
        if isinstance(x, Mapping):
            return self.of(x)
        runs = _runs(self._positions(x.shape))
        parts = [ops.columns(tape, x, start, width) for start, width in runs]
        return ops.concatenate(tape, parts)

    def _positions(self, shape: tuple[int, ...]) -> list[int]:
        return positions(self.selected, shape[-1])[self.branch]


def _runs(found: Sequence[int]) -> list[tuple[int, int]]:
    """First positions and lengths of what lies side by side."""
    runs: list[tuple[int, int]] = []
    for position in found:
        if runs and sum(runs[-1]) == position:
            start, width = runs.pop()
            runs.append((start, width + 1))
        else:
            runs.append((position, 1))
    return runs
