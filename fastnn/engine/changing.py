"""What the steps on a data set change of buffers that are as long as the parameters.

Of tables whose gradients are rows that is the rows that its samples read: they may be
few of very many, and whoever copies or looks at what has changed leaves the others
alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.engine.snapshot import all_finite
from fastnn.plan.records import Plan
from fastnn.utils.sequences import Sequences


@dataclass(frozen=True)
class Rows:
    """Rows of a table in a flat buffer.

    Parameters
    ----------
    offset : int
        Where the table begins.
    shape : tuple of int
    numbers : ndarray of shape (n,), intp
    """

    offset: int
    shape: tuple[int, int]
    numbers: NDArray[np.intp]

    def table(self, flat: NDArray) -> NDArray:
        """The table, of each row of flat."""
        part = flat[..., self.offset : self.offset + self.shape[0] * self.shape[1]]
        return part.reshape(*flat.shape[:-1], *self.shape)


@dataclass(frozen=True)
class Changing:
    """The first numbers of flat buffers, and rows of tables behind them.

    Parameters
    ----------
    n_dense : int
    tables : tuple of Rows
    """

    n_dense: int
    tables: tuple[Rows, ...]

    def copies(self, flat: NDArray) -> list[NDArray]:
        """Copies of all that may change, along the last axis."""
        rows = [each.table(flat)[..., each.numbers, :] for each in self.tables]
        return [flat[..., : self.n_dense].copy(), *rows]

    def put_back(self, copies: Sequence[NDArray], flat: NDArray) -> None:
        """Have all that may have changed be what was copied."""
        dense, *rows = copies
        flat[..., : self.n_dense] = dense
        for each, own in zip(self.tables, rows, strict=True):
            each.table(flat)[..., each.numbers, :] = own

    def all_finite(self, flat: NDArray) -> bool:
        """Whether none of what may change is an infinity or a NaN."""
        return all(map(all_finite, self.copies(flat)))


def changing(plan: Plan, tables: tuple[Any, ...]) -> Changing | None:
    """What steps on these tables change; None where that may be everything."""
    if not len(plan.row_gradients):
        return None
    read: dict[int, tuple[tuple[int, int], NDArray[np.bool_]]] = {}
    for use in plan.row_gradients:
        block = plan.blocks[use["block"]]
        shape = int(block["size"] // block["columns"]), int(block["columns"])
        is_read = read.setdefault(
            int(block["offset"]), (shape, np.zeros(shape[0], np.bool_))
        )[1]
        table = tables[plan.tensors[use["tokens"]]["index"]]
        tokens = table.values if isinstance(table, Sequences) else table
        is_read[tokens.view(np.uint8) if tokens.dtype == np.bool_ else tokens] = True
    return Changing(
        plan.n_gradients,
        tuple(
            Rows(offset, shape, np.flatnonzero(is_read))
            for offset, (shape, is_read) in read.items()
        ),
    )
