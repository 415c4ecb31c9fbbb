"""Sparse matrices of all formats, whole and damaged."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator
from scipy import sparse

from fuzz.drawing import chance, count, pick

FORMATS = ("csr", "csr", "csr", "csc", "coo", "bsr", "lil", "dia", "dok")
KINDS = "?bBhHiIlLqQfdgFD"


def as_sparse(rng: Generator, x: np.ndarray, damaged: float) -> tuple[Any, bool]:
    """A sparse matrix of these numbers, and whether it is damaged beyond use."""
    if x.dtype.char not in KINDS or not x.dtype.isnative:
        x = np.zeros(x.shape)
    x = np.where(rng.random(x.shape) < 0.5, x, np.zeros((), x.dtype))
    make = pick(rng, (sparse.csr_array, sparse.csr_matrix))
    kind = pick(rng, FORMATS)
    matrix = make(x)
    if kind in ("csr", "csc") and chance(rng, 0.1) and matrix.nnz:
        matrix = _unsorted(matrix)
    matrix = matrix.asformat(kind)
    if chance(rng, 0.4):
        _change_indices(matrix, pick(rng, ("i4", "i8", "i8", ">i4", "u4", "i2")))
    if matrix.nnz and chance(rng, damaged):
        pick(rng, DAMAGES[kind])(rng, matrix)
        return matrix, True
    unfit = x.dtype.kind in "f" and not np.isfinite(x).all()
    return matrix, bool(unfit)


def _unsorted(matrix: Any) -> Any:
    """The indices of each row backwards, which is allowed."""
    for start, end in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        matrix.indices[start:end] = matrix.indices[start:end][::-1].copy()
    matrix.has_sorted_indices = False
    return matrix


def _change_indices(matrix: Any, dtype: str) -> None:
    if matrix.format in ("csr", "csc", "bsr"):
        matrix.indices = matrix.indices.astype(dtype)
        matrix.indptr = matrix.indptr.astype(dtype)
    elif matrix.format == "coo":
        matrix.coords = tuple(each.astype(dtype) for each in matrix.coords)


def _beyond(rng: Generator, matrix: Any) -> int:
    return pick(rng, (-1, -(10**4), max(matrix.shape), 10**6, 2**31 - 1, -(2**31)))


def _set(numbers: np.ndarray, at: int, value: int) -> np.ndarray:
    """A copy with one number changed, wide enough for it."""
    numbers = numbers.astype("i8" if numbers.dtype.kind == "u" else "i4")
    numbers[at] = value
    return numbers


def _index(rng: Generator, matrix: Any) -> None:
    at = count(rng, 0, len(matrix.indices) - 1)
    matrix.indices = _set(matrix.indices, at, _beyond(rng, matrix))


def _falling_pointer(rng: Generator, matrix: Any) -> None:
    """Some row ends before it begins."""
    at = count(rng, 0, len(matrix.indptr) - 2)
    matrix.indptr = _set(matrix.indptr, at, int(matrix.indptr[-1]) + 1)


def _wrapping_pointer(rng: Generator, matrix: Any) -> None:
    """Differences that are positive in int32 by overflow."""
    indptr = matrix.indptr.astype(np.int32)
    indptr[1:-1] = np.resize(np.array([2**31 - 1, -(2**31)], "i4"), len(indptr) - 2)
    indptr[-1] = 2**31 - 1 if len(indptr) == 2 else indptr[-1]
    matrix.indptr = indptr


def _last_pointer(rng: Generator, matrix: Any) -> None:
    indptr = matrix.indptr
    value = pick(rng, (len(matrix.indices) + 7, 10**7, 2**31 - 1, -1))
    matrix.indptr = _set(indptr, -1, value)


def _first_pointer(rng: Generator, matrix: Any) -> None:
    matrix.indptr = _set(matrix.indptr, 0, pick(rng, (-1, -(10**5), 10**6)))


def _short(name: str) -> Callable[[Generator, Any], None]:
    def damage(rng: Generator, matrix: Any) -> None:
        setattr(matrix, name, getattr(matrix, name)[: -count(rng, 1, 3)])

    return damage


def _empty(name: str) -> Callable[[Generator, Any], None]:
    def damage(rng: Generator, matrix: Any) -> None:
        setattr(matrix, name, getattr(matrix, name)[:0])

    return damage


def _coordinate(rng: Generator, matrix: Any) -> None:
    coords = [each.copy() for each in matrix.coords]
    axis, at = count(rng, 0, 1), count(rng, 0, matrix.nnz - 1)
    coords[axis] = _set(coords[axis], at, _beyond(rng, matrix))
    matrix.coords = tuple(coords)


def _few_coordinates(rng: Generator, matrix: Any) -> None:
    axis = count(rng, 0, 1)
    coords = list(matrix.coords)
    coords[axis] = coords[axis][:-1]
    matrix.coords = tuple(coords)


def _in_list(rng: Generator, matrix: Any) -> None:
    rows = [i for i, row in enumerate(matrix.rows) if row]
    row = matrix.rows[pick(rng, rows)]
    row[count(rng, 0, len(row) - 1)] = pick(rng, (_beyond(rng, matrix), "a", 0.5, None))


def _few_in_list(rng: Generator, matrix: Any) -> None:
    rows = [i for i, row in enumerate(matrix.rows) if row]
    pick(rng, (matrix.rows, matrix.data))[pick(rng, rows)].pop()


def _no_list(rng: Generator, matrix: Any) -> None:
    pick(rng, (matrix.rows, matrix.data))[0] = pick(rng, (None, 3, "ab", (1,)))


def _key(rng: Generator, matrix: Any) -> None:
    keys = ((10**6, 0), (0, -1), ("a", 0), (0.5, 0.5), (0, 0, 0), 7)
    matrix._dict[pick(rng, keys)] = 1.0


_COMPRESSED = (
    *(_index, _index, _falling_pointer, _wrapping_pointer, _last_pointer),
    *(_first_pointer, _short("indptr"), _short("indices"), _short("data")),
    *(_empty("indptr"), _empty("indices"), _empty("data")),
)
DAMAGES = {
    **dict.fromkeys(("csr", "csc", "bsr"), _COMPRESSED),
    "coo": (_coordinate, _coordinate, _few_coordinates, _short("data")),
    "lil": (_in_list, _few_in_list, _no_list, _short("rows"), _short("data")),
    "dia": (_short("offsets"), _empty("offsets")),
    "dok": (_key,),
}
