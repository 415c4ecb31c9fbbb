"""Arrays that begin at a cache line, of which vectors are read in one go each.

NumPy's begin anywhere in one, and a product of weights that lie so takes half as long
again.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike, NDArray

CACHE_LINE = 64  # bytes, as in csrc/base/memory.c


def aligned_zeros(shape: int | Sequence[int], dtype: DTypeLike) -> NDArray:
    dtype = np.dtype(dtype)
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if dtype.hasobject:  # exchanged by hand; refused where they are used
        return np.zeros(shape, dtype)
    n_bytes = math.prod(shape) * dtype.itemsize
    memory = np.zeros(n_bytes + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + n_bytes].view(dtype).reshape(shape)


def aligned_copy(array: NDArray, dtype: DTypeLike | None = None) -> NDArray:
    if array.dtype.hasobject:  # of a damaged model, which is refused where it is used
        return array.copy()
    copy = aligned_zeros(array.shape, array.dtype if dtype is None else dtype)
    np.copyto(copy, array, casting="same_kind")
    return copy
