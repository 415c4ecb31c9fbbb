"""Copies of parameters at one moment, and whether they are of use."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastnn.engine.mirrored import MirroredArray


def all_finite(array: NDArray) -> bool:
    """Whether no number is an infinity or a NaN."""
    # A NaN is the minimum of what it stands in. Looking at each number by itself would
    # take a copy as large as a quarter of the parameters.
    return not array.size or bool(np.isfinite(array.min()) and np.isfinite(array.max()))


class Parts(Protocol):
    """Some numbers of an array: see `fastnn.engine.changing.Changing`."""

    def copies(self, flat: NDArray) -> list[NDArray]: ...

    def put_back(self, copies: Sequence[NDArray], flat: NDArray) -> None: ...


class Snapshot:
    """A copy of arrays at one moment, to which they can be set back.

    Parameters
    ----------
    *arrays : MirroredArray
        Copies are where they are.
    parts : Parts, default=None
        What may change of arrays of the host, and is copied; None is everything.
    """

    def __init__(self, *arrays: MirroredArray, parts: Parts | None = None):
        self._arrays, self._parts = arrays, parts
        self._copies: list[Any] = []

    @property
    def taken(self) -> bool:
        return bool(self._copies)

    def take(self) -> None:
        if self._parts is not None:
            self._copies = [self._parts.copies(array.host) for array in self._arrays]
            return
        if not self._copies:
            self._copies = [array.copy() for array in self._arrays]
            return
        for copy, array in zip(self._copies, self._arrays, strict=True):
            copy.assign(array)

    def restore(self) -> None:
        for copy, array in zip(self._copies, self._arrays, strict=True):
            if self._parts is not None:
                self._parts.put_back(copy, array.host)
            else:
                array.assign(copy)
