"""Tables of samples: shapes, values, dtypes, memory layouts and containers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas
from numpy.random import Generator

from fuzz.drawing import chance, count, pick, weighted
from fuzz.sparse_data import as_sparse


@dataclass(frozen=True)
class Table:
    """What is passed as X, and whether nobody may accept it."""

    value: Any
    unfit: bool = False


def n_rows(rng: Generator) -> int:
    low, high = weighted(
        rng,
        [
            (0.02, (0, 0)),
            (0.04, (1, 1)),
            (0.62, (2, 12)),
            (0.27, (13, 60)),
            (0.05, (61, 300)),
        ],
    )
    return count(rng, low, high)


def n_columns(rng: Generator) -> int:
    low, high = weighted(
        rng, [(0.01, (0, 0)), (0.1, (1, 1)), (0.8, (2, 8)), (0.09, (9, 40))]
    )
    return count(rng, low, high)


# ---------------------------------------------------------------------------- values


def _some(rng: Generator, values: np.ndarray, number: float) -> np.ndarray:
    """One of the numbers, or each with a small chance, replaced."""
    if values.size and chance(rng, 0.5):
        values.flat[count(rng, 0, values.size - 1)] = number
    else:
        values[rng.random(values.shape) < 0.1] = number
    return values


VALUES = {
    "zeros": lambda rng, x: 0 * x,
    "constant": lambda rng, x: 0 * x + 3.7,
    "constant columns": lambda rng, x: x[:1] + 0 * x,
    "whole": lambda rng, x: np.round(3 * x),
    "denormal": lambda rng, x: x * pick(rng, (1e-310, 1e-40, 5e-324, 1e-45)),
    "small": lambda rng, x: x * pick(rng, (1e-20, 1e-30, 1e-160, 1e-300)),
    "large": lambda rng, x: x * pick(rng, (1e4, 1e10, 1e18)),
    "huge": lambda rng, x: x * pick(rng, (1e37, 3e38, 1e39, 1e150, 1e300, 1e308)),
    "one huge": lambda rng, x: _some(rng, x, pick(rng, (1e37, -3e38, 1e300, -1e308))),
    "infinite": lambda rng, x: _some(rng, x, pick(rng, (np.inf, -np.inf))),
    "NaN": lambda rng, x: _some(rng, x, np.nan),
    "scales": lambda rng, x: x * 10.0 ** rng.integers(-12, 12, x.shape[1:]),
    "offset": lambda rng, x: x + pick(rng, (1e3, 1e8, -1e12)),
    "negative zeros": lambda rng, x: -0.0 * np.abs(x),
}
NAMES = tuple(VALUES)


def values(rng: Generator, shape: tuple[int, ...], wild: float = 0.2) -> np.ndarray:
    x = rng.standard_normal(shape)
    return VALUES[pick(rng, NAMES)](rng, x) if chance(rng, wild) else x


# ---------------------------------------------------------------------------- dtypes

OTHER_DTYPES = (
    *("f2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", ">f4", ">f8", ">i4"),
    *("g", "c8", "c16", "O", "U8", "S8", "M8[D]", "m8[s]", "V8", "<f8", "T"),
)


def cast(rng: Generator, x: np.ndarray, wild: float = 0.15) -> np.ndarray:
    """The same as another dtype; float32 and float64 are the likeliest."""
    dtype = pick(rng, OTHER_DTYPES) if chance(rng, wild) else pick(rng, ("f4", "f8"))
    if dtype == "T":
        return x.astype("U8").astype(np.dtypes.StringDType())
    if dtype[0] in "Mm":
        days = np.clip(np.nan_to_num(x), -1e6, 1e6)  # others are no dates in pandas
        return days.astype("i8").astype(dtype)
    if dtype[0] == "V":
        return x.astype("f8").view(dtype) if x.size else x
    if dtype == "O" and chance(rng, 0.3) and x.size:
        x = x.astype(object)
        x.flat[0] = pick(rng, (None, "a", object, 10**400, 1j, [1], float("nan")))
    return x.astype(dtype)


# --------------------------------------------------------------------------- layouts


def _spread(x: np.ndarray) -> np.ndarray:
    wide = np.zeros([2 * n for n in x.shape], x.dtype)
    wide[tuple(slice(None, None, 2) for _ in x.shape)] = x
    return wide[tuple(slice(None, None, 2) for _ in x.shape)]


def _reversed(x: np.ndarray) -> np.ndarray:
    turned = tuple(slice(None, None, -1) for _ in x.shape)
    return x[turned].copy()[turned]


def _unaligned(x: np.ndarray) -> np.ndarray:
    if x.dtype.hasobject or not x.size:
        return x
    raw = bytearray(b"\0" + x.tobytes())
    return np.frombuffer(raw, x.dtype, offset=1).reshape(x.shape)


def _frozen(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS = (
    np.asfortranarray,
    _spread,
    _reversed,
    _unaligned,
    _frozen,
    lambda x: np.broadcast_to(x[:1], x.shape),
    lambda x: np.ascontiguousarray(x.T).T,
    lambda x: np.hstack([x, x])[:, : x.shape[1]] if x.ndim == 2 else x,
)


def laid_out(rng: Generator, x: np.ndarray, wild: float = 0.3) -> np.ndarray:
    return pick(rng, LAYOUTS)(x) if chance(rng, wild) else x


# ------------------------------------------------------------------------ containers


def _frame(rng: Generator, x: np.ndarray) -> Any:
    if x.dtype.kind in "VT" or x.dtype == np.longdouble:
        x = x.astype("f8") if x.dtype.kind == "g" else np.zeros(x.shape)
    x = x.astype(x.dtype.newbyteorder("="))
    frame = pandas.DataFrame(x)
    if chance(rng, 0.5):
        frame.columns = [f"column {i}" for i in range(x.shape[1])]
    if x.shape[1] and chance(rng, 0.3):
        column = pick(
            rng,
            (
                pandas.Series(range(len(x)), dtype="Int64"),
                pandas.Series(range(len(x)), dtype="float32"),
                pandas.Series([True] * len(x)),
                pandas.Series(["a", "b"] * len(x), dtype="category")[: len(x)],
                pandas.Series([None] * len(x)),
                pandas.Series(["1"] * len(x)),
            ),
        )
        frame[frame.columns[0]] = column
    return frame


CONTAINERS = (
    lambda rng, x: x.tolist(),
    lambda rng, x: tuple(x),
    lambda rng, x: list(x),
    _frame,
    _frame,
    lambda rng, x: np.ma.masked_array(x, mask=rng.random(x.shape) < 0.1),
    lambda rng, x: x[0] if len(x) else x,
    lambda rng, x: x[:, :, np.newaxis],
    lambda rng, x: x.tolist() + [[1.0]],
    lambda rng, x: pick(rng, (None, 3, "X", object(), {}, [], iter([]), b"\0", 1.5)),
)


def table(rng: Generator, rows: int, columns: int, wild: float = 1.0) -> Table:
    """X of this shape; wild scales how often it is something odd."""
    x = values(rng, (rows, columns), 0.15 * wild)
    x = cast(rng, x, 0.12 * wild)
    if chance(rng, 0.15):
        return Table(*as_sparse(rng, x, 0.25 * wild))
    if chance(rng, 0.07 * wild):
        return Table(pick(rng, CONTAINERS)(rng, x))
    x = laid_out(rng, x)
    return Table(x, x.dtype.kind == "f" and not np.isfinite(x).all())
