"""Numbers that the type a network computes in cannot hold."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from fastnn.engine.cuda import worst_number
from fastnn.engine.device import Device, DeviceArray
from fastnn.utils.sequences import Sequences

# What is cast on a device at a time, to see whether it overflows.
NUMBERS_CAST = 1 << 24


def check_range(
    name: str, values: Any, dtype: np.dtype, device: Device | None = None
) -> None:
    """Refuse numbers that are finite, but would be infinite as ``dtype``.

    Parameters
    ----------
    name : str
        What the user calls them.
    values : {ndarray, CSR matrix, Sequences, DeviceArray}
        Finite numbers.
    dtype : dtype
        float32 or float64.
    device : Device, default=None
        Where they are, if they are on one.

    Raises
    ------
    ValueError
        If one is beyond the largest number of ``dtype``.
    """
    if sparse.issparse(values):
        values = values.data
    elif isinstance(values, Sequences):
        values = values.values
    if values.dtype.kind != "f" or np.finfo(values.dtype).max <= np.finfo(dtype).max:
        return
    if isinstance(values, DeviceArray):
        beyond = device is not None and _overflows_there(device, values, dtype)
        found = "a number"
    else:
        worst = _worst(values, np.finfo(dtype).max)
        beyond, found = worst is not None, str(worst)
    if beyond:
        raise ValueError(
            f"{name} holds {found} beyond the range of {dtype}, in which this network "
            f"computes (up to {np.finfo(dtype).max:.4g}). {_remedy(dtype, name)}"
        )


@contextmanager
def described_as_overflow(name: str) -> Iterator[None]:
    """Say what to do where scikit-learn has cast numbers of a list or of objects."""
    try:
        yield
    except OverflowError as error:  # Python's integers have no largest one
        raise ValueError(
            f"{name} holds an integer beyond the range of float64: {error}. "
            f"{_remedy(np.dtype(np.float64), name)}"
        ) from error
    except ValueError as error:
        if "too large for dtype('float32')" not in str(error):
            raise
        raise ValueError(
            f"{error} If the numbers are finite: {name} holds some beyond the range of "
            f"float32. {_remedy(np.dtype(np.float32), name)}"
        ) from error


def _remedy(dtype: np.dtype, name: str) -> str:
    scale = f"scale {name}, for example with StandardScaler"
    if dtype == np.float32:
        return f"Set dtype='float64', or {scale}."
    return scale[0].upper() + scale[1:] + "."


def _worst(values: NDArray, most: np.floating) -> Any:
    """The number of the largest magnitude if that exceeds ``most``, else None."""
    flags = values.flags
    with np.errstate(all="ignore"):
        if flags.c_contiguous or flags.f_contiguous:
            # One pass without a copy. What is so small in the sum of squares is smaller
            # in each of them.
            flat = values.ravel(order="K")
            if np.dot(flat, flat) <= values.dtype.type(most) ** 2:
                return None
        if not values.size:
            return None
        low, high = values.min(), values.max()
    worst = low if -low > high else high
    return worst if abs(worst) > most else None


def _overflows_there(device: Device, values: DeviceArray, dtype: np.dtype) -> bool:
    rows = max(1, NUMBERS_CAST // max(1, values.size // max(1, len(values))))
    parts = (values[i : i + rows] for i in range(0, len(values), rows))
    return any(worst_number(device, device.cast(part, dtype)) != 0 for part in parts)
