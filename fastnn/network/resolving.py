"""Columns that branches select of a table by name, as positions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sklearn.base import clone
from sklearn.utils import _safe_indexing

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

    Branches have columns of a table where they read it itself, or columns of it that a
    branch around them selects, and not what a layer has made of it. Elsewhere they can
    select by position only, and stay as they are.

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
    known: dict[int, tuple[dict[str, Any], dict[str, list[int]]]] = {}

    def resolve(_: str, part: Part, read: Any) -> Any:
        """Resolve what a part reads that is a table; return what it gives, if a table.

        Columns of a table are one, what layers make of it is none.
        """
        if isinstance(part, Columns):
            return part.of(read) if isinstance(read, Mapping) else _columns(part, read)
        if isinstance(part, Branches) and isinstance(read, Table):
            before = known.get(id(part))
            selected = before[0] if before else part.selected_columns()
            found = positions(selected, *read)
            if found != known.setdefault(id(part), (selected, found))[1]:
                raise ValueError(
                    f"the branches {list(selected)} stand in several places, where "
                    "what they select are other columns. Give each place branches of "
                    "its own, by a clone of them."
                )
            part.branches = [
                (*item[:2], found[item[0]]) if item[0] in selected else item
                for item in part.branches
            ]
        return part.forward(read, resolve) if isinstance(part, Network) else None

    resolve("network", network, tables)
    return network


def _columns(part: Columns, read: Any) -> Table | None:
    """The table that a branch reads, of columns of a table."""
    if not isinstance(read, Table):
        return None
    n_columns, names, X = read
    found = positions(part.selected, n_columns, names, X)[part.branch]
    return Table(
        len(found),
        None if names is None else [names[position] for position in found],
        None if X is None else _safe_indexing(X, found, axis=1),
    )


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
