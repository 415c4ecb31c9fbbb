"""Columns that branches select of a table by name, as positions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sklearn.base import clone

from fastnn.layers.base import Part
from fastnn.network.base import Network
from fastnn.network.branches import Branches
from fastnn.network.columns import Columns, positions


class Table(NamedTuple):
    """A table that a network reads, as far as branches ask for it.

    Parameters
    ----------
    n_columns : int
    names : sequence of str, default=None
        Names of the columns; None if they have none.
    X : DataFrame, default=None
        What callables are given, such as scikit-learn's ``make_column_selector``.
    """

    n_columns: int
    names: Sequence[str] | None = None
    X: Any = None


def with_positions(network: Network, tables: Table | Mapping[str, Table]) -> Network:
    """A copy of a network whose branches select columns of a table by position.

    Branches have columns of a table where they read it itself, and not what a layer has
    made of it. Elsewhere they can select by position only, and stay as they are.

    Parameters
    ----------
    network : Network
    tables : Table or mapping of str to Table
        What it reads; by name where it has several inputs.

    Returns
    -------
    network : Network

    Raises
    ------
    ValueError
        If a branch selects what is not there, or nothing.

    Examples
    --------
    >>> from fastnn import Branches
    >>> from fastnn.layers import Dense
    >>> from fastnn.network import Table, with_positions
    >>> network = Branches(
    ...     [("body", Dense(4), ["height", "weight"]), ("others", Dense(2), "rest")]
    ... )
    >>> with_positions(network, Table(3, ["height", "age", "weight"])).branches
    [('body', Dense(units=4), [0, 2]), ('others', Dense(units=2), [1])]
    """
    network = clone(network)
    _resolve("network", network, tables)
    return network


def _resolve(_: str, part: Part, read: Any) -> Any:
    """Resolve what a part reads that is a table; what parts give is none."""
    if isinstance(part, Columns) and isinstance(read, Mapping):
        return part.of(read)
    if isinstance(part, Branches) and isinstance(read, Table):
        selected = part.selected_columns()
        found = positions(selected, *read)
        part.branches = [
            (*item[:2], found[item[0]]) if item[0] in selected else item
            for item in part.branches
        ]
    if isinstance(part, Network):
        part.forward(read, _resolve)
    return None


def selects_columns(network: Network) -> bool:
    """Whether branches of a network, or of one within it, select columns.

    Parameters
    ----------
    network : Network

    Returns
    -------
    selects : bool
    """
    return any(_selections(network))


def check_same_columns(network: Network, before: Network) -> None:
    """Refuse branches that read other columns than those which were trained.

    Parameters
    ----------
    network, before : Network
        Of the same parts, with positions.

    Raises
    ------
    ValueError
        If a branch has other positions than before.
    """
    pairs = zip(_selections(network), _selections(before), strict=False)
    for selected, known in pairs:
        for branch, found in selected.items():
            if branch in known and found != known[branch]:
                raise ValueError(
                    f"branch {branch!r} now reads the columns {found} of X, but was "
                    f"trained with {known[branch]}. Pass X with the columns that it "
                    "had, or call fit with warm_start=False."
                )


def _selections(part: Part) -> Iterator[dict[str, Any]]:
    """What each of the Branches selects, of those that select something."""
    if isinstance(part, Branches) and part.selected_columns():
        yield part.selected_columns()
    for _, each in part.named_parts():
        yield from _selections(each)
