"""The structure of sparse matrices, checked before anything reads them.

SciPy checks what its constructors are given, and its compiled loops trust what became
of that: a damaged index makes them read and write memory that is not theirs.
"""

from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from fastnn.engine.cpu.gather import check_compressed, check_index, check_range


def check_structure(name: str, array: Any) -> None:
    """Check that no index of a sparse matrix leads out of it; pass all else by.

    It takes a few passes over the indices.

    Parameters
    ----------
    name : str
        What the caller calls the array.
    array : object

    Raises
    ------
    ValueError
        If one does, or the matrix has not two dimensions.
    """
    if not sparse.issparse(array):
        return
    if array.ndim != 2:
        raise ValueError(
            f"{name} must be two-dimensional where it is sparse, got shape "
            f"{array.shape}. Reshape it, or pass {name}.toarray()."
        )
    n_rows, n_columns = array.shape
    if array.format in ("csr", "csc", "bsr"):
        _check_compressed(name, array)
    elif array.format == "coo":
        for what, numbers, end in (
            ("row indices", array.row, n_rows),
            ("column indices", array.col, n_columns),
        ):
            numbers = check_index(name, what, numbers)
            _require_length(name, what, numbers, np.shape(array.data))
            check_range(name, what, numbers, end)
    elif array.format == "dia":
        offsets = check_index(name, "offsets", array.offsets)
        _require_length(name, "offsets", offsets, np.shape(array.data)[:1])
    elif array.format == "lil":
        _check_lists(name, array)
    elif array.format == "dok":
        pairs = list(array.keys())
        if not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
            raise ValueError(f"the keys of the sparse {name} must be pairs of integers")
        keys = _integers(name, list(chain.from_iterable(pairs)))
        check_range(name, "row indices", keys[::2], n_rows)
        check_range(name, "column indices", keys[1::2], n_columns)


def _check_compressed(name: str, array: Any) -> None:
    n_rows, n_columns = array.shape
    what, data = "column indices", array.data
    if array.format == "csc":
        what, n_rows, n_columns = "row indices", n_columns, n_rows
    elif array.format == "bsr":
        what = "block indices"
        height, width = np.shape(data)[1:] if np.ndim(data) == 3 else (0, 0)
        if not (height and width) or n_rows % height or n_columns % width:
            raise ValueError(
                f"the blocks of the sparse {name} must divide its shape "
                f"{array.shape}, got data of shape {np.shape(data)}"
            )
        n_rows, n_columns = n_rows // height, n_columns // width
    if array.format != "bsr" and np.ndim(data) != 1:
        raise ValueError(
            f"the values of the sparse {name} must have one dimension, got shape "
            f"{np.shape(data)}"
        )
    check_compressed(name, array.indices, array.indptr, data, n_rows, n_columns, what)


def _check_lists(name: str, array: Any) -> None:
    """Check a list of column numbers, and one of values, for each row."""
    rows, values = array.rows, array.data
    lists = [each for each in (rows, values) if np.shape(each) == array.shape[:1]]
    if len(lists) < 2 or not all(isinstance(each, list) for each in chain(*lists)):
        raise ValueError(f"the sparse {name} must have two lists for each of its rows")
    if any(len(row) != len(of_row) for row, of_row in zip(rows, values, strict=True)):
        raise ValueError(
            f"the rows of the sparse {name} must hold as many values as column indices"
        )
    numbers = _integers(name, list(chain.from_iterable(rows)))
    check_range(name, "column indices", numbers, array.shape[1])


def _integers(name: str, numbers: list) -> NDArray:
    """Numbers of rows and columns as an array."""
    array = np.array(numbers) if numbers else np.empty(0, np.intp)
    return check_index(name, "indices", array)


def _require_length(
    name: str, what: str, numbers: NDArray, shape: tuple[int, ...]
) -> None:
    if numbers.shape != shape:
        raise ValueError(
            f"the {what} of the sparse {name} must be as many as its values, got "
            f"{numbers.size} of them for values of shape {shape}"
        )
