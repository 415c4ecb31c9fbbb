"""Copies of parameters at one moment, and whether they are of use."""

import numpy as np
from numpy.typing import NDArray

from fastnn.engine.mirrored import MirroredArray


def all_finite(array: NDArray) -> bool:
    """Whether no number is an infinity or a NaN."""
    # A NaN is the minimum of what it stands in. Looking at each number by itself would
    # take a copy as large as a quarter of the parameters.
    return not array.size or bool(np.isfinite(array.min()) and np.isfinite(array.max()))


class Snapshot:
    """A copy of arrays at one moment, to which they can be set back.

    Parameters
    ----------
    *arrays : MirroredArray
        Copies are where they are.
    """

    def __init__(self, *arrays: MirroredArray):
        self._arrays = arrays
        self._copies: list[MirroredArray] = []

    @property
    def taken(self) -> bool:
        return bool(self._copies)

    def take(self) -> None:
        if not self._copies:
            self._copies = [array.copy() for array in self._arrays]
            return
        for copy, array in zip(self._copies, self._arrays, strict=True):
            copy.assign(array)

    def restore(self) -> None:
        for copy, array in zip(self._copies, self._arrays, strict=True):
            array.assign(copy)
