"""Where the parameters of a network lie in its flat buffer, by name.

What was kept of one network is given to another by these names, never by the order in
which the two are written.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.plan.records import Plan
from fastnn.utils.plain import PlainState

# An array whose last axis is a flat buffer becomes one for another network's.
Move = Callable[[NDArray], NDArray]


@dataclass(frozen=True)
class Layout:
    """Names, places and shapes of parameters in a flat buffer.

    Parameters
    ----------
    size : int
        Length of the buffer.
    places : dict of str to tuple
        Offset and shape of each parameter.
    """

    size: int
    places: dict[str, tuple[int, tuple[int, ...]]]

    @classmethod
    def of(cls, plan: Plan) -> "Layout":
        """That of the buffers of a plan."""
        places = {p.name: (p.offset, p.shape) for p in plan.parameters}
        return cls(plan.n_parameters, places)

    def __str__(self) -> str:
        """The names with the shapes, for messages."""
        named = [f"{name} {shape}" for name, (_, shape) in self.places.items()]
        return ", ".join(named) or "none"

    def move_from(self, other: "Layout") -> Move | None:
        """How arrays in another layout get into this one; None if they are in it.

        Parameters
        ----------
        other : Layout

        Returns
        -------
        move : callable or None
            Of arrays whose last axis is the buffer.

        Raises
        ------
        ValueError
            If the names, or the shapes that belong to them, are not the same.
        """
        if self == other:
            return None
        shapes, others = (
            {name: shape for name, (_, shape) in each.places.items()}
            for each in (self, other)
        )
        if shapes != others:
            raise ValueError(f"{other} are not {self}")

        return lambda array: self.taken_from(other, array)

    def taken_from(self, other: "Layout", array: NDArray) -> NDArray:
        """The numbers of these parameters, of an array in a layout that has them all.

        Parameters
        ----------
        other : Layout
            May have others besides.
        array : ndarray
            Its last axis is the buffer.
        """
        taken = np.zeros((*array.shape[:-1], self.size), array.dtype)
        for name, (to, shape) in self.places.items():
            n, at = prod(shape), other.places[name][0]
            taken[..., to : to + n] = array[..., at : at + n]
        return taken

    def to_plain(self) -> list[tuple[str, int, tuple[int, ...]]]:
        """What is saved of it, beside an array that tells the size."""
        return [(name, offset, shape) for name, (offset, shape) in self.places.items()]

    @classmethod
    def from_plain(cls, saved: PlainState, key: str, size: int) -> "Layout":
        """The same from what was saved; ValueError if that is damaged."""
        places: dict[str, tuple[int, tuple[int, ...]]] = {}
        for each in saved.get(key, list, tuple):
            if not _is_place(each, size) or each[0] in places:
                raise saved.damaged(
                    key, f"names with places in an array of {size} numbers", repr(each)
                )
            name, offset, shape = each
            places[name] = int(offset), tuple(map(int, shape))
        return cls(size, places)


def _is_place(value: Any, size: int) -> bool:
    """Whether a value that was loaded is a name, an offset and a shape."""
    if not isinstance(value, list | tuple) or len(value) != 3:
        return False
    name, offset, shape = value
    return (
        isinstance(name, str)
        and isinstance(shape, list | tuple)
        and all(isinstance(n, int | np.integer) and n >= 0 for n in (offset, *shape))
        and offset + prod(map(int, shape)) <= size
    )
