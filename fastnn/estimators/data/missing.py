"""What is missing in targets, and what is left where that is taken away."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def is_missing(value: Any) -> bool:
    """Whether a value says that there is none."""
    if value is None or type(value).__name__ == "NAType":
        return True
    # NaN is what differs from itself; comparing pandas' NA gives NA, arrays an array.
    differs = value != value
    return isinstance(differs, bool | np.bool_) and bool(differs)


def array_of(values: Any) -> Any:
    """Values as what has a shape; a list becomes an array.

    Among words NaN stays what it is. NumPy makes the word "nan" of it.
    """
    if hasattr(values, "shape"):
        return values
    array = np.asarray(values)
    if array.dtype.kind == "U":
        objects = np.asarray(values, dtype=object)
        if any(is_missing(each) for each in objects.ravel()):
            return objects
    return array


def without_value(values: Any) -> NDArray[np.bool_]:
    """Which samples lack one of their values, of an array, a series or a frame."""
    if hasattr(values, "isna"):
        found = np.asarray(values.isna())
    elif hasattr(values, "is_null"):
        found = values.is_null().to_numpy()
        if values.dtype.is_float():
            found = found | values.is_nan().fill_null(True).to_numpy()
    elif values.dtype.kind == "f":
        found = np.isnan(values)
    elif values.dtype.kind in "mM":
        found = np.isnat(values)
    elif values.dtype.kind == "O":
        found = np.frompyfunc(is_missing, 1, 1)(values).astype(bool)
    else:
        found = np.zeros(len(values), bool)
    return np.asarray(found.any(axis=1) if found.ndim == 2 else found)


def of_one_kind(values: NDArray) -> NDArray:
    """Objects that are all truth values, or all whole numbers, as an array of such.

    They are objects because others were missing.
    """
    if values.dtype.kind != "O":
        return values
    for kinds in ((bool, np.bool_), (int, np.integer)):
        if values.size and all(
            isinstance(each, kinds) and (bool in kinds or not isinstance(each, bool))
            for each in values.ravel()
        ):
            return np.array(values.tolist())
    return values
